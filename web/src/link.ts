// SPDX-License-Identifier: MIT
// A link that carries the settings: #iterations=32&no_noise=true, the second column of a comparison
// under b., and the page's own choices. What a link says is checked like what a person types.
import { changedFrom, check, type Catalog, type Values } from './options.ts';

export interface Linked {
  readonly prompt: string;
  readonly system: string;
  readonly a: Values;
  readonly b: Values;
  readonly compare: boolean;
  readonly pause: number | null;
  /** An answer that the link carries, packed (share.ts); '' for none. */
  readonly answer: string;
  readonly problems: readonly string[];
}

export function writeLink(state: Omit<Linked, 'problems' | 'answer'>): string {
  const out = new URLSearchParams();
  if (state.prompt) out.set('prompt', state.prompt);
  if (state.system) out.set('system', state.system);
  if (state.compare) out.set('compare', 'true');
  if (state.pause !== null) out.set('pause', String(state.pause));
  for (const [name, value] of Object.entries(state.a)) out.set(name, String(value));
  if (state.compare) for (const [name, value] of Object.entries(state.b)) out.set(`b.${name}`, String(value));
  return out.toString();
}

export function readLink(fragment: string, catalog: Catalog): Linked {
  const a: Record<string, Values[string]> = {};
  const b: Record<string, Values[string]> = {};
  const problems: string[] = [];
  const params = new URLSearchParams(fragment.replace(/^#/, ''));
  const own = new Set(['prompt', 'system', 'compare', 'pause', 'answer']);
  for (const [name, text] of params) {
    if (own.has(name)) continue;
    const second = name.startsWith('b.');
    const row = catalog.options.find((option) => option.name === (second ? name.slice(2) : name));
    if (!row) {
      problems.push(`the link names an option this server does not have: ${name}`);
      continue;
    }
    const checked = check(row, text);
    if (checked.error !== undefined) problems.push(`the link: ${checked.error}, not ${text}`);
    else (second ? b : a)[row.name] = checked.value;
  }
  const pause = Number(params.get('pause') ?? NaN);
  return {
    prompt: params.get('prompt') ?? '',
    system: params.get('system') ?? '',
    a: changedFrom(catalog, a),
    b: changedFrom(catalog, b),
    compare: params.get('compare') === 'true',
    pause: pause >= 0 && pause <= 5 ? pause : null,
    answer: params.get('answer') ?? '',
    problems,
  };
}
