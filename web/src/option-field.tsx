// SPDX-License-Identifier: MIT
// One option as a form field, made from its row: the control that fits its kind, range, help, reset.
import { useEffect, useState } from 'preact/hooks';
import { check, valueOf, type OptionRow, type Value, type Values } from './options.ts';

interface OptionFieldProps {
  readonly row: OptionRow;
  readonly values: Values;
  readonly unused: boolean; // by the chosen sampler, beside the other values
  readonly prefix: string; // of element ids
  readonly onChange: (value: Value | null) => void;
}

/** Names whose plain words say less than they should. */
const labels: Readonly<Record<string, string>> = {
  no_noise: 'Disable intermediate noising',
  iterations: 'Drafts at most',
  eos_bias: 'Shorter / longer answers',
  window: 'Room for question and answer',
};

/** Rows whose slider says more than their number: it runs the other way (longer answers are a lower
 *  logit of the end), or over the part of the range that a hand can point into. */
const sliders: Readonly<Record<string, { readonly turned?: boolean; readonly min?: number; readonly max?: number }>> = {
  eos_bias: { turned: true },
  window: { min: 16, max: 2048 },
};

/** "noise_start" as a label. */
export const title = (name: string): string => {
  if (labels[name]) return labels[name];
  const words = name.replaceAll('_', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
};

/** A slider helps where the range is one that a hand can point into. */
const sliding = (row: OptionRow): boolean => row.min !== null && row.max !== null && (row.max - row.min <= 10_000 || row.name in sliders);
const stepOf = (row: OptionRow): number => (row.kind === 'int' ? 1 : row.max !== null && row.min !== null && row.max - row.min <= 1 ? 0.01 : 0.1);

export function OptionField({ row, values, unused, prefix, onChange }: OptionFieldProps) {
  const id = `${prefix}-${row.name}`;
  const bounds = sliders[row.name] ?? {};
  const turned = bounds.turned === true;
  const value = valueOf(row, values);
  const changed = values[row.name] !== undefined;
  const shown = value === null ? '' : String(value);
  const [text, setText] = useState(shown);
  const [error, setError] = useState('');
  useEffect(() => {
    setText(shown);
    setError('');
  }, [shown]);
  const take = (typed: string) => {
    setText(typed);
    if (typed.trim() === '' && row.kind !== 'text') {
      setError('');
      onChange(null);
      return;
    }
    const checked = check(row, typed);
    setError(checked.error ?? '');
    if (checked.error === undefined) onChange(checked.value);
  };
  const described = `${id}-help`;
  const range = row.min !== null && row.max !== null ? `${row.min} to ${row.max}` : '';
  const normal = row.default === null || row.default === '' ? '' : `default ${String(row.default)}`;
  const common = { id, 'aria-describedby': described, 'aria-invalid': error !== '' };
  return (
    <div class={`option ${changed ? 'changed' : ''} ${unused ? 'unused' : ''}`}>
      <div class="head">
        {row.kind === 'flag' ? (
          <label class="switch">
            <input {...common} type="checkbox" role="switch" checked={value === true} onChange={(event) => onChange(event.currentTarget.checked)} />
            <span class="track" aria-hidden="true" />
            {title(row.name)}
          </label>
        ) : (
          <label for={id}>{title(row.name)}</label>
        )}
        {changed && (
          <button type="button" class="reset" aria-label={`Reset ${title(row.name)}`} onClick={() => onChange(null)}>
            reset
          </button>
        )}
        {row.kind !== 'flag' && row.kind !== 'choice' && row.kind !== 'text' && (
          <input
            {...common}
            type="text"
            inputMode={row.kind === 'real' ? 'decimal' : 'numeric'}
            class="number"
            value={text}
            placeholder="drawn"
            onInput={(event) => take(event.currentTarget.value)}
          />
        )}
        {row.kind === 'choice' && (
          <select {...common} value={shown} onChange={(event) => take(event.currentTarget.value)}>
            {value === null && <option value="">default</option>}
            {row.choices.map((choice) => (
              <option key={choice} value={choice}>
                {choice}
              </option>
            ))}
          </select>
        )}
      </div>
      {(row.kind === 'int' || row.kind === 'real') && sliding(row) && (
        <input
          type="range"
          aria-label={`${title(row.name)}, slider`}
          min={turned ? -(row.max ?? 0) : (bounds.min ?? row.min ?? 0)}
          max={turned ? -(row.min ?? 0) : Math.min(bounds.max ?? Infinity, row.max ?? 0)}
          step={stepOf(row)}
          value={value === null ? (row.min ?? 0) : turned ? -Number(value) : Number(value)}
          aria-valuetext={turned ? (Number(value) < 0 ? `longer by ${-Number(value)}` : Number(value) > 0 ? `shorter by ${Number(value)}` : 'as the model likes') : undefined}
          onInput={(event) => take(turned ? String(-Number(event.currentTarget.value) || 0) : event.currentTarget.value)}
        />
      )}
      {row.kind === 'text' && <input {...common} type="text" value={text} onInput={(event) => take(event.currentTarget.value)} />}
      <p class="help" id={described}>
        {error ? <strong class="error">{error}</strong> : row.help}
        {!error && (range || normal) && <small>{[range, normal].filter(Boolean).join(', ')}</small>}
        {!error && unused && <small>not used with these settings</small>}
      </p>
    </div>
  );
}
