// SPDX-License-Identifier: MIT
// The server's option rows, and the values a person chose for them. Only what differs from the
// defaults is kept, sent, and carried in a link; a value is checked against its row before it is used.

export type Kind = 'flag' | 'int' | 'uint64' | 'real' | 'text' | 'choice';

export interface OptionRow {
  readonly name: string; // snake_case, as it goes into the request
  readonly kind: Kind;
  readonly default: Value | null; // null: drawn or decided by the server
  readonly min: number | null;
  readonly max: number | null;
  readonly group: string;
  readonly help: string;
  readonly choices: readonly string[];
}
export interface SamplerRow {
  readonly name: string;
  readonly help: string;
  readonly options: readonly string[];
  /** Where this sampler starts from other values than the rows say. */
  readonly defaults: Values;
}
export interface Catalog {
  readonly options: readonly OptionRow[];
  readonly samplers: readonly SamplerRow[];
  /** The models that can be asked, and the one whose defaults these are; '' where the server does not say. */
  readonly models: readonly string[];
  readonly model: string;
  readonly about: string;
  readonly examples: readonly Example[];
}
export interface Example {
  readonly kind: string;
  readonly prompt: string;
}
export type Value = boolean | number | string;
export type Values = Readonly<Record<string, Value>>;

const kinds: readonly string[] = ['flag', 'int', 'uint64', 'real', 'text', 'choice'];
export const key = (name: string): string => name.replaceAll('-', '_');

/** Rows that the page has its own controls for. */
const own = new Set(['prompt', 'system', 'messages', 'draft', 'pause', 'watch', 'no_watch', 'trace', 'json', 'stream']);

export function readCatalog(json: unknown): Catalog {
  const source = json as Record<string, unknown>;
  const text = (value: unknown) => (typeof value === 'string' ? value : '');
  const list = (value: unknown) => (Array.isArray(value) ? (value as Record<string, unknown>[]) : []);
  const options: OptionRow[] = [];
  for (const item of Array.isArray(source.options) ? (source.options as Record<string, unknown>[]) : []) {
    const name = key(String(item.name ?? ''));
    const kind = String(item.kind);
    if (!name || own.has(name) || !kinds.includes(kind)) continue;
    const bound = (value: unknown) => (typeof value === 'number' && Number.isFinite(value) ? value : null);
    const given = item.default;
    options.push({
      name,
      kind: kind as Kind,
      default: typeof given === 'boolean' || typeof given === 'number' || typeof given === 'string' ? given : null,
      min: bound(item.min),
      max: bound(item.max),
      group: typeof item.group === 'string' ? item.group : '',
      help: typeof item.help === 'string' ? item.help : '',
      choices: Array.isArray(item.choices)
        ? item.choices.map((choice: unknown) => (typeof choice === 'string' ? choice : String((choice as { name?: unknown }).name)))
        : [],
    });
  }
  const samplers = (Array.isArray(source.samplers) ? (source.samplers as Record<string, unknown>[]) : []).map((item) => ({
    name: String(item.name ?? ''),
    help: typeof item.help === 'string' ? item.help : '',
    options: Array.isArray(item.options) ? item.options.map((name: unknown) => key(String(name))) : [],
    defaults: Object.fromEntries(Object.entries((item.defaults ?? {}) as Values).map(([name, value]) => [key(name), value])),
  }));
  // The samplers are a table of their own: the option's row need not repeat their names.
  const named = options.map((row) =>
    row.name === 'sampler' && row.choices.length === 0 ? { ...row, choices: samplers.map((sampler) => sampler.name) } : row,
  );
  return {
    options: named,
    samplers,
    models: list(source.models).map((item) => text(item.id)),
    model: text(source.model),
    about: text(source.about),
    examples: list(source.examples).map((item) => ({ kind: text(item.kind), prompt: text(item.prompt) })),
  };
}

export type Checked = { readonly value: Value; readonly error?: never } | { readonly error: string; readonly value?: never };

/** A value from the text a person typed (or a link carries). */
export function check(row: OptionRow, text: string): Checked {
  const range = row.min !== null && row.max !== null ? ` from ${row.min} to ${row.max}` : '';
  switch (row.kind) {
    case 'flag':
      return text === 'true' || text === 'false' ? { value: text === 'true' } : { error: `${row.name} is true or false` };
    case 'text':
      return { value: text };
    case 'choice':
      return row.choices.includes(text) ? { value: text } : { error: `${row.name} is one of ${row.choices.join(', ')}` };
    case 'uint64':
      return /^\d{1,20}$/.test(text.trim()) && BigInt(text.trim()) < 2n ** 64n
        ? { value: String(BigInt(text.trim())) }
        : { error: `${row.name} is a whole number from 0 to 2^64 - 1` };
    case 'int':
    case 'real': {
      const value = Number(text.trim());
      const whole = row.kind === 'real' || Number.isInteger(value);
      const inside = (row.min === null || value >= row.min) && (row.max === null || value <= row.max);
      return text.trim() !== '' && Number.isFinite(value) && whole && inside
        ? { value }
        : { error: `${row.name} is a ${row.kind === 'int' ? 'whole number' : 'number'}${range}` };
    }
  }
}

export const valueOf = (row: OptionRow, values: Values): Value | null => values[row.name] ?? row.default;

/** The values with one option set; a default leaves the record. */
export function withValue(values: Values, row: OptionRow, value: Value | null): Values {
  const { [row.name]: _dropped, ...rest } = values;
  return value === null || String(value) === String(row.default ?? '') ? rest : { ...rest, [row.name]: value };
}

/** The sampler whose rules the values follow. */
export const samplerOf = (catalog: Catalog, values: Values): SamplerRow | null => {
  const chosen = values.sampler ?? catalog.options.find((option) => option.name === 'sampler')?.default;
  return catalog.samplers.find((item) => item.name === chosen) ?? null;
};

/** The rows with the defaults of the chosen sampler. */
export function rowsFor(catalog: Catalog, values: Values): OptionRow[] {
  const defaults = samplerOf(catalog, values)?.defaults ?? {};
  return catalog.options.map((row) => ({ ...row, default: defaults[row.name] ?? row.default }));
}

/** The values that are not the defaults of the sampler they choose. */
export const changedFrom = (catalog: Catalog, values: Values): Values =>
  rowsFor(catalog, values).reduce((left, row) => withValue(left, row, values[row.name] ?? null), values);

/** Options that a flag, once set, leaves without meaning; the server refuses them beside it. */
const silenced: Readonly<Record<string, readonly string[]>> = {
  no_noise: ['noise_start', 'sharpness', 'confidence_noise', 'noise_clip', 'keep', 'likeliest'],
};

/** Whether an option means something to the chosen sampler, beside the other values. */
export function matters(catalog: Catalog, values: Values, row: OptionRow): boolean {
  if (Object.entries(silenced).some(([flag, names]) => values[flag] === true && names.includes(row.name))) return false;
  const sampler = samplerOf(catalog, values);
  const claimed = catalog.samplers.some((item) => item.options.includes(row.name));
  return !sampler || !claimed || sampler.options.includes(row.name);
}

/** `"name":value,...` for the request: what differs and matters; a 64-bit number keeps all its digits. */
export function jsonFields(catalog: Catalog, values: Values): string[] {
  return catalog.options.flatMap((row) => {
    const value = values[row.name];
    if (value === undefined || !matters(catalog, values, row)) return [];
    return [`${JSON.stringify(row.name)}:${row.kind === 'uint64' ? String(value) : JSON.stringify(value)}`];
  });
}
