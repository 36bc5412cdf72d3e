// SPDX-License-Identifier: MIT
// The conversations of this browser in a dialog: open, rename, delete, and all of them as a file.
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { download } from './export.ts';
import { dropKept, listKept, readable, renameKept, type Kept } from './kept.ts';
import { IconButton } from './parts.tsx';

interface KeptListProps {
  readonly open: boolean;
  readonly onClose: () => void;
  readonly onOpen: (id: string) => void;
  readonly onDelete: (id: string) => void;
}

export function KeptList({ open, onClose, onOpen, onDelete }: KeptListProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [list, setList] = useState<readonly Kept[]>([]);
  const refresh = async () => setList(await listKept());
  useEffect(() => {
    if (open) void refresh();
  }, [open]);
  useLayoutEffect(() => {
    if (open && !dialog.current?.open) dialog.current?.showModal();
    if (!open) dialog.current?.close();
  }, [open]);
  return (
    <dialog ref={dialog} class="help-dialog kept" aria-label="Conversations" onClose={onClose}>
      <header>
        <h2>Conversations</h2>
        <IconButton icon="close" label="Close" onClick={onClose} />
      </header>
      {list.length === 0 && <p class="help">Nothing is kept yet. What you ask stays in this browser, and is found here.</p>}
      <ul>
        {list.map((kept) => (
          <li key={kept.id}>
            <input
              type="text"
              aria-label={`Name of ${kept.name}`}
              value={kept.name}
              onChange={async (event) => {
                await renameKept(kept.id, event.currentTarget.value.trim() || kept.name);
                await refresh();
              }}
            />
            <button type="button" onClick={() => (onOpen(kept.id), onClose())} aria-label={`Open ${kept.name}`}>
              Open
            </button>
            <button
              type="button"
              class="quiet"
              aria-label={`Delete ${kept.name}`}
              onClick={async () => {
                await dropKept(kept.id);
                onDelete(kept.id);
                await refresh();
              }}
            >
              Delete
            </button>
          </li>
        ))}
      </ul>
      <div class="row">
        <button type="button" disabled={list.length === 0} onClick={() => download('redraft-conversations.md', 'text/markdown', readable(list))}>
          Export all
        </button>
      </div>
    </dialog>
  );
}
