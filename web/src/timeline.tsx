// SPDX-License-Identifier: MIT
// The timeline: play, pause, step and scrub through every noise and draft of a run, live or after it.
import type { Frame } from './events.ts';
import type { Player } from './player.ts';
import { IconButton } from './parts.tsx';

/** "Draft 3 of 32": the one count that the page shows; `most` is how many there may be. */
export const frameName = (frame: Frame | null, most: number | null): string => {
  if (!frame) return 'Nothing yet';
  const of = most === null ? '' : ` of ${most}`;
  if (frame.kind === 'draft') return `Draft ${frame.iteration}${of}`;
  return frame.iteration === 0 ? `Starting noise, 0${of}` : `Noise on draft ${frame.iteration}${of}`;
};

interface TimelineProps {
  readonly frames: readonly Frame[];
  readonly player: Player;
  readonly live: boolean;
  readonly most: number | null; // drafts at most
}

export function Timeline({ frames, player, live, most }: TimelineProps) {
  const last = frames.length - 1;
  const none = last < 0;
  const words = frameName(frames[player.at] ?? null, most);
  return (
    <div class="timeline" role="group" aria-label="Timeline">
      <IconButton icon="first" label="To the starting noise" keys="Home" disabled={none || player.at === 0} onClick={() => player.seek(0)} />
      <IconButton icon="back" label="Step back" keys="Left" disabled={none || player.at === 0} onClick={() => player.step(-1)} />
      <IconButton
        icon={player.playing ? 'pause' : 'play'}
        label={player.playing ? 'Pause' : player.at >= last && !live ? 'Replay' : 'Play'}
        keys="Space"
        disabled={none}
        onClick={player.toggle}
      />
      <IconButton icon="next" label="Step forward" keys="Right" disabled={none || player.at === last} onClick={() => player.step(1)} />
      <IconButton icon="last" label={live ? 'To the newest' : 'To the end'} keys="End" disabled={none || player.at === last} onClick={player.latest} />
      <input
        type="range"
        class="scrub"
        aria-label="Step"
        aria-valuetext={`${words}, step ${player.at + 1} of ${frames.length}`}
        min={0}
        max={Math.max(1, last)}
        value={Math.max(0, player.at)}
        disabled={none}
        onInput={(event) => player.seek(Number(event.currentTarget.value))}
      />
      <output class="place hidden">{none ? '' : `${player.at + 1} / ${frames.length}`}</output>
    </div>
  );
}
