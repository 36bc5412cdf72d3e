// SPDX-License-Identifier: MIT
// One run, to watch and to explore: status, canvas, draft, timeline, chart, and the token under the glass.
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { CanvasMap } from './canvas-map.tsx';
import { Chart } from './chart.tsx';
import { tokenize } from './client.ts';
import { editOf, mark, mendOf, retype, type DraftEdit } from './draft-edit.ts';
import { DraftView } from './draft-view.tsx';
import { EditBar, type Tool } from './edit-bar.tsx';
import { finished, type Run } from './events.ts';
import { Markdown } from './markdown.tsx';
import { decimal, percent, plural, seconds } from './format.ts';
import type { Player } from './player.ts';
import type { Prefs } from './prefs.ts';
import { iterationStats, meanConfidence, summary } from './stats.ts';
import { frameName, Timeline } from './timeline.tsx';
import { TokenPanel } from './token-panel.tsx';
import type { Slot } from './turns.ts';

interface ExplorerProps {
  readonly name: string;
  readonly title: string; // 'A' or 'B' in a comparison, else ''
  readonly slot: Slot;
  readonly model: string; // whose tokens these are
  readonly player: Player;
  readonly prefs: Prefs;
  readonly editing: boolean;
  readonly onRedraft: (draft: DraftEdit, sampler?: string) => void;
  readonly onEditEnd: () => void;
  readonly onProblem: (message: string) => void;
}

const nobody: ReadonlySet<number> = new Set();
const sentence = (words: string): string => `${words.charAt(0).toUpperCase()}${words.slice(1)}.`;

/** Tokens that stand, by the clock since the run began to be seen: while it runs. */
function Rate({ run }: { run: Run }) {
  const begun = useRef(performance.now());
  const end = run.frames[run.frames.length - 1]?.end ?? 0;
  const passed = (performance.now() - begun.current) / 1000;
  return (
    <span>
      <b>{passed > 0.2 ? decimal(end / passed) : '–'}</b> tokens/s
    </span>
  );
}

