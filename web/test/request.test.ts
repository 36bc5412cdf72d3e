// SPDX-License-Identifier: MIT
// Options, links, requests and server-sent events: what goes out and what comes in.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { draftField, editOf, extend, lockRest, mark, maskBelow, mendOf, retype } from '../src/draft-edit.ts';
import { emptyRun, type Frame } from '../src/events.ts';
import { readLink, writeLink } from '../src/link.ts';
import { changedFrom, check, jsonFields, matters, readCatalog, rowsFor, withValue, type OptionRow } from '../src/options.ts';
import { SseParser } from '../src/sse.ts';
import { drafted, messagesFor, newSlot, requestBody, served, type Turn } from '../src/turns.ts';

const catalog = readCatalog({
  options: [
    { name: 'sampler', kind: 'choice', default: 'lad', group: 'g', help: 'h' },
    { name: 'iterations', kind: 'int', default: 64, min: 1, max: 512, group: 'g', help: 'h' },
    { name: 'noise-start', kind: 'real', default: 0.5, min: 0, max: 1, group: 'g', help: 'h' },
    { name: 'no_noise', kind: 'flag', default: false, group: 'g', help: 'h' },
    { name: 'seed', kind: 'uint64', default: null, group: 'g', help: 'h' },
    { name: 'prefix', kind: 'text', default: '', group: 'g', help: 'h' },
    { name: 'prompt', kind: 'text', default: '', group: 'g', help: 'the page has its own control' },
    { name: 'odd', kind: 'colour', default: '', group: 'g', help: 'a kind this page does not know' },
  ],
  samplers: [{ name: 'lad', help: '', options: ['iterations', 'noise-start', 'no_noise'] }, { name: 'ar', help: '', options: [], defaults: { 'noise-start': 0 } }],
});
const row = (name: string): OptionRow => catalog.options.find((option) => option.name === name)!;

test('rows the page cannot show are left out, names are in snake case', () => {
  assert.deepEqual(catalog.options.map((option) => option.name), ['sampler', 'iterations', 'noise_start', 'no_noise', 'seed', 'prefix']);
});

test('values are checked against their rows', () => {
  const good: [string, string, unknown][] = [
    ['iterations', ' 12 ', 12],
    ['noise_start', '0.25', 0.25],
    ['no_noise', 'true', true],
    ['seed', '18446744073709551615', '18446744073709551615'],
    ['seed', '007', '7'],
    ['sampler', 'ar', 'ar'],
    ['prefix', '<b>', '<b>'],
  ];
  for (const [name, text, value] of good) assert.equal(check(row(name), text).value, value, `${name} ${text}`);
  const bad: [string, string][] = [
    ['iterations', '0'], ['iterations', '513'], ['iterations', '1.5'], ['iterations', ''], ['iterations', '1e999'], ['noise_start', 'half'],
    ['noise_start', '1.01'], ['no_noise', 'yes'], ['seed', '-1'], ['seed', '18446744073709551616'], ['sampler', 'none'],
  ];
  for (const [name, text] of bad) assert.match(check(row(name), text).error ?? '', new RegExp(name), `${name} ${text}`);
});

test('a default leaves the record, a long seed keeps its digits', () => {
  assert.deepEqual(withValue({ iterations: 3 }, row('iterations'), 64), {});
  assert.deepEqual(withValue({}, row('iterations'), 32), { iterations: 32 });
  assert.deepEqual(jsonFields(catalog, { seed: '18446744073709551615', prefix: 'a"b' }), ['"seed":18446744073709551615', '"prefix":"a\\"b"']);
});

test('which options matter to the sampler', () => {
  assert.equal(matters(catalog, {}, row('noise_start')), true);
  assert.equal(matters(catalog, { sampler: 'ar' }, row('noise_start')), false);
  assert.equal(matters(catalog, { sampler: 'ar' }, row('seed')), true); // claimed by none: general
  assert.equal(matters(catalog, { no_noise: true }, row('noise_start')), false);
  assert.deepEqual(jsonFields(catalog, { sampler: 'ar', noise_start: 1 }), ['"sampler":"ar"']);
  assert.deepEqual(jsonFields(catalog, { no_noise: true, noise_start: 1 }), ['"no_noise":true']);
  assert.equal(rowsFor(catalog, { sampler: 'ar' }).find((option) => option.name === 'noise_start')?.default, 0);
});

