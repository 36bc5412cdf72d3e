// SPDX-License-Identifier: MIT
// The turns as they live: asking, stopping, retrying, redrafting. Each run streams into its own slot.
import { useEffect, useRef, useState } from 'preact/hooks';
import { ApiError, denoise, type Received } from './client.ts';
import type { DraftEdit } from './draft-edit.ts';
import { count } from './draft-edit.ts';
import { cancel, fail, finished, reduce, type Run } from './events.ts';
import { plural } from './format.ts';
import type { Catalog, Values } from './options.ts';
import { answer, drafted, messagesFor, newSlot, requestBody, type Turn } from './turns.ts';

export interface Conversation {
  readonly turns: readonly Turn[];
  readonly busy: boolean;
  readonly ask: (question: string, system: string, threads: boolean, values: readonly Values[]) => void;
  readonly retry: (turn: Turn) => void;
  /** Once more from a draft; with a sampler of its own, or the slot's. */
  readonly redraft: (turn: Turn, slot: number, draft: DraftEdit, sampler?: string) => void;
  readonly add: (turn: Turn) => void;
  readonly stop: () => void;
  readonly clear: () => void;
  /** Go on from turns that were kept. */
  readonly restore: (turns: readonly Turn[]) => void;
  readonly nextId: () => number;
}

export function useConversation(catalog: Catalog | null, onKeyNeeded: () => void): Conversation {
  const [turns, setTurns] = useState<readonly Turn[]>([]);
  const connections = useRef(new Set<AbortController>());
  const last = useRef(0);
  const nextId = () => (last.current += 1);
  const model = catalog?.model ?? '';
  const busy = turns.some((turn) => turn.slots.some((slot) => !finished(slot.run)));

  const stop = () => connections.current.forEach((connection) => connection.abort());
  /** Stops what is under way, and lets none of it reach the turns that come now: they may have the same ids. */
  const leave = () => {
    stop();
    connections.current.clear();
  };

  // Leaving the page frees the server's work.
  useEffect(() => stop, []);

  const update = (turnId: number, index: number, change: (run: Run) => Run) =>
    setTurns((all) =>
      all.map((turn) =>
        turn.id !== turnId ? turn : { ...turn, slots: turn.slots.map((slot, i) => (i === index ? { ...slot, run: change(slot.run) } : slot)) },
      ),
    );

  const run = async (turn: Turn, index: number) => {
    const slot = turn.slots[index];
    if (!catalog || !slot) return;
    const connection = new AbortController();
    connections.current.add(connection);
    // A fast model sends more events than a screen has pictures: they are taken in together, 60 times a second.
    let pending: Received[] = [];
    const take = () => {
      const batch = pending;
      pending = [];
      if (batch.length === 0 || !connections.current.has(connection)) return;
      update(turn.id, index, (old) => batch.reduce((now, { event, line }) => reduce(now, event, line), old));
    };
    const timer = setInterval(take, 16);
    try {
      await denoise(requestBody(catalog, turn, slot), connection.signal, (batch) => pending.push(...batch));
      take();
    } catch (error) {
      if (!connections.current.has(connection)) return;
      take();
      if (connection.signal.aborted) update(turn.id, index, cancel);
      else update(turn.id, index, (old) => fail(old, (error as Error).message));
      if (error instanceof ApiError && error.status === 401) onKeyNeeded();
    } finally {
      clearInterval(timer);
      connections.current.delete(connection);
    }
  };
  const begin = (turn: Turn) => {
    if (!catalog) return;
    setTurns((all) => [...all, turn]);
    turn.slots.forEach((_, index) => void run(turn, index));
  };

  return {
    turns,
    busy,
    nextId,
    ask: (question, system, threads, values) =>
      begin({
        id: nextId(),
        question,
        messages: messagesFor(turns, system, question, threads),
        model,
        slots: values.map((set) => newSlot(set)),
        replaces: null,
        note: '',
      }),
    retry: (turn) =>
      begin({
        ...turn,
        id: nextId(),
        model: drafted(turn) ? turn.model : model,
        slots: turn.slots.map((slot) => newSlot(slot.values, slot.draft)),
        replaces: turn.id,
        note: 'Again',
      }),
    redraft: (turn, index, draft, sampler) => {
      const counts = count(draft);
      const values = turn.slots[index]?.values ?? {};
      begin({
        ...turn,
        id: nextId(),
        slots: [newSlot(sampler ? { ...values, sampler } : values, draft)],
        replaces: turn.id,
        note: `${sampler ? 'Mended' : 'Redrafted'}: ${plural(counts.mask, 'token')} masked, ${counts.lock} locked, ${counts.edit} free`,
      });
    },
    add: (turn) => setTurns((all) => [...all, turn]),
    stop,
    restore: (kept) => {
      leave();
      last.current = Math.max(0, ...kept.map((turn) => turn.id));
      setTurns(kept);
    },
    clear: () => {
      leave();
      setTurns([]);
    },
  };
}

/** What a screen reader is told: the start, the state now and then, and the end with the answer. */
export function useAnnouncement(turns: readonly Turn[]): string {
  const [said, say] = useState('');
  const lastTime = useRef(0);
  const turn = turns[turns.length - 1];
  const runs = turn?.slots.map((slot) => slot.run) ?? [];
  const over = turn !== undefined && runs.every(finished);
  useEffect(() => {
    if (!turn) return;
    if (over) {
      const error = runs.find((run) => run.error)?.error;
      const done = runs[0]?.done;
      say(error ?? (done ? `Done after ${plural(done.iterations, 'iteration')}${done.converged ? '' : ', still changing'}: ${done.text}` : `Stopped. ${answer(turn)}`));
      return;
    }
    const now = Date.now();
    if (now - lastTime.current < 3000) return;
    lastTime.current = now;
    const frame = runs[0]?.frames[(runs[0]?.frames.length ?? 0) - 1];
    say(frame ? `Draft ${frame.iteration}` : 'Asked');
  }, [turns]);
  return said;
}
