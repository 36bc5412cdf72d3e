// SPDX-License-Identifier: MIT
// The keys, in a dialog of the browser's own.
import { useLayoutEffect, useRef } from 'preact/hooks';
import { IconButton } from './parts.tsx';

const keys: readonly (readonly [string, string])[] = [
  ['/', 'Write a question'],
  ['Enter', 'Ask (Shift+Enter for a new line)'],
  ['Esc', 'Stop the run'],
  ['Space', 'Play or pause the timeline'],
  ['Left, Right', 'One step back or forward'],
  ['Home, End', 'To the starting noise, to the end'],
  ['D', 'Into the draft: arrow keys walk its tokens'],
  ['M, L, E, R', 'While editing, on a token: blank, lock, free, retype it'],
  ['V', 'Colour by changes or by confidence'],
  ['S', 'Settings'],
  ['?', 'These keys'],
];

export function Help({ open, onClose }: { open: boolean; onClose: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useLayoutEffect(() => {
    if (open && !dialog.current?.open) dialog.current?.showModal();
    if (!open) dialog.current?.close();
  }, [open]);
  return (
    <dialog ref={dialog} class="help-dialog" aria-label="Keys" onClose={onClose}>
      <header>
        <h2>Keys</h2>
        <IconButton icon="close" label="Close" onClick={onClose} />
      </header>
      <dl>
        {keys.map(([key, what]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
    </dialog>
  );
}
