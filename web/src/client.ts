// SPDX-License-Identifier: MIT
// The server's routes as functions. Errors come as one ApiError with a sentence for a person.
import { parseEvent, type TraceEvent } from './events.ts';
import type { Catalog } from './options.ts';
import { readCatalog } from './options.ts';
import { SseParser } from './sse.ts';
import { readTab, writeTab } from './stored.ts';

export class ApiError extends Error {
  constructor(
    message: string,
    readonly status: number,
  ) {
    super(message);
  }
}

export interface Received {
  readonly event: TraceEvent;
  readonly line: string;
}

const keyName = 'redraft-key';
export const apiKey = {
  get: (): string => readTab(keyName),
  set: (key: string): void => writeTab(keyName, key),
};

function messageIn(body: string): string | null {
  try {
    const error = (JSON.parse(body) as { error?: { message?: unknown } }).error;
    return typeof error?.message === 'string' ? error.message : null;
  } catch {
    return null;
  }
}

async function request(path: string, init: RequestInit = {}): Promise<Response> {
  const headers = new Headers(init.headers);
  const key = apiKey.get();
  if (key) headers.set('Authorization', `Bearer ${key}`);
  let response: Response;
  try {
    response = await fetch(path, { ...init, headers });
  } catch (error) {
    if ((error as Error).name === 'AbortError') throw error;
    throw new ApiError('The server cannot be reached. Is `redraft serve` still running?', 0);
  }
  if (response.ok) return response;
  const said = messageIn(await response.text());
  const after = response.headers.get('Retry-After');
  throw new ApiError(
    `${said ?? `The server answered ${response.status} ${response.statusText}`.trim()}${after ? ` (try again in ${after} s)` : ''}`,
    response.status,
  );
}

/** The options of a model; '' for the server's first. */
export async function getCatalog(model = ''): Promise<Catalog> {
  const query = model ? `?model=${encodeURIComponent(model)}` : '';
  return readCatalog(await (await request(`api/options${query}`)).json());
}

/** The model's name, for the page's head. */
export async function getModel(): Promise<string> {
  const health = (await (await request('health')).json()) as { model?: unknown };
  return typeof health.model === 'string' ? health.model : '';
}

export interface Token {
  readonly id: number;
  readonly piece: string;
}

/** The tokens of a text that stands in the middle of another. */
export async function tokenize(text: string, model = ''): Promise<Token[]> {
  const response = await request('api/tokenize', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ text, continue: true, ...(model && { model }) }),
  });
  const body = (await response.json()) as { ids?: unknown; pieces?: unknown };
  if (!Array.isArray(body.ids)) throw new ApiError('The tokenizer answered without ids', response.status);
  const pieces = Array.isArray(body.pieces) ? (body.pieces as unknown[]) : [];
  return (body.ids as number[]).map((id, i) => ({ id, piece: typeof pieces[i] === 'string' ? (pieces[i] as string) : '' }));
}

/** Runs one generation: `onEvents` gets the events in the batches in which they arrive. Resolves when
 *  the stream ends after "done"; aborting the signal closes the connection, which cancels the work. */
export async function denoise(body: string, signal: AbortSignal, onEvents: (batch: Received[]) => void): Promise<void> {
  const response = await request('api/denoise', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Accept: 'text/event-stream' },
    body,
    signal,
  });
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  if (!reader) throw new ApiError('The server sent no stream', response.status);
  const parser = new SseParser();
  let done = false;
  for (;;) {
    const chunk = await reader.read();
    if (chunk.done) break;
    const batch: Received[] = [];
    for (const message of parser.push(chunk.value)) {
      if (message.data === '[DONE]') continue;
      if (message.event === 'error') {
        onEvents(batch);
        throw new ApiError(messageIn(message.data) ?? 'The server reported an error', 500);
      }
      const event = parseEvent(message.data);
      done ||= event.event === 'done';
      batch.push({ event, line: message.data });
    }
    if (batch.length > 0) onEvents(batch);
  }
  if (!done) throw new ApiError('The connection ended before the answer was finished.', 0);
}
