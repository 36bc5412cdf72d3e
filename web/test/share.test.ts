// SPDX-License-Identifier: MIT
// Answers in links: there and back, cut down where they are long, and refused where they are no answers.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deflateRawSync } from 'node:zlib';
import { parseTrace, traceText } from '../src/events.ts';
import { packAnswer, unpackAnswer } from '../src/share.ts';
import type { Turn } from '../src/turns.ts';
import { lines } from './events.test.ts';

const turn = (trace: string): Turn => ({
  id: 1,
  question: 'Which? ☂',
  messages: [],
  model: '',
  slots: [{ values: { iterations: 9 }, run: parseTrace(trace), draft: null }],
  replaces: null,
  note: '',
});

test('an answer goes there and back', async () => {
  const packed = await packAnswer(turn(lines.join('\n')));
  assert.match(packed, /^[\w-]+$/);
  const back = await unpackAnswer(packed, 5);
  assert.equal(back.question, 'Which? ☂');
  assert.deepEqual(back.slots[0]?.values, { iterations: 9 });
  assert.equal(traceText(back.slots[0]!.run), lines.join('\n') + '\n');
  assert.equal(back.id, 5);
});

test('a long one keeps the answer, and leaves the iterations out', async () => {
  const drafts = Array.from({ length: 300 }, (_, i) => {
    const ids = Array.from({ length: 60 }, (_, p) => 3 + ((i * 7919 + p * 104729 + i * p * 31) % 9973));
    return JSON.stringify({ event: 'draft', iteration: i + 1, ids, pieces: ids.map((id) => ` w${id}`), confidence: ids.map((id) => id / 10000), changed: [], text: `draft ${i}` });
  });
  const packed = await packAnswer(turn([lines[0], ...drafts, lines[5]].join('\n')));
  assert.ok(packed.length <= 30_000, String(packed.length));
  const { run } = (await unpackAnswer(packed, 1)).slots[0]!;
  assert.equal(run.frames.length, 1);
  assert.equal(run.frames[0]?.text, 'draft 299');
  assert.equal(run.done?.text, 'The dog');
});

test('what is no answer is refused', async () => {
  const packed = (text: string | Buffer) => deflateRawSync(text).toString('base64url');
  const cases = ['', '*', 'AAAA', packed('{}'), packed('[]'), packed('null'), packed('{"question":"x","slots":[{}]}'),
    packed('{"question":"x","slots":[]}'), packed('{"question":1,"slots":[{"trace":""}]}'), packed(Buffer.alloc(9 << 20, 32)), packed(Buffer.from([0xff]))];
  for (const text of cases) await assert.rejects(unpackAnswer(text, 1), text.slice(0, 40));
});
