// SPDX-License-Identifier: MIT
// Conversations kept in the browser: what a record holds, whose it is, and browsers that keep nothing.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { editOf } from '../src/draft-edit.ts';
import { parseTrace } from '../src/events.ts';
import { keep, listKept, putKept, revive, type Kept, type Place } from '../src/kept.ts';
import { readTab, writeTab } from '../src/stored.ts';
import { newSlot, type Turn } from '../src/turns.ts';
import { lines } from './events.test.ts';

const run = parseTrace(lines.join('\n'));
const edit = editOf(run.frames[3]!);
const turn: Turn = { id: 1, question: 'Which?', messages: [], model: 'm', slots: [{ ...newSlot({ iterations: 9 }, edit), run }], replaces: null, note: '' };
const first: Place = { id: 'a', changed: 0 };

test('a turn comes back as it was, with its model and the draft that it went on from', () => {
  const [back] = revive(structuredClone(keep(first, undefined, [turn])!));
  assert.deepEqual({ ...back, slots: [] }, { ...turn, slots: [] });
  assert.deepEqual(back?.slots[0]?.draft, edit);
  assert.deepEqual(back?.slots[0]?.run.frames, run.frames);
  assert.equal(back?.slots[0]?.run.known.get(7), 'The');
});

test('a record of an earlier version: the model that its trace names, and no draft', () => {
  const { turns, ...rest } = keep(first, undefined, [turn])!;
  const old: Kept = { ...rest, turns: turns.map(({ model: _m, slots, ...more }) => ({ ...more, slots: slots.map(({ values, trace }) => ({ values, trace })) })) };
  assert.deepEqual(revive(old).map(({ model, slots }) => [model, slots[0]?.draft]), [['m', null]]);
  const empty = { ...old, turns: old.turns.map((item) => ({ ...item, slots: [{ values: {}, trace: '' }] })) };
  assert.deepEqual(revive(empty).map(({ model, slots }) => [model, slots[0]?.run.status]), [['', 'cancelled']]);
});

test('a record is written over by who knows it; another tab has one of its own, and what was deleted stays so', () => {
  const one = keep(first, undefined, [turn])!;
  const two = keep({ id: 'a', changed: one.changed }, one, [turn, turn])!;
  assert.deepEqual([one.id, two.id, two.turns.length], ['a', 'a', 2]);
  assert.ok(two.changed > one.changed, 'within a millisecond, too');
  const other = keep({ id: 'a', changed: one.changed }, two, [turn])!;
  assert.notEqual(other.id, 'a');
  assert.equal(keep({ id: 'a', changed: one.changed }, undefined, [turn]), null);
});

test('a name that was given stays; else the first question is the name', () => {
  const untold = keep(first, undefined, [{ ...turn, question: '' }])!;
  assert.equal(untold.name, 'A trace');
  const place = { id: 'a', changed: untold.changed };
  assert.equal(keep(place, untold, [turn])?.name, 'Which?');
  assert.equal(keep(place, { ...untold, name: 'mine' }, [turn])?.name, 'mine');
});

test('where nothing can be kept, nothing fails', async () => {
  const place = { ...first };
  await putKept(place, [turn]);
  assert.deepEqual([place, await listKept()], [first, []]);
  Object.defineProperty(globalThis, 'sessionStorage', { configurable: true, get: () => assert.fail('access denied') });
  writeTab('x', 'y');
  assert.equal(readTab('x'), '');
});
