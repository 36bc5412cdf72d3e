// SPDX-License-Identifier: MIT
// A stand-in for `redraft serve`, for working on the page and for its tests: the same routes and
// events, answers from a small table, denoised by dice instead of a model. Same seed, same draft.
//   node mock/server.mjs [--port N]      (port 0: any; the address is printed)
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';

const dist = new URL('../dist/', import.meta.url);
const mask = 4;
const eos = 2;

const options = [
  { name: 'sampler', kind: 'choice', default: 'lad', group: 'Sampler', help: 'How drafts are refined' },
  { name: 'iterations', kind: 'int', default: 64, min: 1, max: 512, group: 'Schedule', help: 'Drafts at most' },
  { name: 'window', kind: 'int', default: 96, min: 16, max: 2048, group: 'Schedule', help: 'Tokens on the canvas, the prompt included' },
  { name: 'grow', kind: 'int', default: 256, min: 1, max: 256, group: 'Schedule', help: 'Masked tokens added at each iteration' },
  { name: 'patience', kind: 'int', default: 3, min: 0, max: 100, group: 'Stopping', help: 'Stop after this many identical drafts; 0 never stops early' },
  { name: 'deadline', kind: 'real', default: 0, min: 0, max: 3600, group: 'Stopping', help: 'Seconds after which the best draft so far is the answer; 0 for none' },
  { name: 'noise_start', kind: 'real', default: 0.5, min: 0, max: 1, group: 'Noise', help: 'Share of the answer re-masked at first' },
  { name: 'sharpness', kind: 'real', default: 1, min: 1, max: 20, group: 'Noise', help: 'How fast the noise falls' },
  { name: 'no_noise', kind: 'flag', default: false, group: 'Noise', help: 'No re-masking: every token stays revisable, and the draft settles' },
  { name: 'confidence_noise', kind: 'flag', default: false, group: 'Noise', help: 'Re-mask what the model is least sure of' },
  { name: 'noise_clip', kind: 'real', default: 0.01, min: 0.01, max: 1, group: 'Noise', help: 'Least weight of a sure token in confidence-guided noise' },
  { name: 'keep', kind: 'flag', default: false, group: 'Noise', help: 'Never re-mask a token that was once left unmasked' },
  { name: 'top_k', kind: 'int', default: 3, min: 1, max: 1000, group: 'Choice', help: 'Draw among the k likeliest tokens' },
  { name: 'top_p', kind: 'real', default: 1, min: 0, max: 1, group: 'Choice', help: 'Draw among the likeliest tokens that hold this probability together' },
  { name: 'temperature', kind: 'real', default: 1, min: 0, max: 5, group: 'Choice', help: 'Above 1 flatter, below 1 sharper; 0 takes the likeliest' },
  { name: 'eos_bias', kind: 'real', default: 0, min: -5, max: 5, group: 'Choice', help: 'Added to the end-of-text logit: below 0 for longer answers' },
  { name: 'seed', kind: 'uint64', default: null, group: 'Choice', help: 'The same seed gives the same draft; empty draws one' },
  { name: 'prefix', kind: 'text', default: '', group: 'Region', help: 'The answer begins with this' },
  { name: 'suffix', kind: 'text', default: '', group: 'Region', help: 'The answer ends with this' },
];
const samplers = [
  { name: 'lad', help: 'Every position is predicted anew; a falling share is masked again', options: ['iterations', 'grow', 'noise_start', 'sharpness', 'no_noise', 'confidence_noise', 'noise_clip', 'keep', 'top_k', 'top_p', 'temperature', 'eos_bias'] },
  { name: 'low-confidence', help: 'The surest masked positions are fixed at each step', options: ['iterations', 'temperature'], defaults: { temperature: 0 } },
  { name: 'threshold', help: 'Every masked position above a confidence is fixed', options: ['iterations', 'temperature'] },
  { name: 'ar', help: 'Left to right, one token at a time: the baseline', options: ['top_k', 'top_p', 'temperature'] },
  { name: 'infill', help: 'gaps, by search', options: ['iterations', 'top_k', 'top_p', 'temperature', 'eos_bias'] },
];

const answers = [
  [/capital of france/i, 'The capital of France is Paris, a city on the river Seine.'],
  [/amsterdam/i, 'Amsterdam is the capital of the Netherlands. It is known for its canals, its narrow brick houses, and its museums, among them the Rijksmuseum and the Van Gogh Museum. Many people there go to work by bicycle.'],
  [/html|script/i, 'You wrote <b>bold</b> and <script>alert(1)</script>; both are only text here.\nA new line, too.'],
];
const otherwise = 'That is a good question. I am a small stand-in and know little about it, but I can show how a draft settles, word by word, until nothing changes.';