export function Explorer({ name, title, slot, model, player, prefs, editing, onRedraft, onEditEnd, onProblem }: ExplorerProps) {
  const { run } = slot;
  const [hovered, setHovered] = useState<number | null>(null);
  const [picked, setPicked] = useState<number | null>(null);
  const [edit, setEdit] = useState<DraftEdit | null>(null);
  const [tool, setTool] = useState<Tool>('mask');
  const frame = run.frames[player.at] ?? null;
  const live = !finished(run);
  const active = edit ? picked : (hovered ?? picked);

  useLayoutEffect(() => {
    const last = run.frames.findLast((item) => item.kind === 'draft') ?? run.frames[run.frames.length - 1];
    setEdit(editing && last ? editOf(last) : null);
    setPicked(null);
    if (editing) document.getElementById(`${name}-draft`)?.focus();
  }, [editing]);

  const locked = slot.draft ? new Set(slot.draft.marks.flatMap((state, p) => (state === 'lock' ? [p] : []))) : nobody;
  const paint = (position: number) => {
    if (tool !== 'retype') setEdit((now) => now && mark(now, position, position, tool));
  };
  const keys: Record<string, Tool> = { m: 'mask', l: 'lock', e: 'edit', r: 'retype', Enter: 'retype' };
  const onKey = (key: string, position: number): boolean => {
    const wanted = key === ' ' ? tool : keys[key];
    if (!edit || !wanted) return false;
    setTool(wanted);
    if (wanted !== 'retype') setEdit((now) => now && mark(now, position, position, wanted));
    return true;
  };
  const put = async (position: number, text: string) => {
    if (!edit) return;
    try {
      const tokens = await tokenize(text, model);
      setEdit(retype(edit, position, tokens.map((token) => ({ id: token.id, piece: token.piece || text }))));
      document.getElementById(`${name}-draft`)?.focus();
    } catch (error) {
      onProblem((error as Error).message);
    }
  };

  const total = summary(run);
  const rows = iterationStats(run.frames);
  const longest = Math.max(0, ...run.frames.map((item) => item.ids.length));
  return (
    <section class="explorer" aria-label={title ? `Run ${title}` : 'Run'}>
      <div class="status">
        {title && <span class="badge">{title}</span>}
        <span class="step">{edit ? 'Under the pen' : run.status === 'waiting' ? 'Waiting for the first event' : frameName(frame, run.start?.iterations ?? null)}</span>
        {frame && !edit && (
          <span class="numbers">
            <span>
              <b>{frame.end}</b> tokens
            </span>
            <span class="masked">
              <b>{frame.masked.size}</b> masked
            </span>
            <span class="new">
              <b>{frame.changed.size}</b> new
            </span>
            {frame.checked && (
              <span class="drafted">
                <b>{frame.checked.drafted}</b> drafted, <b>{frame.checked.accepted}</b> accepted, <b>{frame.checked.rejected}</b> rejected
              </span>
            )}
            {frame.locked.size > 0 && (
              <span class="locked">
                <b>{frame.locked.size}</b> locked
              </span>
            )}
            {frame.retained.size > 0 && (
              <span class="retained">
                <b>{frame.retained.size}</b> retained
              </span>
            )}
            {live && run.start && <Rate run={run} />}
            <span>
              <b>{frame.kind === 'draft' || frame.iteration > 0 ? percent(meanConfidence(frame)) : '–'}</b> sure
            </span>
          </span>
        )}
      </div>
      <CanvasMap frame={frame} edit={edit} length={Math.max(longest, edit?.ids.length ?? 0)} prefs={prefs} active={active} onHover={setHovered} />
      {prefs.layout === 'read' && !edit ? (
        <div class="draft read prose" dir="auto" tabIndex={0} role="region" aria-label="Draft, formatted">
          <Markdown text={frame?.text ?? ''} />
        </div>
      ) : (
        <DraftView
          name={`${name}-draft`}
          frame={frame}
          prefs={prefs}
          locked={locked}
          active={active}
          onHover={setHovered}
          onPick={setPicked}
          edit={edit}
          onPaint={paint}
          onKey={onKey}
        />
      )}
      {edit ? (
        <EditBar
          edit={edit}
          tool={tool}
          position={picked}
          onTool={setTool}
          onEdit={setEdit}
          onRetype={put}
          onRedraft={() => onRedraft(edit)}
          onMend={() => onRedraft(mendOf(edit), 'infill')}
          onClose={onEditEnd}
        />
      ) : (
        <Timeline frames={run.frames} player={player} live={live} most={run.start?.iterations ?? null} />
      )}
      <p class={`verdict ${run.status} ${total?.warning ? 'doubtful' : ''}`}>
        {total ? (
          <>
            <strong>{total.verdict}.</strong>{' '}
            {total.warning && <em class="warning">{sentence(total.warning)} </em>}
            <span>
              {plural(total.tokens, 'token')} in {plural(total.iterations, 'iteration')}, <b>{decimal(total.perIteration)}</b> tokens an iteration, {seconds(total.seconds)} of
              work ({decimal(total.perSecond)} tokens/s)
              {total.checked && `, ${total.checked.accepted} of ${total.checked.drafted} drafted words accepted`}
              {run.start?.seed ? <span class="seed">, seed {run.start.seed}</span> : null}
            </span>
          </>
        ) : run.error ? (
          <strong>{run.error}</strong>
        ) : run.status === 'cancelled' ? (
          <strong>Stopped before the end.</strong>
        ) : (
          <span>{run.start ? `${run.start.sampler}, at most ${plural(run.start.iterations, 'iteration')}` : '\u00a0'}</span>
        )}
      </p>
      <div class="instruments">
        <Chart rows={rows} iterations={live ? Math.max(rows.length, Math.min(run.start?.iterations ?? 8, rows.length + 4)) : Math.max(1, rows[rows.length - 1]?.iteration ?? 1)} player={player} />
        <TokenPanel
          frames={run.frames}
          at={player.at}
          position={active}
          onSeek={(iteration) => {
            const to = run.frames.findIndex((item) => item.kind === 'draft' && item.iteration === iteration);
            if (to >= 0) player.seek(to);
          }}
        />
      </div>
    </section>
  );
}
