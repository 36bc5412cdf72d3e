// SPDX-License-Identifier: MIT
// The trace model: what is accepted, what each event makes of a run, and what is refused.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answerEnd, cancel, emptyRun, fail, parseEvent, parseTrace, reduce, traceText, type Run } from '../src/events.ts';
import { confidences, history, iterationStats, summary } from '../src/stats.ts';

export const lines = [
  '{"event":"start","model":"m","sampler":"lad","seed":18446744073709551615,"window":8,"iterations":9,"prompt_ids":[1,5]}',
  '{"event":"noise","iteration":0,"ids":[4,4,4],"masked":[0,1,2]}',
  '{"event":"draft","iteration":1,"ids":[7,8,2],"pieces":["The"," cat","</s>"],"confidence":[0.5,0.25,1],"changed":[0,1,2],"text":"The cat"}',
  '{"event":"noise","iteration":1,"ids":[7,4,2],"masked":[1]}',
  '{"event":"draft","iteration":2,"ids":[7,9,2],"pieces":["The"," dog","</s>"],"confidence":[0.75,0.75,1],"changed":[1],"text":"The dog"}',
  '{"event":"done","text":"The dog","ids":[7,9],"tokens":2,"iterations":2,"passes":2,"stopped":"converged","seconds":0.5}',
];
const play = (list: readonly string[]): Run => list.reduce((run, line) => reduce(run, parseEvent(line), line), emptyRun());

test('a whole trace becomes frames, stats and a summary', () => {
  const run = play(lines);
  assert.equal(run.status, 'done');
  assert.deepEqual(run.frames.map((frame) => [frame.kind, frame.iteration, frame.end]), [['noise', 0, 3], ['draft', 1, 2], ['noise', 1, 2], ['draft', 2, 2]]);
  assert.deepEqual(iterationStats(run.frames).map(({ iteration, masked, changed, confidence }) => [iteration, masked, changed, confidence]), [
    [0, 3, null, null],
    [1, 1, 3, 0.375],
    [2, null, 1, 0.75],
  ]);
  const total = summary(run);
  assert.equal(total?.perIteration, 1);
  assert.equal(total?.perSecond, 4);
  assert.match(total?.verdict ?? '', /stopped early after 2 of 9/);
});

test('a masked token keeps the text it hides, and unmasked ones keep theirs', () => {
  const frame = play(lines.slice(0, 4)).frames[2];
  assert.deepEqual(frame?.pieces, ['The', ' cat', '</s>']);
  assert.deepEqual([...(frame?.masked ?? [])], [1]);
});

test('the reducer leaves the old run untouched', () => {
  const before = play(lines.slice(0, 3));
  const copy = structuredClone(before);
  reduce(before, parseEvent(lines[3]!), lines[3]!);
  assert.deepEqual(before, copy);
});

test('a draft that still holds masks shows them', () => {
  const run = play([...lines.slice(0, 2), '{"event":"draft","iteration":1,"ids":[7,4,2],"pieces":["The","MASK","</s>"],"confidence":[1,0,1],"changed":[0,1],"text":"The"}']);
  assert.deepEqual([...run.frames[1]!.masked], [1]);
  assert.deepEqual([...run.frames[1]!.changed], [0]);
});

test('masks that a draft still holds are no end of the answer, whether the end is named or not', () => {
  const noise = '{"event":"noise","iteration":0,"ids":[4,4,4,4,4],"masked":[0,1,2,3,4]}';
  const draft = '{"event":"draft","iteration":1,"ids":[4,7,4,2,4],"pieces":["<|mask|>"," cat","<|mask|>","</s>","<|mask|>"],"confidence":[0,1,0,1,0],"changed":[1,3],"text":" cat"}';
  const named = lines[0]!.replace('}', ',"eos_ids":[2]}');
  for (const start of [lines[0]!, named]) {
    const frame = play([start, noise, draft]).frames[1]!;
    assert.deepEqual([...frame.masked], [0, 2, 4]);
    assert.equal(frame.end, 3);
  }
  const open = draft.replace(',2,', ',8,').replace('"</s>"', '"<b>"'); // only looks like an end
  assert.deepEqual([lines[0]!, named].map((start) => play([start, noise, open]).frames[1]!.end), [3, 5]);
  assert.equal(play([lines[0]!, noise, open.replace('<b>', ' sat')]).frames[1]!.end, 5);
});

test('the texts of a draft that is being redrafted are known from its first noise on', () => {
  const run = reduce(emptyRun(new Map([[7, 'The']])), parseEvent('{"event":"noise","iteration":0,"ids":[7,4],"masked":[1]}'), '');
  assert.deepEqual(run.frames[0]?.pieces, ['The', '']);
});

