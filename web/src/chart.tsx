// SPDX-License-Identifier: MIT
// The run as three lines over its iterations: positions masked, tokens changed, mean confidence.
// Plain SVG stretched to its box, so it needs no measuring; a press on it goes to that iteration.
import type { Player } from './player.ts';
import { percent } from './format.ts';
import type { IterationStats } from './stats.ts';

interface ChartProps {
  readonly rows: readonly IterationStats[];
  readonly iterations: number; // shown in full width
  readonly player: Player;
}

type Point = readonly [number, number];

const path = (points: readonly Point[]): string => points.map(([x, y], i) => `${i === 0 ? 'M' : 'L'}${x.toFixed(2)} ${y.toFixed(2)}`).join('');

export function Chart({ rows, iterations, player }: ChartProps) {
  const span = Math.max(1, iterations);
  const most = Math.max(4, ...rows.map((row) => Math.max(row.masked ?? 0, row.changed ?? 0)));
  const x = (iteration: number) => (iteration / span) * 100;
  const points = (value: (row: IterationStats) => number | null, top: number): Point[] =>
    rows.flatMap((row) => {
      const v = value(row);
      return v === null ? [] : [[x(row.iteration), 100 - (v / top) * 100] as const];
    });
  const now = rows.reduce<IterationStats | null>((found, row) => (row.frame <= player.at ? row : found), null);
  const series = [
    { name: 'masked', label: 'Masked', points: points((row) => row.masked, most), value: now?.masked, text: String(now?.masked ?? '–') },
    { name: 'changed', label: 'Changed', points: points((row) => row.changed, most), value: now?.changed, text: String(now?.changed ?? '–') },
    {
      name: 'sure',
      label: 'Confidence',
      points: points((row) => row.confidence, 1),
      value: now?.confidence,
      text: typeof now?.confidence === 'number' ? percent(now.confidence) : '–',
    },
  ] as const;
  const go = (event: PointerEvent & { currentTarget: HTMLElement }) => {
    if (rows.length === 0 || (event.type === 'pointermove' && event.buttons !== 1)) return;
    const rect = event.currentTarget.getBoundingClientRect();
    const iteration = ((event.clientX - rect.left) / rect.width) * span;
    const nearest = rows.reduce((best, row) => (Math.abs(row.iteration - iteration) < Math.abs(best.iteration - iteration) ? row : best));
    player.seek(nearest.frame);
  };
  return (
    <figure class="chart" aria-label="Masked, changed and mean confidence over the iterations">
      <figcaption>
        {series.map((line) => (
          <span key={line.name} class={`key ${line.name}`}>
            {line.label} <b>{line.text}</b>
          </span>
        ))}
      </figcaption>
      <div class="axis left" aria-hidden="true">
        <span>{most}</span>
        <span>0</span>
      </div>
      <div class="plot" onPointerDown={go} onPointerMove={go}>
        <svg viewBox="0 0 100 100" preserveAspectRatio="none" aria-hidden="true" focusable="false">
          <path class="rule" d="M0 50H100M0 100H100M0 0H100" />
          {series.map((line) => (
            <path key={line.name} class={`line ${line.name}`} d={path(line.points)} />
          ))}
        </svg>
        {now && <div class="cursor" style={{ left: `${x(now.iteration)}%` }} />}
        {now &&
          series.map((line) =>
            typeof line.value === 'number' ? (
              <div
                key={line.name}
                class={`dot ${line.name}`}
                style={{ left: `${x(now.iteration)}%`, top: `${100 - (line.value / (line.name === 'sure' ? 1 : most)) * 100}%` }}
              />
            ) : null,
          )}
      </div>
      <div class="axis right" aria-hidden="true">
        <span>100%</span>
        <span>0%</span>
      </div>
      <div class="axis below" aria-hidden="true">
        <span>0</span>
        <span>iteration</span>
        <span>{span}</span>
      </div>
    </figure>
  );
}
