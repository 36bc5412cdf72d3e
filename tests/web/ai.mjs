// SPDX-License-Identifier: MIT
// The AI SDK, unmodified, with its two providers of OpenAI's interfaces, against the built-in model.
// Run: node tests/web/ai.mjs PROGRAM
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { after, test } from 'node:test';
import { createOpenAI } from '@ai-sdk/openai';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { embed, generateObject, generateText, jsonSchema, streamText, tool } from 'ai';

const server = spawn(process.argv[2], ['serve', '--threads', '1', '--port', '0', '-q'], { stdio: ['ignore', 'pipe', 'inherit'] });
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
after(() => server.kill());

const question = 'What is the capital of France?';
const compatible = createOpenAICompatible({ name: 'redraft', baseURL: `${url}v1`, apiKey: 'any', includeUsage: true });
const openai = createOpenAI({ baseURL: `${url}v1`, apiKey: 'any' });
// the second provider's default is /v1/responses
for (const [name, model] of [['chat', compatible('tini')], ['responses', openai('tini')], ['chat by the other provider', openai.chat('tini')]]) {
  test(`${name}: text`, async () => {
    const answer = await generateText({ model, prompt: question });
    assert.match(answer.text, /^The capital of France is Paris/);
    assert.equal(answer.finishReason, 'stop');
    assert.ok(answer.usage.inputTokens > 0 && answer.usage.outputTokens > 0);
  });
  test(`${name}: a stream`, async () => {
    const { textStream, finishReason, usage } = streamText({ model, system: 'Be brief.', messages: [{ role: 'user', content: [{ type: 'text', text: question }] }] });
    let text = '';
    for await (const piece of textStream) text += piece;
    assert.match(text, /^The capital of France is Paris/);
    assert.equal(await finishReason, 'stop');
    assert.ok((await usage).outputTokens > 0);
  });
}

const city = jsonSchema({ type: 'object', properties: { city: { type: 'string', maxLength: 20 } }, required: ['city'], additionalProperties: false });
const structured = createOpenAICompatible({ name: 'redraft', baseURL: `${url}v1`, apiKey: 'any', supportsStructuredOutputs: true });
for (const [name, model] of [['chat', structured('tini')], ['responses', openai('tini')]]) {
  test(`${name}: an object`, async () => {
    const { object } = await generateObject({ model, schema: city, prompt: question });
    assert.equal(typeof object.city, 'string');
  });
  test(`${name}: a call`, async () => {
    const { toolCalls, finishReason } = await generateText({
      model, prompt: question, toolChoice: 'required', tools: { weather: tool({ description: 'the weather', inputSchema: city }) } });
    assert.equal(toolCalls[0].toolName, 'weather');
    assert.equal(typeof toolCalls[0].input.city, 'string');
    assert.equal(finishReason, 'tool-calls');
  });
  test(`${name}: a call in a stream`, async () => {
    const { toolCalls } = streamText({ model, prompt: question, toolChoice: 'required', tools: { weather: tool({ description: 'the weather', inputSchema: city }) } });
    assert.equal((await toolCalls)[0].toolName, 'weather');
  });
}

test('completions', async () => {
  const answer = await generateText({ model: compatible.completionModel('tini'), prompt: 'Paris is', maxOutputTokens: 6 });
  assert.ok(answer.text.length > 0);
});

test('an option of this program', async () => {
  const answer = await generateText({ model: compatible('tini'), prompt: question, providerOptions: { redraft: { sampler: 'ar' } } });
  assert.match(answer.text, /Paris/);
});

test('embeddings', async () => {
  const { embedding } = await embed({ model: compatible.embeddingModel('tini'), value: 'Paris' });
  assert.ok(Math.abs(embedding.reduce((sum, x) => sum + x * x, 0) - 1) < 1e-5);
});

test('a mistake says why', async () => {
  await assert.rejects(generateText({ model: compatible('gpt-9'), prompt: question, maxRetries: 0 }), /there is no model gpt-9 here/);
});