test('where the answer ends', () => {
  const cases: [number[], string[], number[], number][] = [
    [[5, 6, 2, 2], ['a', ' b', '</s>', '</s>'], [], 2],
    [[5, 6, 2, 2], ['a', ' b', '', ''], [], 2], // padding without text
    [[5, 6, 9], ['a', '', 'c'], [], 3], // half a character is no end
    [[5, 2, 6, 2], ['a', 'x', 'b', 'x'], [2], 1], // the start event says which token it is
    [[5, 6], ['a', 'b'], [2], 2],
    [[5, 6], ['a', '<b> c'], [], 2],
    [[], [], [], 0],
  ];
  for (const [ids, pieces, eos, end] of cases) assert.equal(answerEnd(ids, pieces, eos), end, JSON.stringify(pieces));
});

test('bad events are refused with a reason', () => {
  const cases: [string, RegExp][] = [
    ['{', /not a line of JSON/],
    ['[]', /not a JSON object/],
    ['null', /not a JSON object/],
    ['{"event":"fin"}', /unknown event "fin"/],
    ['{}', /unknown event/],
    ['{"event":"noise","iteration":0,"ids":[4],"masked":[1]}', /"masked" has a position outside the 1 tokens/],
    ['{"event":"noise","iteration":"0","ids":[4],"masked":[]}', /"iteration" is not a number/],
    ['{"event":"draft","iteration":1,"ids":[4,5],"pieces":["a"],"confidence":[1,1],"changed":[],"text":""}', /2 ids, 1 pieces and 2 confidences/],
    ['{"event":"draft","iteration":1,"ids":[4],"pieces":[1],"confidence":[1],"changed":[],"text":""}', /"pieces" is not a list of texts/],
  ];
  for (const [line, reason] of cases) assert.throws(() => parseEvent(line), reason, line);
});

test('a trace file survives loading and saving to the byte, and errors name their line', () => {
  const source = lines.join('\n') + '\n';
  assert.equal(traceText(parseTrace(source)), source);
  assert.equal(traceText(parseTrace(source.replaceAll('\n', '\r\n'))), source);
  assert.throws(() => parseTrace(`${lines[0]}\n{"event":"x"}\n`), /^Error: line 2: unknown event|line 2: unknown event/);
  assert.throws(() => parseTrace(''), /no noise or draft/);
  assert.equal(parseTrace(lines.slice(0, 3).join('\n')).status, 'cancelled');
});

test('failing and stopping', () => {
  const run = play(lines.slice(0, 3));
  assert.equal(fail(run, 'no').status, 'failed');
  assert.equal(cancel(run).status, 'cancelled');
  assert.equal(cancel(play(lines)).status, 'done');
});

test('the history of a position joins equal drafts', () => {
  const run = play(lines);
  assert.deepEqual(history(run.frames, 0).map(({ from, to, piece, confidence }) => [from, to, piece, confidence]), [[1, 2, 'The', 0.75]]);
  assert.deepEqual(history(run.frames, 1).map(({ from, piece }) => [from, piece]), [[1, ' cat'], [2, ' dog']]);
  assert.deepEqual(confidences(run.frames, 1), [[1, 0.25], [2, 0.75]]);
  assert.deepEqual(history(run.frames, 99), []);
});

test('what was settled, and whether it converged, come with the events', () => {
  const settled = lines[3]!.replace('"masked":[1]', '"masked":[1],"retained":[0],"locked":[2]');
  const run = play([...lines.slice(0, 3), settled, lines[5]!.replace('"stopped":"converged"', '"stopped":"iterations","converged":false')]);
  assert.deepEqual([...run.frames[2]!.retained], [0]);
  assert.deepEqual([...run.frames[2]!.locked], [2]);
  assert.match(summary(run)?.warning ?? '', /still changing/);
  assert.equal(summary(play(lines))?.warning, '');
});

test('drafted words, and those that the base replaced', () => {
  const draft = (fields: object) =>
    JSON.stringify({ event: 'draft', confidence: [1, 1, 1], text: '', pieces: ['a', 'b', 'c'], ids: [5, 6, 7], changed: [], iteration: 1, ...fields });
  const run = play([
    lines[0]!,
    draft({ sure: 1, changed: [1, 2], drafted: 2, accepted: 0, rejected: 0 }),
    draft({ ids: [5, 8, 9], changed: [1, 2], iteration: 2, sure: 2, drafted: 0, accepted: 0, rejected: 2 }),
    JSON.stringify({ ...JSON.parse(lines[5]!), drafted: 2, accepted: 0, rejected: 2 }),
  ]);
  assert.deepEqual(run.frames.map((frame) => [[...frame.drafted], [...frame.replaced]]), [[[1, 2], []], [[2], [1]]]);
  assert.deepEqual(summary(run)?.checked, { drafted: 2, accepted: 0, rejected: 2 });
  assert.equal(summary(play(lines))?.checked, null);
});
