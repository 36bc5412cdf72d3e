// SPDX-License-Identifier: MIT
// The page on a server: the conversation in the middle, the settings beside it, the question below.
import { useEffect, useRef, useState } from 'preact/hooks';
import { apiKey, ApiError, getCatalog, getModel } from './client.ts';
import { Composer, type Draft } from './composer.tsx';
import { useAnnouncement, useConversation } from './conversation.ts';
import { loadTrace } from './export.ts';
import { FoldedTurn } from './folded-turn.tsx';
import { Help } from './help.tsx';
import { examplesOf, Intro } from './intro.tsx';
import { listKept, newId, putKept, revive, type Place } from './kept.ts';
import { KeptList } from './kept-list.tsx';
import { readLink, writeLink } from './link.ts';
import { OpenTurn } from './open-turn.tsx';
import type { Catalog, Values } from './options.ts';
import { Icon, IconButton } from './parts.tsx';
import { applyPrefs, loadPrefs } from './prefs.ts';
import { Settings } from './settings.tsx';
import { unpackAnswer } from './share.ts';
import { readStored, readTab, writeStored, writeTab } from './stored.ts';
import { served, type Turn } from './turns.ts';

export function App() {
  const [catalog, setCatalog] = useState<Catalog | null>(null);
  const [model, setModel] = useState('');
  const [problem, setProblem] = useState('');
  const [notice, setNotice] = useState('');
  const [keyNeeded, setKeyNeeded] = useState(false);
  const [prefs, setPrefs] = useState(loadPrefs);
  const [draft, setDraft] = useState<Draft>({ prompt: '', system: '' });
  const [values, setValues] = useState<readonly [Values, Values]>([{}, {}]);
  const [compare, setCompare] = useState(false);
  const [settingsOpen, setSettingsOpen] = useState(() => readStored('redraft-settings', false) && matchMedia('(min-width: 1100px)').matches);
  const [helpOpen, setHelpOpen] = useState(false);
  const [opened, setOpened] = useState<number | null>(null);
  const [opening, setOpening] = useState('');
  const talk = useConversation(catalog, () => setKeyNeeded(true));
  const said = useAnnouncement(talk.turns);

  const showShared = async (packed: string) => {
    try {
      const turn = await unpackAnswer(packed, talk.nextId());
      setOpened(null);
      talk.add(turn);
    } catch (error) {
      setProblem(`The link's answer cannot be read: ${(error as Error).message}`);
    }
  };
  const asked = useRef(''); // the model that was chosen
  const connect = async (wanted = '') => {
    asked.current = wanted;
    try {
      const [rows, name] = await Promise.all([getCatalog(wanted), getModel()]);
      setModel(rows.model || name);
      setKeyNeeded(false);
      setProblem('');
      const linked = readLink(location.hash, rows);
      setValues([linked.a, linked.b]);
      setCompare(linked.compare);
      setDraft({ prompt: linked.prompt, system: linked.system });
      if (linked.pause !== null) setPrefs((old) => ({ ...old, pause: linked.pause ?? old.pause }));
      if (linked.problems.length > 0) setProblem(linked.problems.join('; '));
      setCatalog(rows);
      if (linked.answer) await showShared(linked.answer);
      // The first visit shows what the page is for, before anybody has to do something.
      const [first] = examplesOf(rows);
      if (first && !linked.prompt && location.hash === '' && !readStored('redraft-visited', false)) setOpening(first.prompt);
      writeStored('redraft-visited', true);
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) setKeyNeeded(true);
      setProblem((error as Error).message);
    }
  };
  useEffect(() => {
    void connect();
    // A link opened in this very tab changes no more than the fragment.
    const changed = () => void connect(asked.current);
    window.addEventListener('hashchange', changed);
    return () => window.removeEventListener('hashchange', changed);
  }, []);
  useEffect(() => {
    if (!opening || !catalog) return;
    setOpening('');
    askWith(opening, values[0]);
  }, [opening, catalog]);
  // What was asked survives a reload: kept when a run is over, found again where the tab was.
  const [keptOpen, setKeptOpen] = useState(false);
  const kept = useRef<Place>({ id: '', changed: 0 });
  const restored = useRef<readonly Turn[]>([]);
  const settle = (place: Place) => {
    kept.current = place;
    writeTab('redraft-conversation', place.id);
  };
  const startOver = () => {
    settle({ id: '', changed: 0 });
    talk.clear();
  };
  const recall = async (id: string) => {
    const found = id && (await listKept()).find((item) => item.id === id);
    if (!found) return;
    settle({ id, changed: found.changed });
    restored.current = revive(found);
    setOpened(null);
    talk.restore(restored.current);
  };
  useEffect(() => void recall(readTab('redraft-conversation')), []);
  useEffect(() => {
    const last = talk.turns[talk.turns.length - 1];
    if (!last || talk.turns === restored.current) return;
    if (talk.busy && last.slots.some((slot) => slot.run.frames.length > 0)) return; // once when it is asked, and once when all is there
    const place = kept.current;
    place.id ||= newId();
    settle(place);
    void putKept(place, talk.turns).then(() => kept.current === place && settle(place));
  }, [talk.busy, talk.turns]);
  useEffect(() => writeStored('redraft-settings', settingsOpen), [settingsOpen]);
  useEffect(() => applyPrefs(prefs), [prefs]);

  const fragment = writeLink({ prompt: draft.prompt, system: draft.system, a: values[0], b: values[1], compare, pause: null });
  useEffect(() => {
    if (catalog) history.replaceState(null, '', fragment ? `#${fragment}` : location.pathname + location.search);
  }, [fragment, catalog]);

  const askWith = (prompt: string, first: Values) => {
    if (!catalog || talk.busy || prompt.trim() === '') return;
    setOpened(null);
    setProblem('');
    talk.ask(prompt.trim(), draft.system, prefs.threads, compare ? oneSeed([first, values[1]]) : [first]);
    setDraft({ ...draft, prompt: '' });
  };
  const load = async (file: File) => {
    try {
      const turn = await loadTrace(file, talk.nextId());
      setProblem('');
      setOpened(null);
      talk.add(turn);
    } catch (error) {
      setProblem((error as Error).message);
    }
  };
  const copyLink = async () => {
    const link = writeLink({ prompt: draft.prompt, system: draft.system, a: values[0], b: values[1], compare, pause: prefs.pause });
    const url = `${location.origin}${location.pathname}#${link}`;
    try {
      await navigator.clipboard.writeText(url);
      setNotice('Link copied');
      setTimeout(() => setNotice((now) => (now === url ? url : '')), 4000);
    } catch {
      setNotice(url); // until it is copied by hand, and dismissed
    }
  };

  useEffect(() => {
    const keyDown = (event: KeyboardEvent) => {
      const target = event.target as HTMLElement;
      if (event.key === 'Escape' && talk.busy && !target.closest('dialog')) return talk.stop();
      if (event.ctrlKey || event.metaKey || event.altKey || target.closest('input:not([type=checkbox]):not([type=radio]):not([type=range]), textarea, select, dialog')) return;
      const actions: Record<string, () => void> = {
        '/': () => document.getElementById('prompt')?.focus(),
        '?': () => setHelpOpen(true),
        s: () => setSettingsOpen((open) => !open),
        v: () => setPrefs((old) => ({ ...old, colours: old.colours === 'changes' ? 'confidence' : 'changes' })),
        d: () => document.querySelector<HTMLElement>('.draft')?.focus(),
      };
      const action = actions[event.key];
      if (!action) return;
      event.preventDefault();
      action();
    };
    window.addEventListener('keydown', keyDown);
    return () => window.removeEventListener('keydown', keyDown);
  });

  const last = talk.turns[talk.turns.length - 1];
  const openId = opened ?? last?.id ?? null;
  return (
    <div
      class={`page ${settingsOpen ? 'with-settings' : ''}`}
      onDragOver={(event) => event.preventDefault()}
      onDrop={(event) => {
        event.preventDefault();
        const file = event.dataTransfer?.files[0];
        if (file) void load(file);
      }}
    >
      <a class="skip" href="#prompt" onClick={(event) => (event.preventDefault(), document.getElementById('prompt')?.focus())}>
        To the question
      </a>
      <header class="top">
        <h1 class="mark">redraft</h1>
        {catalog && catalog.models.length > 1 ? (
          <select class="model" aria-label="Model" value={catalog.model} onChange={(event) => void connect(event.currentTarget.value)}>
            {catalog.models.map((name) => (
              <option key={name} value={name}>
                {name}
              </option>
            ))}
          </select>
        ) : (
          <span class="model">{model}</span>
        )}
        <span class="spring" />
        <button type="button" class="quiet" onClick={() => setKeptOpen(true)}>
          Conversations
        </button>
        <button type="button" class="quiet" onClick={() => setHelpOpen(true)} aria-keyshortcuts="?">
          Keys
        </button>
        <button type="button" class="quiet" aria-expanded={settingsOpen} aria-controls="settings" aria-keyshortcuts="s" onClick={() => setSettingsOpen(!settingsOpen)}>
          <Icon name="settings" /> Settings
        </button>
      </header>
      <main class="flow">
        {(problem || notice) && (
          <p class={problem ? 'problem' : 'notice'} role={problem ? 'alert' : 'status'}>
            {problem || notice}
            <IconButton icon="close" label="Dismiss" onClick={() => (problem ? setProblem('') : setNotice(''))} />
          </p>
        )}
        {keyNeeded && (
          <form
            class="key-form"
            onSubmit={(event) => {
              event.preventDefault();
              apiKey.set((event.currentTarget.elements.namedItem('key') as HTMLInputElement).value.trim());
              void connect();
            }}
          >
            <label>
              This server asks for its API key <input type="password" name="key" autocomplete="off" required />
            </label>
            <button type="submit">Use it</button>
          </form>
        )}
        {talk.turns.length === 0 && <Intro catalog={catalog} onExample={(prompt) => askWith(prompt, values[0])} />}
        {talk.turns.map((turn) =>
          turn.id === openId ? (
            <OpenTurn
              key={turn.id}
              turn={turn}
              prefs={prefs}
              onPrefs={setPrefs}
              onProblem={setProblem}
              actions={{
                served: served(catalog, turn),
                onRetry: () => (setOpened(null), talk.retry(turn)),
                onRedraft: (slot, edit, sampler) => (setOpened(null), talk.redraft(turn, slot, edit, sampler)),
                onEdit: () => {
                  setDraft({ ...draft, prompt: turn.question });
                  document.getElementById('prompt')?.focus();
                },
                onClose: turn.id !== last?.id ? () => setOpened(null) : null,
              }}
            />
          ) : (
            <FoldedTurn key={turn.id} turn={turn} onOpen={() => setOpened(turn.id)} />
          ),
        )}
        <p class="hidden" role="status" aria-live="polite">
          {said}
        </p>
      </main>
      <Composer
        value={draft}
        example={examplesOf(catalog)[talk.turns.length % examplesOf(catalog).length]?.prompt ?? ''}
        busy={talk.busy}
        compare={compare}
        threads={prefs.threads}
        turns={talk.turns.length}
        onChange={setDraft}
        onAsk={() => askWith(draft.prompt.trim() === '' ? (examplesOf(catalog)[talk.turns.length % examplesOf(catalog).length]?.prompt ?? '') : draft.prompt, values[0])}
        onStop={talk.stop}
        onCompare={(on) => {
          setCompare(on);
          if (on && Object.keys(values[1]).length === 0) setValues([values[0], secondGuess(catalog, values[0])]);
          if (on) setSettingsOpen(true);
        }}
        onThreads={(threads) => setPrefs({ ...prefs, threads })}
        onLoad={(file) => void load(file)}
        onClear={startOver}
      />
      {catalog && (
        <Settings
          catalog={catalog}
          compare={compare}
          values={values}
          prefs={prefs}
          open={settingsOpen}
          onValues={(slot, next) => setValues(slot === 0 ? [next, values[1]] : [values[0], next])}
          onPrefs={setPrefs}
          onCopyLink={() => void copyLink()}
          onClose={() => setSettingsOpen(false)}
        />
      )}
      <KeptList
        open={keptOpen}
        onClose={() => setKeptOpen(false)}
        onOpen={(id) => void recall(id)}
        onDelete={(id) => id === kept.current.id && startOver()}
      />
      <Help open={helpOpen} onClose={() => setHelpOpen(false)} />
    </div>
  );
}

/** Two runs that differ by their settings alone: one seed for both, where neither names one. */
function oneSeed(pair: readonly [Values, Values]): readonly Values[] {
  if (pair.some((values) => values.seed !== undefined)) return pair;
  const seed = crypto.getRandomValues(new Uint32Array(1))[0]!;
  return pair.map((values) => ({ ...values, seed }));
}

/** The first comparison worth making: the same settings with noising the other way round. */
function secondGuess(catalog: Catalog | null, first: Values): Values {
  if (!catalog?.options.some((row) => row.name === 'no_noise')) return first;
  const { no_noise: noiseless, ...rest } = first;
  return noiseless ? rest : { ...rest, no_noise: true };
}
