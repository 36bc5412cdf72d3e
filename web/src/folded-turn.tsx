// SPDX-License-Identifier: MIT
// An earlier turn, folded: its question, its answer, its totals, and the way back into it.
import { Markdown } from './markdown.tsx';
import { plural, seconds } from './format.ts';
import { summary } from './stats.ts';
import { answer, type Turn } from './turns.ts';

export function FoldedTurn({ turn, onOpen }: { turn: Turn; onOpen: () => void }) {
  const run = turn.slots[0]?.run;
  const total = run ? summary(run) : null;
  return (
    <article class="turn folded">
      <h2 dir="auto">{turn.question || turn.note}</h2>
      <div class="answer prose" dir="auto">{answer(turn) ? <Markdown text={answer(turn)} /> : (run?.error ?? 'No answer')}</div>
      <p class="facts">
        {turn.question && turn.note ? `${turn.note}. ` : ''}
        {total ? `${plural(total.tokens, 'token')} in ${plural(total.iterations, 'iteration')}, ${seconds(total.seconds)}` : ''}
        {turn.slots.length > 1 ? ', two runs' : ''}
        {total?.warning && <em class="warning">still changing</em>}
        <button type="button" class="quiet" onClick={onOpen}>
          Explore
        </button>
      </p>
    </article>
  );
}
