// SPDX-License-Identifier: MIT
// The turn that is open: its question, its run or two runs side by side, and what can be done with it.
import { useEffect, useState } from 'preact/hooks';
import type { DraftEdit } from './draft-edit.ts';
import { Explorer } from './explorer.tsx';
import { emptyRun, finished } from './events.ts';
import { saveReplay, saveTrace } from './export.ts';
import { packAnswer } from './share.ts';
import { Segments, Switch } from './parts.tsx';
import { link, shownPause, usePlayer } from './player.ts';
import { choices, type Prefs } from './prefs.ts';
import { answer, drafted, type Turn } from './turns.ts';
import type { Values } from './options.ts';

interface OpenTurnProps {
  readonly turn: Turn;
  readonly prefs: Prefs;
  readonly onPrefs: (prefs: Prefs) => void;
  readonly onProblem: (message: string) => void;
  /** Absent in a saved replay, where there is no server to ask. */
  readonly actions: {
    /** Whether the turn's model can be asked: else its tokens are no use. */
    readonly served: boolean;
    readonly onRetry: () => void;
    readonly onEdit: () => void;
    readonly onRedraft: (slot: number, draft: DraftEdit, sampler?: string) => void;
    readonly onClose: (() => void) | null;
  } | null;
}

const nothing = emptyRun();
const listed = (values: Values): string =>
  Object.entries(values)
    .map(([name, value]) => `${name.replaceAll('_', ' ')} ${String(value)}`)
    .join(', ');

export function OpenTurn({ turn, prefs, onPrefs, onProblem, actions }: OpenTurnProps) {
  const [linked, setLinked] = useState(true);
  const [editing, setEditing] = useState<number | null>(null);
  const [copied, setCopied] = useState(false);
  const runs = turn.slots.map((slot) => slot.run);
  const [a, b] = [runs[0] ?? nothing, runs[1] ?? nothing];
  const still = matchMedia('(prefers-reduced-motion: reduce)').matches;
  const begin = { at: finished(a) && still ? a.frames.length - 1 : 0, playing: !(finished(a) && still) };
  const playerA = usePlayer(a, shownPause(a, prefs.pause, prefs.paced), begin);
  const playerB = usePlayer(b, shownPause(b, prefs.pause, prefs.paced), begin);
  const pair = turn.slots.length > 1;
  const players =
    pair && linked ? [link(playerA, a.frames, playerB, b.frames), link(playerB, b.frames, playerA, a.frames)] : [playerA, playerB];
  const over = runs.every(finished);
  const seen = runs.some((run) => run.frames.length > 0);

  useEffect(() => {
    const keyDown = (event: KeyboardEvent) => {
      const target = event.target as HTMLElement;
      if (event.ctrlKey || event.metaKey || event.altKey || target.closest('input, textarea, select, pre, [role=listbox], [role=region], dialog')) return;
      const moves: Record<string, () => void> = {
        ArrowLeft: () => players[0]?.step(-1),
        ArrowRight: () => players[0]?.step(1),
        Home: () => players[0]?.seek(0),
        End: () => players[0]?.latest(),
      };
      if (!target.closest('button, a, summary')) moves[' '] = () => players[0]?.toggle();
      const move = moves[event.key];
      if (!move || editing !== null || !seen) return;
      event.preventDefault();
      move();
    };
    window.addEventListener('keydown', keyDown);
    return () => window.removeEventListener('keydown', keyDown);
  });

  const copy = async () => {
    try {
      await navigator.clipboard.writeText(answer(turn));
    } catch {
      onProblem('The browser does not let this page copy; select the text instead.');
    }
  };

  const copyLink = async () => {
    const url = `${location.origin}${location.pathname}#answer=${await packAnswer(turn)}`;
    try {
      await navigator.clipboard.writeText(url);
      setCopied(true);
      setTimeout(() => setCopied(false), 4000);
    } catch {
      onProblem(url);
    }
  };

  return (
    <article class={`turn open ${pair ? 'pair' : ''}`}>
      <header class="question">
        <div>
          <h2 dir="auto">{turn.question || turn.note || 'A trace'}</h2>
          {turn.question && turn.note && <p class="note">{turn.note}</p>}
        </div>
        <div class="views">
          <Segments label="Colours" value={prefs.colours} options={choices.colours} onChange={(colours) => onPrefs({ ...prefs, colours })} />
          <Segments label="Layout" value={prefs.layout} options={choices.layout} onChange={(layout) => onPrefs({ ...prefs, layout })} />
        </div>
      </header>
      <div class="runs">
        {turn.slots.map((slot, index) => (
          <div key={index} class="run">
            {pair && <p class="differs">{listed(slot.values) || 'the defaults'}</p>}
            <Explorer
              name={`turn${turn.id}-${index}`}
              title={pair ? 'AB'[index]! : ''}
              slot={slot}
              model={turn.model}
              player={players[index] ?? playerA}
              prefs={prefs}
              editing={editing === index}
              onRedraft={(draft, sampler) => {
                setEditing(null);
                actions?.onRedraft(index, draft, sampler);
              }}
              onEditEnd={() => setEditing(null)}
              onProblem={onProblem}
            />
          </div>
        ))}
      </div>
      <footer class="actions">
        {actions && (
          <>
            {turn.messages.length > 0 && (
              <button type="button" onClick={actions.onRetry} disabled={!over || (drafted(turn) && !actions.served)}>
                Retry
              </button>
            )}
            {turn.question && (
              <button type="button" onClick={actions.onEdit}>
                Edit question
              </button>
            )}
            {turn.messages.length > 0 &&
              turn.slots.map((slot, index) => (
                <button
                  type="button"
                  key={index}
                  title={actions.served ? '' : `${turn.model || 'The model that wrote it'} is not on this server`}
                  onClick={() => setEditing(index)}
                  disabled={!actions.served || !over || editing !== null || slot.run.frames.length === 0}
                >
                  Edit draft{pair ? ` ${'AB'[index]}` : ''}
                </button>
              ))}
          </>
        )}
        <button type="button" onClick={copy} disabled={!seen}>
          Copy answer
        </button>
        {actions && (
          <button type="button" onClick={() => void copyLink()} disabled={!seen || !over}>
            {copied ? 'Link copied' : 'Copy link to answer'}
          </button>
        )}
        {turn.slots.map((slot, index) => (
          <button type="button" key={index} onClick={() => saveTrace(turn, slot.run, pair ? `-${'ab'[index]}` : '')} disabled={slot.run.frames.length === 0}>
            Save trace{pair ? ` ${'AB'[index]}` : ''}
          </button>
        ))}
        <button type="button" onClick={() => saveReplay(turn)} disabled={!seen}>
          Export replay
        </button>
        {pair && <Switch label="Move together" on={linked} onChange={setLinked} />}
        {actions?.onClose && (
          <button type="button" class="quiet" onClick={actions.onClose}>
            Fold
          </button>
        )}
      </footer>
    </article>
  );
}
