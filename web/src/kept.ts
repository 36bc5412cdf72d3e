// SPDX-License-Identifier: MIT
// Conversations kept in this browser (IndexedDB): a record each, its turns as the traces they were.
// A browser that keeps nothing is served just as well: then every call comes to nothing.
import { cancel, emptyRun, parseTrace, traceText } from './events.ts';
import { answer, type Message, type Turn } from './turns.ts';
import type { Values } from './options.ts';

export interface Kept {
  readonly id: string;
  readonly name: string;
  readonly changed: number; // milliseconds
  readonly turns: readonly KeptTurn[];
}
interface KeptTurn {
  readonly id: number;
  readonly question: string;
  readonly messages: readonly Message[];
  readonly replaces: number | null;
  readonly note: string;
  readonly slots: readonly { readonly values: Values; readonly trace: string }[];
}

export const newId = (): string => crypto.getRandomValues(new Uint32Array(2)).join('-');

export function keep(id: string, name: string, turns: readonly Turn[]): Kept {
  return {
    id,
    name: name || turns.find((turn) => turn.question)?.question || 'A trace',
    changed: Date.now(),
    turns: turns.map(({ id: number, question, messages, replaces, note, slots }) => ({
      id: number,
      question,
      messages,
      replaces,
      note,
      slots: slots.map((slot) => ({ values: slot.values, trace: traceText(slot.run) })),
    })),
  };
}

/** The turns as they were; a run without a picture comes back as one that was stopped. */
export const revive = (kept: Kept): Turn[] =>
  kept.turns.map((turn) => ({
    ...turn,
    slots: turn.slots.map(({ values, trace }) => {
      try {
        return { values, draft: null, run: parseTrace(trace) };
      } catch {
        return { values, draft: null, run: cancel(emptyRun()) };
      }
    }),
  }));

/** All conversations as one text file. */
export const readable = (list: readonly Kept[]): string =>
  list
    .map((kept) => [`# ${kept.name}`, ...revive(kept).flatMap((turn) => [`\n> ${turn.question || turn.note}\n`, answer(turn)])].join('\n'))
    .join('\n\n');

function open(): Promise<IDBDatabase> {
  return new Promise((done, fail) => {
    const request = indexedDB.open('redraft', 1);
    request.onupgradeneeded = () => request.result.createObjectStore('conversations', { keyPath: 'id' });
    request.onsuccess = () => done(request.result);
    request.onerror = () => fail(request.error);
  });
}

async function within<T>(mode: IDBTransactionMode, work: (store: IDBObjectStore) => IDBRequest<T>): Promise<T | null> {
  try {
    const base = await open();
    const request = work(base.transaction('conversations', mode).objectStore('conversations'));
    return await new Promise<T>((done, fail) => {
      request.onsuccess = () => done(request.result);
      request.onerror = () => fail(request.error);
    }).finally(() => base.close());
  } catch {
    return null;
  }
}

/** Newest first. */
export const listKept = async (): Promise<Kept[]> =>
  ((await within<Kept[]>('readonly', (store) => store.getAll())) ?? []).sort((a, b) => b.changed - a.changed);
export const putKept = (kept: Kept): Promise<unknown> => within('readwrite', (store) => store.put(kept));
export const dropKept = (id: string): Promise<unknown> => within('readwrite', (store) => store.delete(id));
