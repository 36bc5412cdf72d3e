// SPDX-License-Identifier: MIT
// The trace model: the events of one generation, checked as they come in, and a pure reducer that
// turns them into frames (one per noise or draft) that every view reads.

export interface StartEvent {
  readonly event: 'start';
  readonly model: string;
  readonly sampler: string;
  readonly seed: string; // decimal; may exceed 2^53
  readonly window: number;
  readonly iterations: number;
  readonly prompt_ids: readonly number[];
  readonly eos_ids: readonly number[];
}
export interface NoiseEvent {
  readonly event: 'noise';
  readonly iteration: number;
  readonly ids: readonly number[];
  readonly masked: readonly number[];
  readonly retained: readonly number[];
  readonly locked: readonly number[];
}
/** Where the base checks what the adapter drafts: places drafted by this pass (or by all), and what became of them. */
export interface Checked {
  readonly drafted: number;
  readonly accepted: number;
  readonly rejected: number;
}
export interface DraftEvent {
  readonly event: 'draft';
  readonly checked: Checked | null;
  /** Leading places that are the base's own, where it checks; else 0. */
  readonly sure: number;
  readonly iteration: number;
  readonly ids: readonly number[];
  readonly pieces: readonly string[];
  readonly confidence: readonly number[];
  readonly changed: readonly number[];
  readonly retained: readonly number[];
  readonly locked: readonly number[];
  readonly text: string;
}
export interface DoneEvent {
  readonly event: 'done';
  readonly checked: Checked | null;
  readonly text: string;
  readonly ids: readonly number[];
  readonly tokens: number;
  readonly iterations: number;
  readonly passes: number;
  readonly stopped: string;
  readonly seconds: number;
  /** False: the draft was still changing when it ended. Older traces do not say. */
  readonly converged: boolean;
  readonly warning: string;
}
export type TraceEvent = StartEvent | NoiseEvent | DraftEvent | DoneEvent;

/** One thing to look at: the canvas after a noising or after a model pass. */
export interface Frame {
  readonly kind: 'noise' | 'draft';
  readonly iteration: number;
  readonly ids: readonly number[];
  /** Text per position; under a mask, the text that stood there before ('' when none did). */
  readonly pieces: readonly string[];
  readonly confidence: readonly number[];
  readonly masked: ReadonlySet<number>;
  readonly changed: ReadonlySet<number>;
  /** What the sampler settled: not masked again; locked ones keep their tokens. */
  readonly retained: ReadonlySet<number>;
  readonly locked: ReadonlySet<number>;
  /** Where the base checks: what it has not read yet; its own word where another was drafted. */
  readonly drafted: ReadonlySet<number>;
  readonly replaced: ReadonlySet<number>;
  readonly checked: Checked | null;
  /** The answer is positions 0 .. end - 1; what follows is end-of-text padding. */
  readonly end: number;
  readonly text: string;
}

export type Status = 'waiting' | 'running' | 'done' | 'failed' | 'cancelled';

export interface Run {
  readonly status: Status;
  readonly start: StartEvent | null;
  readonly frames: readonly Frame[];
  readonly done: DoneEvent | null;
  readonly error: string | null;
  /** The events exactly as received, for saving. */
  readonly lines: readonly string[];
  /** Texts of ids known before the first draft (a redraft starts from tokens, not from masks). */
  readonly known: ReadonlyMap<number, string>;
}

export const emptyRun = (known: ReadonlyMap<number, string> = new Map()): Run => ({
  status: 'waiting',
  start: null,
  frames: [],
  done: null,
  error: null,
  lines: [],
  known,
});

export class TraceError extends Error {}

type Fields = Record<string, unknown>;

function need(ok: boolean, message: string): asserts ok {
  if (!ok) throw new TraceError(message);
}
function number(fields: Fields, name: string): number {
  const value = fields[name];
  need(typeof value === 'number' && Number.isFinite(value), `${String(fields.event)}: "${name}" is not a number`);
  return value;
}
function text(fields: Fields, name: string): string {
  const value = fields[name];
  need(typeof value === 'string', `${String(fields.event)}: "${name}" is not text`);
  return value;
}
function numbers(fields: Fields, name: string): number[] {
  const value = fields[name];
  need(
    Array.isArray(value) && value.every((item) => typeof item === 'number'),
    `${String(fields.event)}: "${name}" is not a list of numbers`,
  );
  return value as number[];
}
function positions(fields: Fields, name: string, length: number): number[] {
  const value = numbers(fields, name);
  need(
    value.every((p) => Number.isInteger(p) && p >= 0 && p < length),
    `${String(fields.event)}: "${name}" has a position outside the ${length} tokens`,
  );
  return value;
}

