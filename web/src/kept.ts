// SPDX-License-Identifier: MIT
// Conversations kept in this browser (IndexedDB): a record each, its turns as the traces they were.
// A browser that keeps nothing is served just as well: then every call comes to nothing.
import type { DraftEdit } from './draft-edit.ts';
import { cancel, parseTrace, traceText } from './events.ts';
import { answer, newSlot, type Message, type Turn } from './turns.ts';
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
  /** Records of earlier versions have neither this nor the drafts that were gone on from. */
  readonly model?: string;
  readonly slots: readonly { readonly values: Values; readonly trace: string; readonly draft?: DraftEdit | null }[];
}
/** Where a tab keeps what it shows: the record's id, and its `changed` as this tab read or wrote it last; 0: not yet. */
export interface Place {
  id: string;
  changed: number;
}

export const newId = (): string => crypto.getRandomValues(new Uint32Array(2)).join('-');

const nameOf = (turns: readonly { readonly question: string }[]): string => turns.find((turn) => turn.question)?.question ?? 'A trace';

/** The next record of a place, after the one found there. What another tab wrote meanwhile stays, and the turns get
 *  a record of their own; null where the conversation was deleted: it is not brought back. */
export function keep(place: Place, found: Kept | undefined, turns: readonly Turn[]): Kept | null {
  if (!found && place.changed > 0) return null;
  return {
    id: found && found.changed !== place.changed ? newId() : place.id,
    name: found && found.name !== nameOf(found.turns) ? found.name : nameOf(turns),
    changed: Math.max(Date.now(), (found?.changed ?? 0) + 1),
    turns: turns.map(({ id: number, question, messages, replaces, note, model, slots }) => ({
      id: number,
      question,
      messages,
      replaces,
      note,
      model,
      slots: slots.map(({ values, draft, run }) => ({ values, draft, trace: traceText(run) })),
    })),
  };
}

/** The turns as they were; a run without a picture comes back as one that was stopped. */
export const revive = (kept: Kept): Turn[] =>
  kept.turns.map((turn) => {
    const slots = turn.slots.map(({ values, trace, draft }) => {
      const slot = newSlot(values, draft ?? null);
      try {
        return { ...slot, run: parseTrace(trace, slot.run) };
      } catch {
        return { ...slot, run: cancel(slot.run) };
      }
    });
    return { ...turn, slots, model: turn.model ?? slots[0]?.run.start?.model ?? '' };
  });

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
    const transaction = base.transaction('conversations', mode);
    const request = work(transaction.objectStore('conversations'));
    return await new Promise<T>((done, fail) => {
      transaction.oncomplete = () => done(request.result);
      transaction.onabort = () => fail(transaction.error);
    }).finally(() => base.close());
  } catch {
    return null;
  }
}

/** Newest first. */
export const listKept = async (): Promise<Kept[]> =>
  ((await within<Kept[]>('readonly', (store) => store.getAll())) ?? []).sort((a, b) => b.changed - a.changed);

/** Puts what is made of a record in its place, or beside it; no other tab comes in between. */
async function revise(id: string, make: (found: Kept | undefined) => Kept | null): Promise<Kept | null> {
  let made = null as Kept | null;
  const read = await within<Kept | undefined>('readwrite', (store) => {
    const request = store.get(id);
    request.onsuccess = () => {
      made = make(request.result);
      if (made) store.put(made);
    };
    return request;
  });
  return read === null ? null : made;
}

let before: Promise<unknown> = Promise.resolve();
/** One after the other: each finds the place as the one before left it. */
export const putKept = (place: Place, turns: readonly Turn[]): Promise<unknown> =>
  (before = before.then(async () => {
    const made = await revise(place.id, (found) => keep(place, found, turns));
    if (made) Object.assign(place, { id: made.id, changed: made.changed });
  }));
export const renameKept = (id: string, name: string): Promise<unknown> => revise(id, (found) => (found ? { ...found, name } : null));
export const dropKept = (id: string): Promise<unknown> => within('readwrite', (store) => store.delete(id));