test('a link carries the settings there and back', () => {
  const state = { prompt: 'a & b=c #1', system: 'é', a: { iterations: 32, no_noise: true }, b: { sampler: 'ar' }, compare: true, pause: 0.5 };
  assert.deepEqual(readLink(`#${writeLink(state)}`, catalog), { ...state, answer: '', problems: [] });
});

test('a link keeps what differs from the defaults of its own sampler', () => {
  // The sampler that nobody has to name may have other defaults than the rows, too.
  const own = { ...catalog, samplers: catalog.samplers.map((sampler) => (sampler.name === 'lad' ? { ...sampler, defaults: { iterations: 16, no_noise: true } } : sampler)) };
  const read = readLink('#iterations=64&no_noise=false&compare=true&b.sampler=ar&b.noise_start=0.5&b.iterations=64', own);
  assert.deepEqual([read.a, read.b], [{ iterations: 64, no_noise: false }, { sampler: 'ar', noise_start: 0.5 }]);
  assert.deepEqual(readLink(`#${writeLink(read)}`, own), read);
  assert.deepEqual(readLink('#sampler=lad&iterations=16&b.sampler=ar&b.noise_start=0', own).a, {});
  assert.deepEqual(changedFrom(own, { sampler: 'ar', noise_start: 0, seed: '7' }), { sampler: 'ar', seed: '7' });
});

test('what a link says wrongly is reported and not used', () => {
  const link = readLink('#iterations=9999&colour=red&no_noise=maybe&pause=-3&noise_start=0.5', catalog);
  assert.deepEqual(link.a, {});
  assert.equal(link.pause, null);
  assert.equal(link.problems.length, 3);
});

test('server-sent events in any cut', () => {
  const source = ': hello\n\nevent: start\ndata: {"a":1}\n\nevent: draft\r\ndata: one\r\ndata:two\r\n\r\ndata: last\r\r';
  const want = [{ event: 'start', data: '{"a":1}' }, { event: 'draft', data: 'one\ntwo' }, { event: 'message', data: 'last' }];
  for (let size = 1; size <= source.length; size++) {
    const parser = new SseParser();
    const got = [];
    for (let at = 0; at < source.length; at += size) got.push(...parser.push(source.slice(at, at + size)));
    got.push(...parser.push('\n'));
    assert.deepEqual(got, want, `chunks of ${size}`);
  }
});

const frame: Frame = {
  kind: 'draft', iteration: 3, ids: [7, 8, 9, 2, 2], pieces: ['The', ' cat', ' sat', '</s>', '</s>'], confidence: [0.9, 0.2, 0.6, 1, 1],
  masked: new Set(), retained: new Set<number>(), locked: new Set<number>(), drafted: new Set<number>(), replaced: new Set<number>(), checked: null, changed: new Set(), end: 3, text: 'The cat sat',
};

test('masking, locking and freeing', () => {
  const edit = editOf(frame);
  assert.deepEqual(mark(edit, 2, 1, 'mask').marks, ['edit', 'mask', 'mask', 'edit', 'edit']);
  assert.deepEqual(maskBelow(edit, 0.7).marks, ['edit', 'mask', 'mask', 'edit', 'edit']);
  assert.deepEqual(lockRest(mark(edit, 1, 1, 'mask')).marks, ['lock', 'mask', 'lock', 'edit', 'edit']);
  assert.deepEqual(extend(edit, 9), { ...edit, end: 5, marks: ['edit', 'edit', 'edit', 'mask', 'mask'] });
  assert.deepEqual(maskBelow(mark(edit, 1, 1, 'lock'), 0.7).marks, ['edit', 'lock', 'mask', 'edit', 'edit']);
});

