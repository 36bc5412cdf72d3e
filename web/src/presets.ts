// SPDX-License-Identifier: MIT
// Named settings: a few that come with the page, as rows, and those a person saves in this browser.
import type { Catalog, Values } from './options.ts';
import { readStored, writeStored } from './stored.ts';

export interface Preset {
  readonly name: string;
  readonly help: string;
  readonly values: Values;
  readonly saved?: boolean;
}

const builtin: readonly Preset[] = [
  { name: 'Defaults', help: 'As the server starts: nothing changed', values: {} },
  { name: 'Noiseless', help: 'Refine the whole answer again and again, no re-masking', values: { no_noise: true } },
  { name: 'Quick', help: '16 iterations without re-masking', values: { no_noise: true, iterations: 16 } },
  { name: 'Explore', help: 'More noise for longer, more choice: different every time', values: { noise_start: 0.8, sharpness: 2, top_k: 10, temperature: 1, base_lead: false } },
  { name: 'Doubt first', help: 'Re-mask what the model is least sure of', values: { confidence_noise: true } },
  { name: 'Greedy', help: 'Always the likeliest token; the same answer every time', values: { top_k: 1 } },
];

const storeName = 'redraft-presets';

function saved(): Preset[] {
  const stored = readStored<unknown>(storeName, []);
  if (!Array.isArray(stored)) return [];
  return (stored as Preset[]).filter((preset) => typeof preset?.name === 'string' && typeof preset.values === 'object');
}

/** Presets that this server's options allow. */
export function presets(catalog: Catalog): Preset[] {
  const names = new Set(catalog.options.map((row) => row.name));
  const fits = (preset: Preset) => Object.keys(preset.values).every((name) => names.has(name));
  return [...builtin, ...saved().map((preset) => ({ ...preset, saved: true, help: 'Saved in this browser' }))].filter(fits);
}

export function savePreset(name: string, values: Values): void {
  writeStored(storeName, [...saved().filter((preset) => preset.name !== name), { name, help: '', values }]);
}

export function removePreset(name: string): void {
  writeStored(storeName, saved().filter((preset) => preset.name !== name));
}
