// SPDX-License-Identifier: MIT
// Small parts that every view uses: icons, buttons, a choice among a few.
import type { ComponentChildren } from 'preact';

const shapes = {
  play: 'M4 2.5v11l9-5.5z',
  pause: 'M4 3h3v10H4zM9 3h3v10H9z',
  first: 'M3 3h2v10H3zM13 3v10L6 8z',
  last: 'M11 3h2v10h-2zM3 3v10l7-5z',
  back: 'M11 3v10L4 8z',
  next: 'M5 3v10l7-5z',
  stop: 'M3.5 3.5h9v9h-9z',
  close: 'M4.2 3.2 8 7l3.8-3.8 1 1L9 8l3.8 3.8-1 1L8 9l-3.8 3.8-1-1L7 8 3.2 4.2z',
  settings: 'M2 4h6v1.6H2zM12 4h2v1.6h-2zM9 2.8h2v4H9zM2 10.4h2V12H2zM8 10.4h6V12H8zM5 9.2h2v4H5z',
} as const;

export const Icon = ({ name }: { name: keyof typeof shapes }) => (
  <svg class="icon" viewBox="0 0 16 16" aria-hidden="true" focusable="false">
    <path d={shapes[name]} />
  </svg>
);

interface IconButtonProps {
  icon: keyof typeof shapes;
  label: string;
  onClick: () => void;
  disabled?: boolean;
  keys?: string;
}

export const IconButton = ({ icon, label, onClick, disabled = false, keys }: IconButtonProps) => (
  <button type="button" class="icon-button" aria-label={label} title={keys ? `${label} (${keys})` : label} disabled={disabled} onClick={onClick}>
    <Icon name={icon} />
  </button>
);

interface SegmentsProps<T extends string> {
  label: string;
  value: T;
  options: readonly (readonly [T, string])[];
  onChange: (value: T) => void;
  showLabel?: boolean;
}

/** A row of radio buttons that looks like one switch. */
export function Segments<T extends string>({ label, value, options, onChange, showLabel = false }: SegmentsProps<T>) {
  const name = `seg-${label.replace(/\W+/g, '-')}`;
  return (
    <fieldset class="segments">
      <legend class={showLabel ? '' : 'hidden'}>{label}</legend>
      <div class="segment-row">
        {options.map(([option, words]) => (
          <label key={option} class={option === value ? 'on' : ''}>
            <input type="radio" class="hidden" name={name} value={option} checked={option === value} onChange={() => onChange(option)} />
            {words}
          </label>
        ))}
      </div>
    </fieldset>
  );
}

export const Switch = ({ label, on, onChange, children }: { label: string; on: boolean; onChange: (on: boolean) => void; children?: ComponentChildren }) => (
  <label class="switch">
    <input type="checkbox" role="switch" checked={on} onChange={(event) => onChange(event.currentTarget.checked)} />
    <span class="track" aria-hidden="true" />
    <span>
      {label}
      {children}
    </span>
  </label>
);
