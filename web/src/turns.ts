// SPDX-License-Identifier: MIT
// The conversation: turns, each with one run (or two, side by side), and the requests they make.
import { draftField, known, type DraftEdit } from './draft-edit.ts';
import { emptyRun, type Run } from './events.ts';
import { jsonFields, type Catalog, type Values } from './options.ts';

export interface Message {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: string;
}
export interface Slot {
  readonly values: Values;
  readonly run: Run;
  readonly draft: DraftEdit | null;
}
export interface Turn {
  readonly id: number;
  readonly question: string;
  readonly messages: readonly Message[];
  /** Who was asked: the ids in drafts are this model's; '' where that is not known. */
  readonly model: string;
  readonly slots: readonly Slot[];
  /** The turn that this one does again (retry, redraft); its answer no longer counts. */
  readonly replaces: number | null;
  readonly note: string;
}

export function answer(turn: Turn): string {
  const run = turn.slots[0]?.run;
  return run?.done?.text ?? run?.frames[run.frames.length - 1]?.text ?? '';
}

/** What the model is told: the system prompt, the turns that still count, and the question. */
export function messagesFor(turns: readonly Turn[], system: string, question: string, threads: boolean): Message[] {
  const out: Message[] = system.trim() ? [{ role: 'system', content: system }] : [];
  const replaced = new Set(turns.map((turn) => turn.replaces));
  for (const turn of threads ? turns : []) {
    const said = answer(turn);
    if (replaced.has(turn.id) || !turn.question || !said) continue;
    out.push({ role: 'user', content: turn.question }, { role: 'assistant', content: said });
  }
  out.push({ role: 'user', content: question });
  return out;
}

export const newSlot = (values: Values, draft: DraftEdit | null = null): Slot => ({
  values,
  run: emptyRun(draft ? known(draft) : new Map()),
  draft,
});

/** Whether the turn began from tokens, which mean something to its model alone. */
export const drafted = (turn: Turn): boolean => turn.slots.some((slot) => slot.draft);

/** Whether the server has the turn's model. */
export const served = (catalog: Catalog | null, turn: Turn): boolean =>
  catalog !== null && (turn.model === catalog.model || catalog.models.includes(turn.model));

/** The body of POST /api/denoise. A lone question goes as "prompt", a conversation as "messages". */
export function requestBody(catalog: Catalog, turn: Turn, slot: Slot): string {
  const [first, second] = turn.messages;
  const system = first?.role === 'system' ? first.content : null;
  const fields = jsonFields(catalog, slot.values);
  if (turn.messages.length <= (system === null ? 1 : 2)) {
    fields.unshift(`"prompt":${JSON.stringify((system === null ? first : second)?.content ?? '')}`);
    if (system !== null) fields.push(`"system":${JSON.stringify(system)}`);
  } else {
    fields.unshift(`"messages":${JSON.stringify(turn.messages)}`);
  }
  if (turn.model && (slot.draft || catalog.models.length > 1)) fields.push(`"model":${JSON.stringify(turn.model)}`);
  if (slot.draft) fields.push(draftField(slot.draft));
  return `{${fields.join(',')}}`;
}
