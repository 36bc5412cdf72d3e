// SPDX-License-Identifier: MIT
// Files that leave the page and come back: a trace (one event a line), and a replay as one HTML file,
// which is this very page with the runs written into it.
import { parseTrace, traceText, TraceError, type Run } from './events.ts';
import type { Turn } from './turns.ts';
import type { Values } from './options.ts';

const dataId = 'redraft-replay';

interface Replay {
  readonly question: string;
  readonly system: string;
  readonly slots: readonly { readonly values: Values; readonly trace: string }[];
}

export function download(name: string, type: string, content: string): void {
  const url = URL.createObjectURL(new Blob([content], { type }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/** A file name that tells what is in it. */
export function fileName(turn: Turn, ending: string): string {
  const words = turn.question.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, '-').replace(/^-|-$/g, '').slice(0, 40);
  return `redraft-${words || 'trace'}${ending}`;
}

export const saveTrace = (turn: Turn, run: Run, label: string): void =>
  download(fileName(turn, `${label}.jsonl`), 'application/jsonl', traceText(run));

function replayOf(turn: Turn): Replay {
  return {
    question: turn.question,
    system: turn.messages.find((message) => message.role === 'system')?.content ?? '',
    slots: turn.slots
      .filter((slot) => slot.run.frames.length > 0)
      .map((slot) => ({ values: slot.values, trace: traceText(slot.run) })),
  };
}

const escapeHtml = (text: string): string =>
  text.replace(/[&<>"]/g, (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[c] ?? c);

/** The page's own source with a replay in it. Script and style stay as they are to the byte, so the
 *  policy with their hashes still holds; nothing may be fetched from the saved file. */
export function replayPage(turn: Turn): string {
  const script = document.querySelector('script[type="module"]')?.textContent ?? '';
  const style = document.querySelector('style')?.textContent ?? '';
  const policy = document.querySelector('meta[http-equiv="Content-Security-Policy"]')?.getAttribute('content') ?? '';
  const icon = document.querySelector('link[rel="icon"]')?.getAttribute('href') ?? '';
  const data = JSON.stringify(replayOf(turn)).replace(/[<\u2028\u2029]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${escapeHtml(policy.replace("connect-src 'self'", "connect-src 'none'"))}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(turn.question || 'A replay')} - redraft</title>
<link rel="icon" href="${escapeHtml(icon)}">
<style>${style}</style>
<script type="application/json" id="${dataId}">${data}</script>
<script type="module">${script}</script>
</head>
<body>
<div id="app"></div>
</body>
</html>
`;
}

export const saveReplay = (turn: Turn): void => download(fileName(turn, '.html'), 'text/html', replayPage(turn));

/** The replay written into this page, if it is a saved one. */
export function embeddedReplay(): Turn | null {
  const text = document.getElementById(dataId)?.textContent;
  if (!text) return null;
  const replay = JSON.parse(text) as Replay;
  return {
    id: 1,
    question: replay.question,
    messages: replay.system ? [{ role: 'system', content: replay.system }] : [],
    model: '',
    slots: replay.slots.map((slot) => ({ values: slot.values, run: parseTrace(slot.trace), draft: null })),
    replaces: null,
    note: '',
  };
}

const largest = 64 * 1024 * 1024;

/** A turn from a trace file that a person picked or dropped. */
export async function loadTrace(file: File, id: number): Promise<Turn> {
  if (file.size > largest) throw new TraceError(`${file.name}: ${file.size} bytes; a trace of at most ${largest} can be shown`);
  try {
    const run = parseTrace(await file.text());
    return { id, question: '', messages: [], model: '', slots: [{ values: {}, run, draft: null }], replaces: null, note: `Loaded from ${file.name}` };
  } catch (error) {
    throw new TraceError(`${file.name}: ${(error as Error).message}`);
  }
}
