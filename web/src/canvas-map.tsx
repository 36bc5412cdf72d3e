// SPDX-License-Identifier: MIT
// The whole canvas as a strip of cells, one a position, in place from the first noise to the end:
// where the masks fall, where tokens change, where the answer ends.
import type { Frame } from './events.ts';
import type { DraftEdit } from './draft-edit.ts';
import type { Prefs } from './prefs.ts';

interface CanvasMapProps {
  readonly frame: Frame | null;
  readonly edit: DraftEdit | null;
  readonly length: number;
  readonly prefs: Prefs;
  readonly active: number | null;
  readonly onHover: (position: number | null) => void;
}

const frameState = (frame: Frame, p: number): string =>
  p >= frame.ids.length ? 'void' : frame.masked.has(p) ? 'masked' : frame.changed.has(p) ? 'new' : p >= frame.end ? 'pad' : 'calm';
const editState = (edit: DraftEdit, p: number): string => {
  const mark = edit.marks[p] ?? 'void';
  return mark !== 'edit' ? mark : p >= edit.end ? 'pad' : 'calm';
};

export function CanvasMap({ frame, edit, length, prefs, active, onHover }: CanvasMapProps) {
  const cells = [];
  for (let p = 0; p < length; p++) {
    const state = edit ? editState(edit, p) : frame ? frameState(frame, p) : 'void';
    const shaded = prefs.colours === 'confidence' && (state === 'new' || state === 'calm');
    cells.push(
      <i
        key={p}
        data-p={p}
        class={`${shaded ? 'shaded' : state}${p === active ? ' active' : ''}`}
        style={{ '--sure': (frame?.confidence[p] ?? 0).toFixed(2) }}
      />,
    );
  }
  return (
    <div
      class="canvas-map"
      aria-hidden="true"
      onPointerOver={(event) => {
        const at = (event.target as HTMLElement).dataset.p;
        onHover(at === undefined ? null : Number(at));
      }}
      onPointerLeave={() => onHover(null)}
    >
      {cells}
    </div>
  );
}
