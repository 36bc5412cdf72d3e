// SPDX-License-Identifier: MIT
// The draft as text: one span a token, red where masked, green where new, or shaded by probability.
// A token under a mask keeps the room of the text it hides, so nothing moves between a draft and its
// noise. The box is one stop of the Tab key; arrow keys walk the tokens.
import { useEffect, useRef } from 'preact/hooks';
import { isPadding, type Frame } from './events.ts';
import type { DraftEdit, Mark } from './draft-edit.ts';
import { percent, visible } from './format.ts';
import type { Prefs } from './prefs.ts';

export interface DraftViewProps {
  readonly name: string; // unique on the page
  readonly frame: Frame | null;
  readonly prefs: Prefs;
  readonly locked: ReadonlySet<number>;
  readonly active: number | null;
  readonly onHover: (position: number | null) => void;
  readonly onPick: (position: number | null) => void;
  /** While editing: the marks, and what a press or a drag over tokens does. */
  readonly edit: DraftEdit | null;
  readonly onPaint: (position: number) => void;
  readonly onKey: (key: string, position: number) => boolean;
}

interface Shown {
  readonly position: number;
  readonly text: string;
  readonly classes: string;
  readonly label: string;
  readonly confidence: number;
}

const checkWords: Readonly<Record<string, string>> = { drafted: 'drafted, not yet checked', replaced: "the model's own, where another was drafted" };
const words: Record<Mark, string> = { edit: 'may change', mask: 'to be masked', lock: 'locked' };

function shownTokens({ frame, edit, prefs, locked }: DraftViewProps): Shown[] {
  const source = edit ?? frame;
  if (!source) return [];
  const out: Shown[] = [];
  source.ids.forEach((_, position) => {
    const piece = source.pieces[position] ?? '';
    const state = edit?.marks[position];
    const masked = edit ? state === 'mask' : (frame?.masked.has(position) ?? false);
    const tail = position >= source.end;
    const padding = isPadding(piece);
    if (tail && padding && state !== 'mask') return;
    const fresh = !edit && (frame?.changed.has(position) ?? false);
    const held = edit ? state === 'lock' : locked.has(position);
    const blank = masked && (piece === '' || padding);
    const confidence = source.confidence[position] ?? 0;
    const classes = ['tok'];
    if (masked) classes.push('masked');
    if (blank) classes.push('blank', `w${(position * 7) % 5}`);
    const check = edit || masked ? '' : frame?.replaced.has(position) ? 'replaced' : frame?.drafted.has(position) ? 'drafted' : '';
    if (check) classes.push(check);
    else if (fresh) classes.push('new');
    if (held) classes.push('locked');
    const kept = edit || masked || held ? '' : frame?.locked.has(position) ? 'locked' : frame?.retained.has(position) ? 'retained' : '';
    if (kept) classes.push(kept);
    if (tail) classes.push('tail');
    if (prefs.colours === 'confidence' && !masked && !edit) classes.push('shaded');
    const said = masked ? (blank ? 'masked' : `masked, was ${visible(piece)}`) : visible(piece);
    const how = state ? words[state] : [checkWords[check] ?? (fresh ? 'new' : ''), held ? 'locked' : kept].filter(Boolean).join(', ');
    out.push({
      position,
      text: blank ? '\u00a0' : piece === '' ? '·' : piece.replace(/\n/g, '↵\n'),
      classes: classes.join(' '),
      label: `${said}${how ? `, ${how}` : ''}${masked ? '' : `, ${percent(confidence)}`}`,
      confidence,
    });
  });
  return out;
}

/** The token nearest to another one's middle, a line above or below it. */
function lineNeighbour(box: HTMLElement, from: HTMLElement, down: boolean): HTMLElement | null {
  const here = from.getBoundingClientRect();
  const middle = here.left + here.width / 2;
  let best: HTMLElement | null = null;
  let distance = Infinity;
  for (const token of box.querySelectorAll<HTMLElement>('[data-p]')) {
    const rect = token.getBoundingClientRect();
    const lines = down ? rect.top - here.top : here.top - rect.top;
    if (lines < 4) continue;
    const apart = lines * 1000 + Math.abs(rect.left + rect.width / 2 - middle);
    if (apart < distance) [best, distance] = [token, apart];
  }
  return best;
}