test('retyping one token as more or fewer keeps the canvas whole', () => {
  const two = retype(editOf(frame), 1, [{ id: 20, piece: ' big' }, { id: 21, piece: ' dog' }]);
  assert.deepEqual(two.ids, [7, 20, 21, 9, 2]);
  assert.deepEqual(two.marks, ['edit', 'lock', 'lock', 'edit', 'edit']);
  assert.equal(two.end, 4);
  const none = retype(editOf(frame), 1, []);
  assert.deepEqual(none.ids, [7, 9, 2, 2, 2]);
  assert.equal(none.end, 2);
  assert.equal(JSON.parse(`{${draftField(two)}}`).draft.state.length, 5);
});

const turn = (id: number, question: string, text: string, replaces: number | null = null): Turn => ({
  id, question, messages: messagesFor([], '', question, false), model: 'm', replaces, note: '',
  slots: [{ values: {}, draft: null, run: { ...emptyRun(), done: { event: 'done', text, ids: [], tokens: 0, iterations: 0, passes: 0, stopped: 'converged', seconds: 0, converged: true, warning: "", checked: null } } }],
});

test('a conversation sends the turns that still count', () => {
  const turns = [turn(1, 'a', 'bad'), turn(2, 'a', 'good', 1), turn(3, '', 'a loaded trace')];
  assert.deepEqual(messagesFor(turns, ' be brief ', 'c', true).map((message) => message.content), [' be brief ', 'a', 'good', 'c']);
  assert.deepEqual(messagesFor(turns, '', 'c', false).map((message) => message.content), ['c']);
});

test('the request is a prompt, or messages, with options and draft', () => {
  const alone = { ...turn(1, 'hi', ''), messages: messagesFor([], 'sys', 'hi', false) };
  assert.deepEqual(JSON.parse(requestBody(catalog, alone, newSlot({ iterations: 3 }))), { prompt: 'hi', system: 'sys', iterations: 3 });
  const chain = { ...turn(2, 'c', ''), messages: messagesFor([turn(1, 'a', 'b')], '', 'c', true) };
  const body = JSON.parse(requestBody(catalog, chain, newSlot({}, editOf(frame))));
  assert.equal(body.messages.length, 3);
  assert.deepEqual(body.draft.ids, frame.ids);
});

test('tokens go to the model that wrote them', () => {
  const two = { ...catalog, models: ['m', 'other'], model: 'other' };
  const one = { ...catalog, models: ['other'], model: 'other' };
  const asked = turn(1, 'hi', '');
  const edit = editOf(frame);
  const model = (from: typeof catalog, slot: ReturnType<typeof newSlot>) => JSON.parse(requestBody(from, asked, slot)).model;
  assert.deepEqual([model(two, newSlot({})), model(two, newSlot({}, edit)), model(one, newSlot({})), model(one, newSlot({}, edit))], ['m', 'm', undefined, 'm']);
  assert.deepEqual([served(two, asked), served(one, asked), served({ ...catalog, model: 'm' }, asked), served(null, asked)], [true, false, true, false]);
  assert.deepEqual([drafted(asked), drafted({ ...asked, slots: [newSlot({}), newSlot({}, edit)] })], [false, true]);
});

test('what is mended has room in its gaps, everything else is locked, and nothing follows the end', () => {
  const edit = { ids: [10, 11, 12, 13, 0, 0, 0], pieces: ['a', 'b', 'c', 'd', '', '', ''], confidence: [1, 1, 1, 1, 1, 1, 1], marks: ['edit', 'mask', 'mask', 'edit', 'edit', 'edit', 'edit'] as const, end: 4 };
  const mended = mendOf(edit);
  assert.deepEqual(mended.ids, [10, 11, 12, 12, 12, 13, 0]);
  assert.deepEqual(mended.marks, ['lock', 'mask', 'mask', 'mask', 'mask', 'lock', 'lock']);
  assert.equal(mended.end, 6);
  assert.deepEqual(mendOf(mark(edit, 0, 0, 'mask')).marks, ['mask', 'mask', 'mask', 'mask', 'mask', 'lock', 'lock']);
});