/** Positions that the sampler settled: left out where there are none. */
function settled(fields: Fields, length: number): { retained: number[]; locked: number[] } {
  const list = (name: string) => (fields[name] === undefined ? [] : positions(fields, name, length));
  return { retained: list('retained'), locked: list('locked') };
}

/** Left out where nothing was drafted or checked. */
function checks(fields: Fields): Checked | null {
  if (fields.drafted === undefined) return null;
  return { drafted: number(fields, 'drafted'), accepted: number(fields, 'accepted'), rejected: number(fields, 'rejected') };
}

/** One event from its JSON text; throws TraceError with what is wrong. */
export function parseEvent(line: string): TraceEvent {
  let seed = '';
  let fields: Fields;
  try {
    // A seed may need 64 bits: where the engine gives the source text of a number, keep that.
    fields = JSON.parse(line, function (this: unknown, key: string, value: unknown, context?: { source?: string }) {
      if (key === 'seed' && typeof value !== 'object') seed = context?.source?.replace(/"/g, '') ?? String(value);
      return value;
    } as (this: unknown, key: string, value: unknown) => unknown) as Fields;
  } catch {
    throw new TraceError('not a line of JSON');
  }
  need(typeof fields === 'object' && fields !== null && !Array.isArray(fields), 'not a JSON object');
  switch (fields.event) {
    case 'start':
      return {
        event: 'start',
        model: typeof fields.model === 'string' ? fields.model : '',
        sampler: typeof fields.sampler === 'string' ? fields.sampler : '',
        seed,
        window: number(fields, 'window'),
        iterations: number(fields, 'iterations'),
        prompt_ids: numbers(fields, 'prompt_ids'),
        eos_ids: fields.eos_ids === undefined ? [] : numbers(fields, 'eos_ids'),
      };
    case 'noise': {
      const ids = numbers(fields, 'ids');
      return { event: 'noise', iteration: number(fields, 'iteration'), ids, masked: positions(fields, 'masked', ids.length), ...settled(fields, ids.length) };
    }
    case 'draft': {
      const ids = numbers(fields, 'ids');
      const pieces = fields.pieces;
      need(Array.isArray(pieces) && pieces.every((p) => typeof p === 'string'), 'draft: "pieces" is not a list of texts');
      const confidence = numbers(fields, 'confidence');
      need(
        pieces.length === ids.length && confidence.length === ids.length,
        `draft: ${ids.length} ids, ${pieces.length} pieces and ${confidence.length} confidences; they must be equally many`,
      );
      return {
        event: 'draft',
        checked: checks(fields),
        sure: fields.sure === undefined ? 0 : number(fields, 'sure'),
        iteration: number(fields, 'iteration'),
        ids,
        pieces: pieces as string[],
        confidence,
        changed: positions(fields, 'changed', ids.length),
        ...settled(fields, ids.length),
        text: text(fields, 'text'),
      };
    }
    case 'done':
      return {
        event: 'done',
        checked: checks(fields),
        text: text(fields, 'text'),
        ids: numbers(fields, 'ids'),
        tokens: number(fields, 'tokens'),
        iterations: number(fields, 'iterations'),
        passes: number(fields, 'passes'),
        stopped: text(fields, 'stopped'),
        seconds: number(fields, 'seconds'),
        converged: fields.converged !== false,
        warning: typeof fields.warning === 'string' ? fields.warning : '',
      };
    default:
      throw new TraceError(`unknown event ${JSON.stringify(fields.event) ?? 'without a name'}`);
  }
}

const special = /^<[^<>\s]+>$/;

/** Whether a piece is what fills the canvas after the answer. */
export const isPadding = (piece: string): boolean => piece === '' || special.test(piece);

/** Where the answer ends: the first end-of-text token. Its id comes from the start event where that
 *  tells it; else it is a token written like a special one, or the one that pads the end. */
export function answerEnd(ids: readonly number[], pieces: readonly string[], eos: readonly number[]): number {
  const length = ids.length;
  if (eos.length > 0) {
    const at = ids.findIndex((id) => eos.includes(id));
    return at < 0 ? length : at;
  }
  const last = length - 1;
  const pads = last > 0 && ids[last] === ids[last - 1] && pieces[last] === '';
  const at = ids.findIndex((id, p) => special.test(pieces[p] ?? '') || (pads && id === ids[last]));
  return at < 0 ? length : at;
}

/** The token that stands for a mask, learnt from the noise; null before any was seen. */
function maskId(frames: readonly Frame[]): number | null {
  for (const frame of frames) for (const p of frame.masked) return frame.ids[p] ?? null;
  return null;
}

/** Where the answer ends on a canvas with masks: they may become anything, so they are no padding. */
function maskedEnd(run: Run, event: NoiseEvent | DraftEvent, pieces: readonly string[], masked: ReadonlySet<number>): number {
  const texts = pieces.map((piece, p) => (masked.has(p) ? 'mask' : piece));
  return answerEnd(event.ids, texts, run.start?.eos_ids ?? []);
}

function noiseFrame(run: Run, event: NoiseEvent): Frame {
  const before = run.frames[run.frames.length - 1];
  const masked = new Set(event.masked);
  const pieces = event.ids.map((id, p) =>
    masked.has(p) || id === before?.ids[p] ? (before?.pieces[p] ?? '') : (run.known.get(id) ?? ''),
  );
  return {
    kind: 'noise',
    iteration: event.iteration,
    ids: event.ids,
    pieces,
    confidence: event.ids.map((_, p) => before?.confidence[p] ?? 0),
    masked,
    changed: new Set(),
    drafted: new Set([...(before?.drafted ?? [])].filter((p) => !masked.has(p))),
    replaced: new Set(),
    checked: null,
    retained: new Set(event.retained),
    locked: new Set(event.locked),
    end: before && before.ids.length === event.ids.length ? before.end : maskedEnd(run, event, pieces, masked),
    text: before?.text ?? '',
  };
}

function draftFrame(run: Run, event: DraftEvent): Frame {
  const mask = maskId(run.frames);
  const masked = new Set<number>();
  event.ids.forEach((id, p) => {
    if (id === mask) masked.add(p);
  });
  const before = run.frames[run.frames.length - 1];
  const unread = run.frames.findLast((frame) => frame.kind === 'draft')?.drafted ?? new Set<number>();
  const drafted = new Set<number>();
  event.ids.forEach((_, p) => {
    if (event.sure > 0 && p >= event.sure && !masked.has(p)) drafted.add(p);
  });
  return {
    kind: 'draft',
    drafted,
    replaced: new Set(event.changed.filter((p) => unread.has(p) && p < event.sure)),
    checked: event.checked,
    iteration: event.iteration,
    ids: event.ids,
    pieces: event.pieces.map((piece, p) => (masked.has(p) ? (before?.pieces[p] ?? '') : piece)),
    confidence: event.confidence,
    masked,
    changed: new Set(event.changed.filter((p) => !masked.has(p))),
    retained: new Set(event.retained),
    locked: new Set(event.locked),
    end: maskedEnd(run, event, event.pieces, masked),
    text: event.text,
  };
}

/** The run after one more event. Pure: the old run is untouched. */
export function reduce(run: Run, event: TraceEvent, line: string): Run {
  const lines = [...run.lines, line];
  switch (event.event) {
    case 'start':
      return { ...run, lines, status: 'running', start: event };
    case 'noise':
      return { ...run, lines, status: 'running', frames: [...run.frames, noiseFrame(run, event)] };
    case 'draft':
      return { ...run, lines, status: 'running', frames: [...run.frames, draftFrame(run, event)] };
    case 'done':
      return { ...run, lines, status: event.stopped === 'cancelled' ? 'cancelled' : 'done', done: event };
  }
}

export const fail = (run: Run, message: string): Run => ({ ...run, status: 'failed', error: message });
export const cancel = (run: Run): Run => (finished(run) ? run : { ...run, status: 'cancelled' });
export const finished = (run: Run): boolean => run.status === 'done' || run.status === 'failed' || run.status === 'cancelled';

/** A whole trace, one event a line; the error names the line. */
export function parseTrace(source: string, begun: Run = emptyRun()): Run {
  let run = begun;
  source.split('\n').forEach((raw, index) => {
    const line = raw.trim();
    if (!line) return;
    try {
      run = reduce(run, parseEvent(line), line);
    } catch (error) {
      throw new TraceError(`line ${index + 1}: ${(error as Error).message}`);
    }
  });
  if (run.frames.length === 0) throw new TraceError('the file holds no noise or draft event');
  return finished(run) ? run : { ...run, status: 'cancelled' };
}

export const traceText = (run: Run): string => run.lines.map((line) => line + '\n').join('');
