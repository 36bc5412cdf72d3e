// SPDX-License-Identifier: MIT
// A finished draft under the pen: each position masked, editable or locked, and tokens retyped.
// Pure functions; what they return goes to the server as the "draft" of the next request.
import type { Frame } from './events.ts';
import type { Token } from './client.ts';

export type Mark = 'edit' | 'mask' | 'lock';

export interface DraftEdit {
  readonly ids: readonly number[];
  readonly pieces: readonly string[];
  readonly confidence: readonly number[];
  readonly marks: readonly Mark[];
  readonly end: number;
}

/** Positions still masked in the frame stay masked; all others may be changed by the model. */
export const editOf = (frame: Frame): DraftEdit => ({
  ids: frame.ids,
  pieces: frame.pieces,
  confidence: frame.confidence,
  marks: frame.ids.map((_, p) => (frame.masked.has(p) ? 'mask' : 'edit')),
  end: frame.end,
});

export const mark = (edit: DraftEdit, from: number, to: number, state: Mark): DraftEdit => {
  const [low, high] = from < to ? [from, to] : [to, from];
  return { ...edit, marks: edit.marks.map((old, p) => (p >= low && p <= high ? state : old)) };
};

/** Masks the answer's unlocked tokens below a probability. */
export const maskBelow = (edit: DraftEdit, probability: number): DraftEdit => ({
  ...edit,
  marks: edit.marks.map((old, p) => (old === 'edit' && p < edit.end && (edit.confidence[p] ?? 0) < probability ? 'mask' : old)),
});

/** Locks the answer's tokens that are neither masked nor locked. */
export const lockRest = (edit: DraftEdit): DraftEdit => ({
  ...edit,
  marks: edit.marks.map((old, p) => (old === 'edit' && p < edit.end ? 'lock' : old)),
});

/** Puts tokens in the place of one, locked; the padding at the end makes room, or fills it. */
export function retype(edit: DraftEdit, position: number, tokens: readonly Token[]): DraftEdit {
  const place = <T>(list: readonly T[], fill: readonly T[], pad: T): T[] => {
    const out = [...list.slice(0, position), ...fill, ...list.slice(position + 1)];
    while (out.length < list.length) out.push(pad);
    return out.slice(0, Math.max(list.length, position + fill.length));
  };
  const last = edit.ids.length - 1;
  return {
    ids: place(edit.ids, tokens.map((token) => token.id), edit.ids[last] ?? 0),
    pieces: place(edit.pieces, tokens.map((token) => token.piece), edit.pieces[last] ?? ''),
    confidence: place(edit.confidence, tokens.map(() => 1), 1),
    marks: place(edit.marks, tokens.map(() => 'lock' as const), 'edit'),
    end: Math.min(edit.ids.length, edit.end + tokens.length - 1),
  };
}

export function count(edit: DraftEdit): Record<Mark, number> {
  const counts = { edit: 0, mask: 0, lock: 0 };
  edit.marks.forEach((state, p) => {
    if (p < edit.end || state !== 'edit') counts[state] += 1;
  });
  return counts;
}

/** The text of each id, for the frames that come before the first draft. */
export function known(edit: DraftEdit): Map<number, string> {
  return new Map(edit.ids.map((id, p) => [id, edit.pieces[p] ?? '']));
}

/** The request's "draft" field. */
export const draftField = (edit: DraftEdit): string => `"draft":${JSON.stringify({ ids: edit.ids, state: edit.marks })}`;

/** Takes positions from the padding into the answer, masked: room for a longer one. */
export const extend = (edit: DraftEdit, positions: number): DraftEdit => {
  const end = Math.min(edit.ids.length, edit.end + positions);
  return { ...edit, end, marks: edit.marks.map((old, p) => (p >= edit.end && p < end ? 'mask' : old)) };
};

/** Tokens that a mended gap may have more than it had. */
const mendRoom = 2;

/** For the sampler that searches: each masked stretch with a little room, everything else locked, nothing behind the end. */
export function mendOf(edit: DraftEdit): DraftEdit {
  const order = edit.ids.slice(0, edit.end + 1).flatMap((_, p) => {
    const last = edit.marks[p] === 'mask' && (edit.marks[p + 1] !== 'mask' || p === edit.end);
    return Array.from({ length: last ? 1 + mendRoom : 1 }, () => p);
  });
  const pick = <T>(list: readonly T[]): T[] => order.map((p) => list[p]!);
  return {
    ids: pick(edit.ids),
    pieces: pick(edit.pieces),
    confidence: pick(edit.confidence),
    marks: order.map((p) => (edit.marks[p] === 'mask' ? 'mask' : 'lock')),
    end: order.filter((p) => p < edit.end).length,
  };
}
