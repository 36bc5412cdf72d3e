// SPDX-License-Identifier: MIT
// How a person likes to look at drafts, kept in the browser and put on the root element for the style.
import { readStored, writeStored } from './stored.ts';

export interface Prefs {
  readonly theme: 'auto' | 'light' | 'dark';
  readonly palette: 'classic' | 'safe';
  readonly colours: 'changes' | 'confidence';
  readonly layout: 'text' | 'grid' | 'read';
  readonly size: 'normal' | 'projector';
  readonly pause: number; // seconds between steps as shown
  readonly paced: boolean; // the pause was chosen: it holds, however long it takes
  readonly threads: boolean; // send earlier turns with a question
}

/** Each choice with its words, in the order shown: the controls are built from these. */
export const choices = {
  theme: [['auto', 'Auto'], ['light', 'Light'], ['dark', 'Dark']],
  palette: [['classic', 'Red and green'], ['safe', 'Colour-blind safe']],
  colours: [['changes', 'Changes'], ['confidence', 'Confidence']],
  layout: [['text', 'Text'], ['grid', 'Grid'], ['read', 'Formatted']],
  size: [['normal', 'Normal'], ['projector', 'Projector']],
} as const;

const defaults: Prefs = { theme: 'auto', palette: 'classic', colours: 'changes', layout: 'text', size: 'normal', pause: 0.1, paced: false, threads: false };

export function loadPrefs(): Prefs {
  const stored = readStored<Partial<Prefs>>('redraft-prefs', {});
  const pick = <K extends keyof typeof choices>(name: K): Prefs[K] =>
    (choices[name].some(([value]) => value === stored[name]) ? stored[name] : defaults[name]) as Prefs[K];
  return {
    theme: pick('theme'),
    palette: pick('palette'),
    colours: pick('colours'),
    layout: pick('layout'),
    size: pick('size'),
    paced: stored.paced === true,
    pause: typeof stored.pause === 'number' && stored.pause >= 0 && stored.pause <= 5 ? stored.pause : defaults.pause,
    threads: stored.threads === true,
  };
}

export function applyPrefs(prefs: Prefs): void {
  const root = document.documentElement;
  root.dataset.theme = prefs.theme;
  root.dataset.palette = prefs.palette;
  root.dataset.size = prefs.size;
  writeStored('redraft-prefs', prefs);
}