// Words are tokens; ids are given out as words turn up.
const ids = new Map([['<unk>', 0], ['<s>', 1], ['</s>', eos], ['\n', 3], ['MASK', mask]]);
const pieces = [...ids.keys()];
const idOf = (piece) => {
  if (!ids.has(piece)) {
    ids.set(piece, pieces.length);
    pieces.push(piece);
  }
  return ids.get(piece);
};
const encode = (text) => (text.match(/ ?[\p{L}\p{N}']+|\n| ?[^\s\p{L}\p{N}]+|\s/gu) ?? []).map(idOf);
const decode = (list) => {
  const end = list.indexOf(eos);
  return (end < 0 ? list : list.slice(0, end)).filter((id) => id !== mask).map((id) => pieces[id]).join('').trim();
};
const lures = encode(' the of and a is in was city water known many two small old new north and, their its people which work has not');

function dice(seed) {
  let state = Number(BigInt.asUintN(32, seed ^ (seed >> 32n))) >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** The events of one generation, in order. */
export function* generate(request, prompt) {
  const value = (name) => request[name] ?? options.find((row) => row.name === name).default;
  const seed = BigInt(request.seed ?? Math.floor(Math.random() * 2 ** 48));
  const random = dice(seed);
  const promptIds = encode(prompt);
  const target = encode((answers.find(([pattern]) => pattern.test(prompt)) ?? [null, otherwise])[1]);
  const given = request.draft ?? null;
  const length = given ? given.ids.length : Math.max(target.length + 4, value('window') - promptIds.length);
  while (target.length < length) target.push(eos);
  const state = given?.state ?? Array(length).fill('mask');
  const iterations = value('iterations');
  const fixed = (p) => state[p] === 'lock';
  let canvas = given ? given.ids.map((id, p) => (state[p] === 'mask' ? mask : id)) : Array(length).fill(mask);
  const masked = (list) => list.flatMap((id, p) => (id === mask ? [p] : []));
  yield `{"event":"start","model":"mock","sampler":${JSON.stringify(value('sampler'))},"seed":${seed},"window":${value('window')},"iterations":${iterations},"prompt_ids":${JSON.stringify(promptIds)},"eos_ids":[${eos}]}`;
  yield JSON.stringify({ event: 'noise', iteration: 0, ids: canvas, masked: masked(canvas) });
  let before = canvas;
  const kept = new Set();
  const retained = () => (kept.size > 0 ? { retained: [...kept].sort((a, b) => a - b) } : {});
  let same = 0;
  let stopped = 'iterations';
  let i = 0;
  for (i = 1; i <= iterations; i++) {
    const confidence = [];
    const draft = canvas.map((id, p) => {
      if (fixed(p)) {
        confidence[p] = 1;
        return id;
      }
      const near = [p - 1, p + 1].filter((q) => canvas[q] === target[q] && canvas[q] !== undefined).length;
      const padding = target[p] === eos ? 0.35 : 0;
      const right = canvas[p] === target[p] ? 0.93 + i * 0.01 : 0.16 + near * 0.22 + padding + i * 0.04;
      const sure = random();
      if (random() < right) {
        confidence[p] = Math.min(0.9999, 0.55 + 0.25 * sure + near * 0.08 + i * 0.012);
        return target[p];
      }
      confidence[p] = 0.08 + 0.4 * sure;
      const pick = random();
      if (pick < 0.2 && p > 0) return before[p - 1] === mask ? lures[0] : before[p - 1];
      return lures[Math.floor(random() * lures.length)];
    });
    const changed = draft.flatMap((id, p) => (id !== before[p] ? [p] : []));
    yield JSON.stringify({
      event: 'draft',
      iteration: i,
      ids: draft,
      pieces: draft.map((id) => pieces[id]),
      confidence: confidence.map((c) => Number(c.toFixed(4))),
      changed,
      text: decode(draft),
      ...retained(),
    });
    same = changed.length === 0 ? same + 1 : 0;
    before = draft;
    canvas = draft;
    if (value('patience') > 0 && same >= value('patience') - 1) {
      stopped = 'converged';
      break;
    }
    if (i === iterations || value('no_noise') || given) continue;
    const s = value('sharpness');
    const share = (Math.exp((-s * i) / iterations) - Math.exp(-s)) / (1 - Math.exp(-s));
    const budget = Math.floor(share * share * share * length * value('noise_start'));
    canvas = [...draft];
    for (let k = 0; k < budget; k++) canvas[Math.floor(random() * length)] = mask;
    if (value('keep')) canvas.forEach((id, p) => id !== mask && kept.add(p));
    yield JSON.stringify({ event: 'noise', iteration: i, ids: canvas, masked: masked(canvas), ...retained() });
  }
  const made = Math.min(i, iterations);
  const end = before.indexOf(eos) < 0 ? length : before.indexOf(eos);
  yield JSON.stringify({ event: 'done', text: decode(before), ids: before.slice(0, end), tokens: end, iterations: made, passes: made, stopped, seconds: Number((made * 0.004).toFixed(4)), converged: same > 0 });
}

function reject(response, status, message, headers = {}) {
  const type = status === 401 ? 'authentication_error' : 'invalid_request_error';
  response.writeHead(status, { 'Content-Type': 'application/json', ...headers });
  response.end(JSON.stringify({ error: { message, type, code: status } }));
}

function problem(body) {
  for (const row of options) {
    const value = body[row.name];
    if (value === undefined) continue;
    if (row.kind === 'flag' && typeof value !== 'boolean') return `${row.name}: expected true or false`;
    if (['int', 'real', 'uint64'].includes(row.kind) && typeof value !== 'number') return `${row.name}: expected a number`;
    const claimed = samplers.filter((item) => item.options.includes(row.name));
    if (claimed.length > 0 && !claimed.some((item) => item.name === (body.sampler ?? 'lad'))) return `${row.name} means nothing to this sampler`;
    if (value < row.min || value > row.max) return `${row.name}: ${value} is outside ${row.min} to ${row.max}`;
    if (row.kind === 'choice' && !samplers.some((item) => item.name === value)) return `${row.name}: no choice called ${value}`;
  }
  if (body.draft && body.draft.ids?.length !== body.draft.state?.length) return 'draft: ids and state must be equally long';
  return null;
}

const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

async function denoise(body, response, step) {
  const prompt = body.prompt ?? body.messages?.at(-1)?.content ?? '';
  if (prompt === '') return reject(response, 400, 'Give a prompt, or messages that end with a user turn.');
  const wrong = problem(body);
  if (wrong) return reject(response, 400, wrong);
  if (/queue full/i.test(prompt)) return reject(response, 503, 'The queue is full.', { 'Retry-After': '2' });
  response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
  let sent = 0;
  for (const line of generate(body, prompt)) {
    if (response.destroyed) return undefined;
    if (/fail midway/i.test(prompt) && sent === 8) {
      response.end('event: error\ndata: {"error":{"message":"the model pass failed","type":"server_error","code":500}}\n\n');
      return undefined;
    }
    if (/cut midway/i.test(prompt) && sent === 8) {
      response.destroy();
      return undefined;
    }
    response.write(`event: ${JSON.parse(line).event}\ndata: ${line}\n\n`);
    sent += 1;
    await sleep(step);
  }
  response.end();
  return undefined;
}

/** Starts the server; `counts.cancelled` tells how many streams were closed early. */
export async function start({ port = 0, key = '', step = 15 } = {}) {
  const counts = { cancelled: 0, requests: [] };
  const server = createServer((request, response) => {
    const path = new URL(request.url, 'http://mock').pathname;
    const json = (value) => {
      response.writeHead(200, { 'Content-Type': 'application/json' });
      response.end(JSON.stringify(value));
    };
    if (path === '/' && request.method === 'GET') {
      response.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8', 'Content-Security-Policy': readFileSync(new URL('csp.txt', dist), 'utf8').trim() });
      return response.end(readFileSync(new URL('index.html', dist)));
    }
    if (path === '/health') return json({ status: 'ok', model: 'mock' });
    if (key && request.headers.authorization !== `Bearer ${key}`) return reject(response, 401, 'This server needs an API key.');
    if (path === '/api/options') {
      const model = new URL(request.url, 'http://mock').searchParams.get('model') ?? 'mock';
      const about = model === 'other' ? 'The other one knows nothing.' : 'A stand-in that knows two answers.';
      return json({ options, samplers, models: [{ id: 'mock' }, { id: 'other' }], model, about });
    }
    if (path === '/v1/models') return json({ object: 'list', data: [{ id: 'mock', object: 'model' }] });
    if (request.method !== 'POST') return reject(response, 404, `No route ${request.method} ${path}`);
    let text = '';
    request.on('data', (chunk) => (text += chunk));
    request.on('end', () => {
      let body;
      try {
        body = JSON.parse(text);
      } catch {
        return reject(response, 400, 'The body is not valid JSON.');
      }
      if (path === '/api/tokenize') {
        const list = encode(String(body.text ?? ''));
        return json({ ids: list, pieces: list.map((id) => pieces[id]) });
      }
      if (path !== '/api/denoise') return reject(response, 404, `No route POST ${path}`);
      counts.requests.push({ text, body });
      response.on('close', () => {
        if (!response.writableFinished) counts.cancelled += 1;
      });
      return denoise(body, response, step);
    });
    return undefined;
  });
  await new Promise((done) => server.listen(port, '127.0.0.1', done));
  return { url: `http://127.0.0.1:${server.address().port}/`, counts, close: () => server.close() };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const at = process.argv.indexOf('--port');
  const { url } = await start({ port: at > 0 ? Number(process.argv[at + 1]) : 8080 });
  console.log(url);
}