export function DraftView(props: DraftViewProps) {
  const { name, frame, prefs, active, onHover, onPick, edit, onPaint, onKey } = props;
  const box = useRef<HTMLDivElement>(null);
  const painting = useRef(false);
  const tokens = shownTokens(props);
  const tokenId = (position: number) => `${name}-t${position}`;
  const positionAt = (target: EventTarget | null): number | null => {
    const at = target instanceof Element ? target.closest<HTMLElement>('[data-p]')?.dataset.p : undefined;
    return at === undefined ? null : Number(at);
  };
  useEffect(() => {
    const up = () => (painting.current = false);
    window.addEventListener('pointerup', up);
    return () => window.removeEventListener('pointerup', up);
  }, []);

  const move = (to: number | null | undefined) => {
    if (to === null || to === undefined) return;
    onPick(to);
    document.getElementById(tokenId(to))?.scrollIntoView({ block: 'nearest' });
  };
  const keyDown = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey || tokens.length === 0) return;
    const index = tokens.findIndex((token) => token.position === active);
    const here = active === null ? null : document.getElementById(tokenId(active));
    const jump: Record<string, () => number | null | undefined> = {
      ArrowRight: () => tokens[Math.min(tokens.length - 1, index + 1)]?.position,
      ArrowLeft: () => tokens[Math.max(0, index - 1)]?.position,
      Home: () => tokens[0]?.position,
      End: () => tokens[tokens.length - 1]?.position,
      ArrowDown: () => (box.current && here ? positionAt(lineNeighbour(box.current, here, true)) : tokens[0]?.position),
      ArrowUp: () => (box.current && here ? positionAt(lineNeighbour(box.current, here, false)) : tokens[0]?.position),
    };
    const target = jump[event.key];
    if (target) move(target());
    else if (event.key === 'Escape' && active !== null && !edit) onPick(null);
    else if (active === null || !onKey(event.key, active)) return;
    event.preventDefault();
    event.stopPropagation();
  };

  const padding = (edit ?? frame) ? (edit ?? frame)!.ids.length - (edit ?? frame)!.end : 0;
  return (
    <div
      ref={box}
      id={name}
      class={`draft ${prefs.layout} ${edit ? 'editing' : ''}`}
      dir="auto"
      role="listbox"
      tabIndex={0}
      aria-label={edit ? 'Draft under the pen: arrow keys move, M masks, L locks, E frees, R retypes' : 'Draft: arrow keys move from token to token'}
      aria-activedescendant={active !== null && tokens.some((token) => token.position === active) ? tokenId(active) : undefined}
      onKeyDown={keyDown}
      onPointerOver={(event) => {
        const at = positionAt(event.target);
        if (painting.current && at !== null) onPaint(at);
        onHover(at);
      }}
      onPointerLeave={() => onHover(null)}
      onPointerDown={(event) => {
        const at = positionAt(event.target);
        if (event.button !== 0 || at === null) return;
        onPick(at);
        if (edit) {
          painting.current = true;
          onPaint(at);
        }
      }}
    >
      {tokens.map((token) => (
        <span
          key={token.position}
          id={tokenId(token.position)}
          data-p={token.position}
          class={token.position === active ? `${token.classes} active` : token.classes}
          style={{ '--sure': token.confidence.toFixed(2) }}
          role="option"
          aria-selected={token.position === active}
          aria-label={token.label}
        >
          {token.text}
        </span>
      ))}
      {tokens.length > 0 && padding > 0 && (
        <span class="the-end" role="presentation" title={`The answer ends here; ${padding} positions of end-of-text follow`}>
          end
        </span>
      )}
    </div>
  );
}
