// SPDX-License-Identifier: MIT
// Markdown as models write it, made into elements: headings, lists, quotes, rules, code, emphasis, links.
// No HTML is ever taken from the text: what is not understood stands there as it was written.
import type { ComponentChildren } from 'preact';

type Node = ComponentChildren;

/** Inline marks, the first that matches at a place; each makes an element of what it holds. */
const marks: readonly (readonly [RegExp, (found: RegExpExecArray) => Node])[] = [
  [/(`+)(.+?)\1/y, (found) => <code>{found[2]!.replace(/^ (.+) $/, '$1')}</code>],
  [/\*\*(?=\S)(.+?)\*\*/y, (found) => <strong>{inline(found[1]!)}</strong>],
  [/__(?=\S)(.+?)__(?!\w)/y, (found) => <strong>{inline(found[1]!)}</strong>],
  [/\*(?=\S)([^*]+?)\*/y, (found) => <em>{inline(found[1]!)}</em>],
  [/_(?=\S)([^_]+?)_(?!\w)/y, (found) => <em>{inline(found[1]!)}</em>],
  [
    /!?\[([^\]]*)\]\((https?:\/\/[^\s()]+)\)/y, // of a picture its name alone: the page fetches nothing
    (found) =>
      found[0].startsWith('!') ? (
        found[1]
      ) : (
        <a href={found[2]!} target="_blank" rel="noopener noreferrer">
          {found[1]}
        </a>
      ),
  ],
];

export function inline(text: string): Node[] {
  const out: Node[] = [];
  let plain = '';
  for (let at = 0; at < text.length; ) {
    const inWord = /\w/.test(text[at - 1] ?? '');
    const hit = marks.reduce<readonly [number, Node] | null>((before, [pattern, make]) => {
      if (before || (inWord && text[at] === '_')) return before;
      pattern.lastIndex = at;
      const found = pattern.exec(text);
      return found && [found[0].length, make(found)];
    }, null);
    if (!hit) {
      plain += text[at++];
      continue;
    }
    if (plain) out.push(plain);
    plain = '';
    out.push(hit[1]);
    at += hit[0];
  }
  if (plain) out.push(plain);
  return out;
}

/** Lines of a paragraph keep their ends: models mean them. */
const lines = (list: readonly string[]): Node[] => list.flatMap((line, i) => (i > 0 ? [<br />, ...inline(line)] : inline(line)));

const item = /^ {0,3}(?:[-*+]|(\d{1,9})[.)])\s+(.*)$/;
const fence = /^ {0,3}(`{3,}|~{3,})\s*(\S*)/;
const heading = /^ {0,3}(#{1,6})\s+(.*?)\s*#*$/;
const rule = /^ {0,3}([-*_])(?:\s*\1){2,}\s*$/;
const quote = /^ {0,3}> ?(.*)$/;
const begins = [fence, heading, rule, quote, item];

/** A list from line `at` on, and the line behind it. */
function list(all: readonly string[], at: number): readonly [Node, number] {
  const ordered = item.exec(all[at]!)![1];
  const items: string[][] = [];
  for (; at < all.length; at++) {
    const found = rule.test(all[at]!) ? null : item.exec(all[at]!);
    if (found && (found[1] === undefined) === (ordered === undefined)) items.push([found[2]!]);
    else if (/^\s+\S/.test(all[at]!) && !found) items[items.length - 1]!.push(all[at]!.trim());
    else break;
  }
  const rows = items.map((own) => <li>{lines(own)}</li>);
  return [ordered === undefined ? <ul dir="auto">{rows}</ul> : <ol dir="auto" start={Number(ordered)}>{rows}</ol>, at];
}

export function blocks(text: string): Node[] {
  const all = text.replace(/\r\n?/g, '\n').split('\n');
  const out: Node[] = [];
  for (let at = 0; at < all.length; ) {
    const line = all[at]!;
    const code = fence.exec(line);
    const title = heading.exec(line);
    if (code) {
      let end = at + 1; // a fence that is not closed yet holds the rest: a draft may end anywhere
      while (end < all.length && all[end]!.trim() !== code[1]) end++;
      out.push(
        <pre dir="ltr" tabIndex={0} aria-label={code[2] ? `Code, ${code[2]}` : 'Code'}>
          <code>{all.slice(at + 1, end).join('\n')}</code>
        </pre>,
      );
      at = end + 1;
    } else if (title) {
      out.push(
        <p class={`heading level${title[1]!.length}`} dir="auto" role="heading" aria-level={Math.min(6, title[1]!.length + 2)}>
          {inline(title[2]!)}
        </p>,
      );
      at++;
    } else if (rule.test(line)) {
      out.push(<hr />);
      at++;
    } else if (quote.test(line)) {
      let end = at;
      while (end < all.length && quote.test(all[end]!)) end++;
      out.push(<blockquote dir="auto">{lines(all.slice(at, end).map((quoted) => quote.exec(quoted)![1]!))}</blockquote>);
      at = end;
    } else if (item.test(line)) {
      const [made, end] = list(all, at);
      out.push(made);
      at = end;
    } else if (line.trim() === '') {
      at++;
    } else {
      let end = at + 1;
      while (end < all.length && all[end]!.trim() !== '' && !begins.some((begin) => begin.test(all[end]!))) end++;
      out.push(<p dir="auto">{lines(all.slice(at, end))}</p>);
      at = end;
    }
  }
  return out;
}

export const Markdown = ({ text }: { text: string }) => <>{blocks(text)}</>;
