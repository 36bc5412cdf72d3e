// SPDX-License-Identifier: MIT
// The settings: presets, the three that matter most, and the whole form built from the server's rows.
import { useState } from 'preact/hooks';
import { OptionField } from './option-field.tsx';
import { matters, rowsFor, samplerOf, withValue, type Catalog, type OptionRow, type Values } from './options.ts';
import { IconButton, Segments } from './parts.tsx';
import { presets, removePreset, savePreset } from './presets.ts';
import { choices, type Prefs } from './prefs.ts';

interface SettingsProps {
  readonly catalog: Catalog;
  readonly compare: boolean;
  readonly values: readonly [Values, Values];
  readonly prefs: Prefs;
  readonly open: boolean;
  readonly onValues: (slot: 0 | 1, values: Values) => void;
  readonly onPrefs: (prefs: Prefs) => void;
  readonly onCopyLink: () => void;
  readonly onClose: () => void;
}

const simple = ['iterations', 'no_noise', 'eos_bias', 'window'];

export function Settings({ catalog, compare, values, prefs, open, onValues, onPrefs, onCopyLink, onClose }: SettingsProps) {
  const [column, setColumn] = useState<0 | 1>(0);
  const [name, setName] = useState('');
  const [, refresh] = useState(0);
  const slot = compare ? column : 0;
  const mine = values[slot];
  const change = (next: Values) => onValues(slot, next);
  const all = presets(catalog);
  const same = (other: Values) => JSON.stringify(Object.entries(other).sort()) === JSON.stringify(Object.entries(mine).sort());
  const current = all.find((preset) => same(preset.values));
  const rows = rowsFor(catalog, mine);
  const groups = [...new Set(rows.map((row) => row.group))];
  const field = (row: OptionRow, prefix: string) => (
    <OptionField
      key={row.name}
      row={row}
      values={mine}
      unused={!matters(catalog, mine, row)}
      prefix={`${prefix}${slot}`}
      onChange={(value) => change(withValue(mine, row, value))}
    />
  );
  const changes = Object.keys(mine).length;
  return (
    <aside class={`settings ${open ? 'open' : ''}`} id="settings" aria-label="Settings">
      <header>
        <h2>Settings</h2>
        <IconButton icon="close" label="Close settings" onClick={onClose} />
      </header>
      {compare && (
        <div class="columns">
          <Segments label="Settings of run" value={slot === 0 ? 'A' : 'B'} options={[['A', 'Run A'], ['B', 'Run B']]} onChange={(run) => setColumn(run === 'A' ? 0 : 1)} />
          <button type="button" class="quiet" onClick={() => change(values[slot === 0 ? 1 : 0])}>
            Copy from {slot === 0 ? 'B' : 'A'}
          </button>
        </div>
      )}
      <div class="option">
        <div class="head">
          <label for="preset">Preset</label>
          <select
            id="preset"
            value={current?.name ?? ''}
            onChange={(event) => {
              const preset = all.find((item) => item.name === event.currentTarget.value);
              if (preset) change(preset.values);
            }}
          >
            {!current && <option value="">Your own</option>}
            {all.map((preset) => (
              <option key={preset.name} value={preset.name}>
                {preset.name}
              </option>
            ))}
          </select>
        </div>
        <p class="help">{current?.help ?? `${changes} changed from the defaults`}</p>
      </div>
      {simple.flatMap((wanted) => rows.filter((row) => row.name === wanted)).map((row) => field(row, 'simple'))}
      <div class="option">
        <div class="head">
          <label for="pause">Pause between steps</label>
          <output>{prefs.pause.toFixed(2)} s</output>
        </div>
        <input
          id="pause"
          type="range"
          min={0}
          max={5}
          step={0.05}
          value={prefs.pause}
          onInput={(event) => onPrefs({ ...prefs, pause: Number(event.currentTarget.value), paced: true })}
        />
        <p class="help">
          Every noise and every draft waits this long, for your eyes; the model works at its own speed, and the seconds shown are its own. Until you
          move this, long runs are shown faster.
        </p>
      </div>
      <details class="all">
        <summary>All settings</summary>
        <p class="help sampler-help">{samplerOf(catalog, mine)?.help}</p>
        {groups.map((group) => (
          <fieldset key={group}>
            <legend>{group || 'Other'}</legend>
            {rows.filter((row) => row.group === group).map((row) => field(row, 'all'))}
          </fieldset>
        ))}
      </details>
      <div class="row">
        <button type="button" onClick={() => change({})} disabled={changes === 0}>
          Reset all
        </button>
        <button type="button" onClick={onCopyLink}>
          Copy link
        </button>
      </div>
      <form
        class="row"
        onSubmit={(event) => {
          event.preventDefault();
          if (name.trim()) savePreset(name.trim(), mine);
          setName('');
        }}
      >
        <input type="text" aria-label="Name of the preset" placeholder="Save as a preset" value={name} onInput={(event) => setName(event.currentTarget.value)} />
        <button type="submit" disabled={name.trim() === ''}>
          Save
        </button>
        {current?.saved && (
          <button
            type="button"
            class="quiet"
            onClick={() => {
              removePreset(current.name);
              refresh((n) => n + 1);
            }}
          >
            Delete “{current.name}”
          </button>
        )}
      </form>
      <fieldset class="look">
        <legend>Look</legend>
        <Segments label="Theme" showLabel value={prefs.theme} options={choices.theme} onChange={(theme) => onPrefs({ ...prefs, theme })} />
        <Segments label="Size" showLabel value={prefs.size} options={choices.size} onChange={(size) => onPrefs({ ...prefs, size })} />
        <Segments label="Masked and new" showLabel value={prefs.palette} options={choices.palette} onChange={(palette) => onPrefs({ ...prefs, palette })} />
      </fieldset>
    </aside>
  );
}
