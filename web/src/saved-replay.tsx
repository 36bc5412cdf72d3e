// SPDX-License-Identifier: MIT
// What an exported file shows: one turn to explore, with no server behind it.
import { useEffect, useState } from 'preact/hooks';
import { OpenTurn } from './open-turn.tsx';
import { Segments } from './parts.tsx';
import { applyPrefs, choices, loadPrefs } from './prefs.ts';
import type { Turn } from './turns.ts';

export function SavedReplay({ turn }: { turn: Turn }) {
  const [prefs, setPrefs] = useState(() => ({ ...loadPrefs(), pause: 0.15 }));
  const [problem, setProblem] = useState('');
  useEffect(() => applyPrefs(prefs), [prefs]);
  return (
    <div class="page saved">
      <header class="top">
        <h1 class="mark">redraft</h1>
        <span class="model">a saved replay{turn.slots[0]?.run.start?.model ? ` of ${turn.slots[0].run.start.model}` : ''}</span>
        <span class="spring" />
        <Segments label="Masked and new" value={prefs.palette} options={choices.palette} onChange={(palette) => setPrefs({ ...prefs, palette })} />
        <Segments label="Theme" value={prefs.theme} options={choices.theme} onChange={(theme) => setPrefs({ ...prefs, theme })} />
      </header>
      <main class="flow">
        {problem && <p class="problem">{problem}</p>}
        <OpenTurn turn={turn} prefs={prefs} onPrefs={setPrefs} onProblem={setProblem} actions={null} />
      </main>
    </div>
  );
}
