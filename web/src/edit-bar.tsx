// SPDX-License-Identifier: MIT
// The tools for a draft under the pen: mask, lock, free, retype, and the button that redrafts it.
import { useState } from 'preact/hooks';
import { count, extend, lockRest, maskBelow, type DraftEdit, type Mark } from './draft-edit.ts';
import { Segments } from './parts.tsx';

export type Tool = Mark | 'retype';
export const tools: readonly (readonly [Tool, string])[] = [['mask', 'Mask'], ['lock', 'Lock'], ['edit', 'Free'], ['retype', 'Retype']];

interface EditBarProps {
  readonly edit: DraftEdit;
  readonly tool: Tool;
  readonly position: number | null;
  readonly onTool: (tool: Tool) => void;
  readonly onEdit: (edit: DraftEdit) => void;
  readonly onRetype: (position: number, text: string) => void;
  readonly onRedraft: () => void;
  readonly onMend: () => void;
  readonly onClose: () => void;
}

export function EditBar({ edit, tool, position, onTool, onEdit, onRetype, onRedraft, onMend, onClose }: EditBarProps) {
  const [below, setBelow] = useState(0.5);
  const counts = count(edit);
  const piece = position === null ? '' : (edit.pieces[position] ?? '');
  const lead = /^\s*/.exec(piece)?.[0] ?? '';
  const hint: Record<Tool, string> = {
    mask: 'Press or drag over tokens to have them written anew; or walk with the arrow keys: M blanks, L locks, E frees, R retypes.',
    lock: 'Press or drag over tokens that must stay as they are.',
    edit: 'Press or drag over tokens that may change if the model prefers.',
    retype: 'Press a token, then write what should stand there.',
  };
  return (
    <div class="edit-bar" role="group" aria-label="Edit the draft">
      <div class="row">
        <Segments label="Tool" value={tool} options={tools} onChange={onTool} />
        <span class="counts">
          <b class="masked">{counts.mask}</b> masked, <b class="locked">{counts.lock}</b> locked, <b>{counts.edit}</b> free
        </span>
        <span class="spring" />
        <button type="button" class="quiet" onClick={onClose}>
          Cancel
        </button>
        <button type="button" disabled={counts.mask === 0} title="Look for the masked words from both sides; every other word stays" onClick={onMend}>
          Mend
        </button>
        <button type="button" class="primary" disabled={counts.mask + counts.edit === 0} onClick={onRedraft}>
          Redraft
        </button>
      </div>
      <div class="row second">
        {tool === 'retype' && position !== null ? (
          <form
            key={position}
            class="retype"
            onSubmit={(event) => {
              event.preventDefault();
              const field = event.currentTarget.elements.namedItem('text') as HTMLInputElement;
              if (field.value !== '') onRetype(position, lead + field.value);
            }}
          >
            <label>
              In place of “{piece.trim()}”
              <input
                name="text"
                class="retype-text"
                autocomplete="off"
                spellcheck={false}
                defaultValue={piece.trim()}
                ref={(field) => {
                  if (field && document.activeElement !== field && !field.dataset.met) {
                    field.dataset.met = 'yes';
                    field.focus();
                    field.select();
                  }
                }}
              />
            </label>
            <button type="submit">Put</button>
          </form>
        ) : (
          <span class="hint">{hint[tool]}</span>
        )}
        <span class="spring" />
        <label class="below">
          <button type="button" class="quiet" onClick={() => onEdit(maskBelow(edit, below))}>
            Mask below
          </button>
          <input
            type="number"
            aria-label="Probability below which to mask, in percent"
            min={0}
            max={100}
            step={5}
            value={Math.round(below * 100)}
            onInput={(event) => setBelow(Math.max(0, Math.min(100, Number(event.currentTarget.value))) / 100)}
          />
          %
        </label>
        <button type="button" class="quiet" onClick={() => onEdit(lockRest(edit))}>
          Lock the rest
        </button>
        <button type="button" class="quiet" onClick={() => onEdit(extend(edit, 8))} disabled={edit.end >= edit.ids.length}>
          Add room
        </button>
      </div>
    </div>
  );
}
