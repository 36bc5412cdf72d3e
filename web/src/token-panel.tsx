// SPDX-License-Identifier: MIT
// One position under the glass: what it reads now, how sure the model was, and what it read in every
// draft before and after. The panel keeps its size, so looking never moves the page.
import type { Frame } from './events.ts';
import { percent, visible } from './format.ts';
import { confidences, history } from './stats.ts';

interface TokenPanelProps {
  readonly frames: readonly Frame[];
  readonly at: number;
  readonly position: number | null;
  readonly onSeek: (iteration: number) => void;
}

export function TokenPanel({ frames, at, position, onSeek }: TokenPanelProps) {
  const frame = frames[at] ?? null;
  if (!frame || position === null || position >= frame.ids.length) {
    return (
      <section class="token-panel empty" aria-label="Token">
        <p>Point at a token, or walk to one with the arrow keys, to see its probability and everything it has been.</p>
      </section>
    );
  }
  const masked = frame.masked.has(position);
  const piece = frame.pieces[position] ?? '';
  const confidence = frame.confidence[position] ?? 0;
  const spans = history(frames, position);
  const curve = confidences(frames, position);
  const last = Math.max(1, curve[curve.length - 1]?.[0] ?? 1);
  const line = curve.map(([i, p], index) => `${index === 0 ? 'M' : 'L'}${((i / last) * 100).toFixed(2)} ${((1 - p) * 100).toFixed(2)}`).join('');
  return (
    <section class="token-panel" aria-label="Token">
      <header>
        <strong class={masked ? 'masked' : ''}>{masked ? 'masked' : visible(piece)}</strong>
        <span class="facts">
          position {position} · id {frame.ids[position]}
          {masked && piece ? ` · was ${visible(piece)}` : ''}
        </span>
        <span class="probability">{masked ? '' : percent(confidence)}</span>
      </header>
      <div class="spark" aria-hidden="true">
        <svg viewBox="0 0 100 100" preserveAspectRatio="none" focusable="false">
          <path class="rule" d="M0 100H100" />
          <path class="line sure" d={line} />
        </svg>
        <div class="cursor" style={{ left: `${(frame.iteration / last) * 100}%` }} />
      </div>
      <ol class="history" aria-label="What this position has read">
        {spans.map((span) => (
          <li key={span.from} class={frame.iteration >= span.from && frame.iteration <= span.to ? 'now' : ''}>
            <button type="button" onClick={() => onSeek(span.from)}>
              <span class="when">{span.from === span.to ? span.from : `${span.from}–${span.to}`}</span>
              <span class={span.masked ? 'what masked' : 'what'}>{span.masked ? 'masked' : visible(span.piece)}</span>
              <span class="sure">{span.masked ? '' : percent(span.confidence)}</span>
            </button>
          </li>
        ))}
      </ol>
    </section>
  );
}
