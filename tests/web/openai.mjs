// SPDX-License-Identifier: MIT
// OpenAI's own client, unmodified, against a server: answers, streams, its exception classes.
// Run: node tests/web/openai.mjs PROGRAM
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import OpenAI from 'openai';

const key = 'a key';
// A copy of the model with room for drafts that take seconds: none is over before the next question comes.
const folder = mkdtempSync(join(tmpdir(), 'redraft-openai-'));
const model = join(folder, 'llama-mha');
cpSync('tests/golden/models/llama-mha', model, { recursive: true });
const config = JSON.parse(readFileSync(join(model, 'config.json'), 'utf8'));
writeFileSync(join(model, 'config.json'), JSON.stringify({ ...config, max_position_embeddings: 2048 }));
const server = spawn(process.argv[2], ['serve', '-m', model, '--threads', '1', '--port', '0', '--api-key', key, '--max-queue', '1', '-q'], { stdio: ['ignore', 'pipe', 'inherit'] });
const url = await new Promise((found, failed) => {
  let text = '';
  server.on('exit', (status) => failed(new Error(`the server ended with ${status}`)));
  server.stdout.on('data', (bytes) => {
    text += bytes;
    const match = text.match(/http:\S+/);
    if (match) found(match[0]);
  });
});
server.removeAllListeners('exit');
after(() => {
  server.kill();
  rmSync(folder, { recursive: true });
});

const client = new OpenAI({ baseURL: `${url}v1`, apiKey: key, maxRetries: 0 });
const ask = { model: 'llama-mha', messages: [{ role: 'user', content: 'Hello' }], max_tokens: 12, seed: 7 };
const raw = { model: 'llama-mha', prompt: 'Hello', max_tokens: 12, seed: 7 };
let answer;

test('models', async () => {
  const models = [];
  for await (const model of client.models.list()) models.push(model.id);
  assert.deepEqual(models, ['llama-mha']);
});

test('a chat answer with its counts', async () => {
  const reply = await client.chat.completions.create(ask);
  answer = reply.choices[0].message.content;
  assert.equal(reply.object, 'chat.completion');
  assert.equal(reply.choices[0].message.role, 'assistant');
  assert.ok(['stop', 'length'].includes(reply.choices[0].finish_reason));
  assert.ok(answer.length > 0);
  assert.ok(reply.usage.completion_tokens <= 12);
  assert.equal(reply.usage.total_tokens, reply.usage.prompt_tokens + reply.usage.completion_tokens);
  const again = await client.chat.completions.create(ask);
  assert.equal(again.choices[0].message.content, answer);
  assert.notEqual(again.id, reply.id);
});

test('a chat stream makes the same answer', async () => {
  const stream = await client.chat.completions.create({ ...ask, stream: true, stream_options: { include_usage: true } });
  let text = '';
  let finish = null;
  let usage = null;
  for await (const chunk of stream) {
    assert.equal(chunk.object, 'chat.completion.chunk');
    text += chunk.choices[0]?.delta.content ?? '';
    finish ??= chunk.choices[0]?.finish_reason ?? null;
    usage ??= chunk.usage;
  }
  assert.equal(text, answer);
  assert.ok(finish);
  assert.ok(usage.total_tokens > 0);
});

test("the client's stream helper gathers it", async () => {
  const final = await client.chat.completions.stream({ ...ask, sampler: 'ar' }).finalChatCompletion();
  const whole = await client.chat.completions.create({ ...ask, sampler: 'ar' });
  assert.equal(final.choices[0].message.content, whole.choices[0].message.content);
});

test('whole drafts as they change', async () => {
  const stream = await client.chat.completions.create({ ...ask, stream: true, diffusing: true });
  const drafts = [];
  for await (const chunk of stream) if (chunk.choices[0].delta.content !== undefined) drafts.push(chunk.choices[0].delta.content);
  assert.equal(drafts.at(-1), answer);
  assert.ok(drafts.length > 2);
});

test('completions, whole and streamed', async () => {
  const whole = await client.completions.create(raw);
  assert.equal(whole.object, 'text_completion');
  let text = '';
  for await (const chunk of await client.completions.create({ ...raw, stream: true })) text += chunk.choices[0].text;
  assert.equal(text, whole.choices[0].text);
});

test('stop', async () => {
  const stop = answer.slice(2, 4);
  const reply = await client.chat.completions.create({ ...ask, stop });
  assert.equal(reply.choices[0].message.content, answer.slice(0, answer.indexOf(stop)));
  assert.equal(reply.choices[0].finish_reason, 'stop');
});

const refuses = (what, type, status, run, more = () => {}) =>
  test(what, async () => {
    await assert.rejects(run, (error) => {
      assert.ok(error instanceof type, `${error.constructor.name}: ${error.message}`);
      assert.equal(error.status, status);
      assert.ok(error.message.length > 10);
      more(error);
      return true;
    });
  });

refuses('a wrong key', OpenAI.AuthenticationError, 401, () => new OpenAI({ baseURL: `${url}v1`, apiKey: 'other', maxRetries: 0 }).chat.completions.create(ask),
  (error) => assert.equal(error.code, 'invalid_api_key'));
refuses('no such model', OpenAI.NotFoundError, 404, () => client.chat.completions.create({ ...ask, model: 'gpt-9' }),
  (error) => assert.equal(error.code, 'model_not_found'));
refuses('an option out of range', OpenAI.BadRequestError, 400, () => client.chat.completions.create({ ...ask, temperature: -3 }),
  (error) => assert.match(error.message, /temperature/));
refuses('a bad request when streaming', OpenAI.BadRequestError, 400, () => client.chat.completions.create({ ...ask, messages: [], stream: true }));
test('log-probabilities', async () => {
  const reply = await client.chat.completions.create({ ...ask, logprobs: true, top_logprobs: 2 });
  const tokens = reply.choices[0].logprobs.content;
  assert.ok(tokens.length >= reply.usage.completion_tokens);
  assert.ok(tokens.every((token) => token.logprob <= 0 && token.top_logprobs.length === 2));
});

test('a full queue, and room again when a stream is left', async () => {
  const long = { ...ask, sampler: 'lad', max_tokens: 900, iterations: 512, patience: 0, stream: true, diffusing: true };
  const stream = await client.chat.completions.create(long);
  const chunks = stream[Symbol.asyncIterator]();
  await chunks.next();
  await assert.rejects(client.chat.completions.create(ask), OpenAI.RateLimitError);
  stream.controller.abort();
  const patient = new OpenAI({ baseURL: `${url}v1`, apiKey: key, maxRetries: 100 }); // waits as Retry-After says
  assert.equal((await patient.chat.completions.create(ask)).choices[0].message.content, answer);
});
