// SPDX-License-Identifier: MIT
// The playhead: it chases the newest frame, stops where told, and pairs frames of two runs.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { emptyRun, type Frame } from '../src/events.ts';
import { advance, beside, seek, shownPause, toggle } from '../src/player.ts';
import { percent, visible } from '../src/format.ts';

test('the head moves one step a pause, or at once without one', () => {
  assert.deepEqual(advance({ at: 2, playing: true }, 9, 0.1), { at: 3, playing: true });
  assert.deepEqual(advance({ at: 2, playing: true }, 9, 0), { at: 8, playing: true });
  assert.equal(advance({ at: 8, playing: true }, 9, 0.1), null);
  assert.equal(advance({ at: 2, playing: false }, 9, 0.1), null);
});

test('seeking stays inside and stops; play at the end starts over', () => {
  assert.deepEqual(seek(5, 99), { at: 4, playing: false });
  assert.deepEqual(seek(5, -1), { at: 0, playing: false });
  assert.deepEqual(toggle({ at: 4, playing: false }, 5, true), { at: 0, playing: true });
  assert.deepEqual(toggle({ at: 4, playing: false }, 5, false), { at: 4, playing: true });
  assert.deepEqual(toggle({ at: 2, playing: true }, 5, false), { at: 2, playing: false });
});

const frames = (spec: string): Frame[] =>
  spec.split(' ').map((item) => ({
    kind: item[0] === 'n' ? 'noise' : 'draft', iteration: Number(item.slice(1)), ids: [], pieces: [], confidence: [], masked: new Set(), retained: new Set<number>(), locked: new Set<number>(), drafted: new Set<number>(), replaced: new Set<number>(), checked: null, changed: new Set(), end: 0, text: '',
  }));

test('the frame beside another', () => {
  const noisy = frames('n0 d1 n1 d2 n2 d3');
  const calm = frames('n0 d1 d2');
  assert.equal(beside(noisy[2], calm), 1); // noise on draft 1: the other run's draft 1
  assert.equal(beside(noisy[5], calm), 2); // the other run ended at draft 2
  assert.equal(beside(calm[1], noisy), 1);
  assert.equal(beside(undefined, noisy), 0);
});

test('numbers and tokens for people', () => {
  assert.equal(percent(1), '100.0%');
  assert.equal(percent(0.9999), '>99.9%');
  assert.equal(visible('\n'), '↵');
  assert.equal(visible(' Paris'), 'Paris');
  assert.equal(visible(''), '∅');
});

test('showing takes no longer than three times the work, unless a pace was chosen', () => {
  const done = { event: 'done', text: '', ids: [], tokens: 0, iterations: 1, passes: 1, stopped: 'converged', converged: true, warning: '', checked: null } as const;
  const run = (count: number, seconds: number) => ({ ...emptyRun(), frames: frames(Array(count).fill('d1').join(' ')), done: { ...done, seconds } });
  for (const [count, seconds, longest] of [[10, 1, 3], [100, 1, 3], [1000, 0.1, 3], [500, 4, 12], [1, 1, 3]] as const) {
    const pause = shownPause(run(count, seconds), 0.1, false);
    assert.ok(pause <= 0.1 && pause * count <= longest + 1e-9, `${count} frames, ${seconds} s: ${pause}`);
  }
  assert.equal(shownPause(run(1000, 1), 0.5, true), 0.5);
});
