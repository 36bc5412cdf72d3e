// SPDX-License-Identifier: MIT
// An answer as the tail of a link: its traces, compressed, in letters that an address may hold. Nothing
// leaves the browser: what follows # is not sent to any server.
import { parseTrace, traceText, type Run } from './events.ts';
import type { Values } from './options.ts';
import type { Turn } from './turns.ts';

/** What most programs let an address be. A longer one leaves the iterations out, and keeps the answer. */
const longest = 30_000;
const largest = 8 * 1024 * 1024; // a link from elsewhere unfolds to no more

interface Shared {
  readonly question: string;
  readonly slots: readonly { readonly values: Values; readonly trace: string }[];
}

async function through(bytes: Uint8Array<ArrayBuffer>, way: CompressionStream | DecompressionStream): Promise<Uint8Array> {
  const reader = new Blob([bytes]).stream().pipeThrough(way as ReadableWritablePair<Uint8Array, Uint8Array<ArrayBuffer>>).getReader();
  const parts: Uint8Array[] = [];
  let size = 0;
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    parts.push(part.value);
    size += part.value.length;
    if (size > largest) {
      await reader.cancel();
      throw new Error(`more than ${largest} bytes`);
    }
  }
  const all = new Uint8Array(size);
  parts.reduce((at, part) => (all.set(part, at), at + part.length), 0);
  return all;
}

async function pack(shared: Shared): Promise<string> {
  const bytes = await through(new TextEncoder().encode(JSON.stringify(shared)), new CompressionStream('deflate-raw'));
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
}

/** The start, the last draft, and the end. */
function ending(run: Run): string {
  const last = run.lines.findLastIndex((line) => line.includes('"event":"draft"'));
  return run.lines.filter((line, i) => i === last || !/"event":"(noise|draft)"/.test(line)).join('\n');
}

export async function packAnswer(turn: Turn): Promise<string> {
  const shared = (trace: (run: Run) => string): Shared => ({
    question: turn.question,
    slots: turn.slots.map(({ values, run }) => ({ values, trace: trace(run) })),
  });
  const whole = await pack(shared(traceText));
  return whole.length <= longest ? whole : pack(shared(ending));
}

/** The turn that a link carries; throws an Error that says what is wrong with it. */
export async function unpackAnswer(packed: string, id: number): Promise<Turn> {
  const letters = atob(packed.replaceAll('-', '+').replaceAll('_', '/'));
  const bytes = Uint8Array.from(letters, (letter) => letter.charCodeAt(0));
  const text = new TextDecoder('utf-8', { fatal: true }).decode(await through(bytes, new DecompressionStream('deflate-raw')));
  const { question, slots } = JSON.parse(text) as Partial<Shared>;
  if (typeof question !== 'string' || !Array.isArray(slots) || slots.length < 1 || slots.length > 2) throw new Error('no answer');
  return {
    id,
    question,
    messages: [],
    model: '',
    slots: slots.map((slot) => ({ values: Object(slot.values) as Values, run: parseTrace(String(slot.trace)), draft: null })),
    replaces: null,
    note: 'From a link',
  };
}
