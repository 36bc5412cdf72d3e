// SPDX-License-Identifier: MIT
// Where one asks: the question, the system prompt behind a fold, and the switches of a conversation.
import { useEffect, useRef } from 'preact/hooks';
import { Icon, Switch } from './parts.tsx';

export interface Draft {
  readonly prompt: string;
  readonly system: string;
}

interface ComposerProps {
  readonly value: Draft;
  readonly example: string; // what an empty question asks
  readonly busy: boolean;
  readonly compare: boolean;
  readonly threads: boolean;
  readonly turns: number;
  readonly onChange: (value: Draft) => void;
  readonly onAsk: () => void;
  readonly onStop: () => void;
  readonly onCompare: (on: boolean) => void;
  readonly onThreads: (on: boolean) => void;
  readonly onLoad: (file: File) => void;
  readonly onClear: () => void;
}

export function Composer(props: ComposerProps) {
  const { value, busy, compare, threads, turns, onChange, onAsk, onStop } = props;
  const field = useRef<HTMLTextAreaElement>(null);
  useEffect(() => {
    const area = field.current;
    if (!area) return;
    area.style.height = 'auto';
    area.style.height = `${Math.min(area.scrollHeight + 2, 200)}px`;
  }, [value.prompt]);
  return (
    <form
      class="composer"
      aria-label="Ask"
      onSubmit={(event) => {
        event.preventDefault();
        if (!busy) onAsk();
      }}
    >
      <details class="system">
        <summary>System prompt{value.system.trim() ? ' (set)' : ''}</summary>
        <textarea
          dir="auto"
          aria-label="System prompt"
          rows={2}
          value={value.system}
          placeholder="How the model should behave, if you want to tell it"
          onInput={(event) => onChange({ ...value, system: event.currentTarget.value })}
        />
      </details>
      <div class="ask">
        <textarea
          ref={field}
          dir="auto"
          id="prompt"
          aria-label="Question"
          aria-keyshortcuts="/"
          rows={1}
          value={value.prompt}
          placeholder={props.example || 'Ask, and watch the answer settle'}
          onInput={(event) => onChange({ ...value, prompt: event.currentTarget.value })}
          onKeyDown={(event) => {
            if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
            event.preventDefault();
            if (!busy) onAsk();
          }}
        />
        {busy ? (
          <button key="stop" type="button" class="stop" onClick={onStop} title="Stop (Esc)">
            <Icon name="stop" /> Stop
          </button>
        ) : (
          <button key="ask" type="submit" class="primary" disabled={value.prompt.trim() === '' && props.example === ''}>
            Ask
          </button>
        )}
      </div>
      <div class="row">
        <Switch label="Compare two settings" on={compare} onChange={props.onCompare} />
        <Switch label="Remember earlier turns" on={threads} onChange={props.onThreads} />
        <span class="spring" />
        <label class="file quiet-button">
          Load trace
          <input
            type="file"
            class="hidden"
            accept=".jsonl,.json,application/jsonl"
            onChange={(event) => {
              const file = event.currentTarget.files?.[0];
              if (file) props.onLoad(file);
              event.currentTarget.value = '';
            }}
          />
        </label>
        <button type="button" class="quiet" disabled={busy || turns === 0} onClick={props.onClear}>
          Start over
        </button>
      </div>
    </form>
  );
}
