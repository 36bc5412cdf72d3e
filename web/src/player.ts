// SPDX-License-Identifier: MIT
// The playhead: which frame is shown, and how it moves. A live run is a replay whose end still grows,
// so pausing, stepping and scrubbing work the same during a run and after it.
import { useEffect, useRef, useState } from 'preact/hooks';
import { finished, type Frame, type Run } from './events.ts';

export interface Head {
  readonly at: number;
  readonly playing: boolean;
}

/** Where the head goes next; null when it stays. With no pause it goes straight to the newest frame. */
export function advance(head: Head, frames: number, pause: number): Head | null {
  if (!head.playing || head.at >= frames - 1) return null;
  return { ...head, at: pause > 0 ? head.at + 1 : frames - 1 };
}

export function seek(frames: number, to: number): Head {
  return { at: Math.max(0, Math.min(frames - 1, to)), playing: false };
}

/** Play and pause; play from the end starts over. */
export function toggle(head: Head, frames: number, over: boolean): Head {
  if (head.playing) return { ...head, playing: false };
  return { at: over && head.at >= frames - 1 ? 0 : head.at, playing: true };
}

/** Seconds between steps: those chosen; else no more than makes the showing three times the work, and three seconds at least. */
export function shownPause(run: Run, chosen: number, paced: boolean): number {
  const worked = Math.max(1, run.done?.seconds ?? 1);
  return paced ? chosen : Math.min(chosen, (3 * worked) / Math.max(1, run.frames.length));
}

export interface Player extends Head {
  readonly seek: (to: number) => void;
  readonly step: (by: number) => void;
  readonly toggle: () => void;
  readonly latest: () => void;
}

export function usePlayer(run: Run, pause: number, start: Head): Player {
  const [head, set] = useState<Head>(start);
  const frames = run.frames.length;
  const over = finished(run);
  const latest = useRef(frames);
  latest.current = frames;
  // With a pause the timer runs from one step to the next, however many frames arrive meanwhile;
  // without one every new frame is shown at once.
  const waiting = head.at >= frames - 1;
  const arrival = pause > 0 ? 0 : frames;
  useEffect(() => {
    if (!head.playing) return undefined;
    if (waiting) {
      if (over) set({ ...head, playing: false });
      return undefined;
    }
    const timer = setTimeout(() => set((now) => advance(now, latest.current, pause) ?? now), pause * 1000);
    return () => clearTimeout(timer);
  }, [head, waiting, arrival, over, pause]);
  return {
    at: Math.max(0, Math.min(head.at, frames - 1)),
    playing: head.playing,
    seek: (to) => set(seek(frames, to)),
    step: (by) => set((now) => seek(frames, now.at + by)),
    toggle: () => set((now) => toggle(now, frames, over)),
    latest: () => set({ at: Math.max(0, frames - 1), playing: !over }),
  };
}

/** The frame of another run that belongs beside this one: same iteration and kind, else the last before. */
export function beside(frame: Frame | undefined, others: readonly Frame[]): number {
  if (!frame) return 0;
  let found = 0;
  others.forEach((other, index) => {
    if (other.iteration < frame.iteration || (other.iteration === frame.iteration && (other.kind === 'draft' || frame.kind === 'noise'))) found = index;
  });
  return found;
}

/** A player whose every move takes a second one along. */
export function link(mine: Player, frames: readonly Frame[], other: Player, others: readonly Frame[]): Player {
  const follow = (to: number) => other.seek(beside(frames[Math.max(0, Math.min(frames.length - 1, to))], others));
  return {
    ...mine,
    seek: (to) => {
      mine.seek(to);
      follow(to);
    },
    step: (by) => {
      mine.step(by);
      follow(mine.at + by);
    },
    toggle: () => {
      mine.toggle();
      if (other.playing === mine.playing) other.toggle();
    },
    latest: () => {
      mine.latest();
      other.latest();
    },
  };
}
