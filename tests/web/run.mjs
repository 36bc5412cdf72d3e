// SPDX-License-Identifier: MIT
// The page in a real browser: ask, watch, stop, scrub, compare, lock and redraft, export and open the
// export, every setting, keyboard only, narrow screen. Run: node tests/web/run.mjs [URL]
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { deflateRawSync } from 'node:zlib';
import { ask, close, kept, mock, open, over, place, shot, texts, url } from './page.mjs';

after(close);
const folder = mkdtempSync(join(tmpdir(), 'redraft-web-'));

/** One test on its own page; any script error or outside request fails it. */
const check = (name, run, options = {}) =>
  test(name, { timeout: 600_000, skip: options.skip }, async () => {
    const tab = await open(options);
    try {
      await run(tab.page, tab);
      assert.deepEqual(tab.outside, [], 'requests to other places');
      assert.deepEqual(tab.errors.filter((text) => !options.expect?.test(text)), [], 'script errors');
    } finally {
      await tab.close();
    }
  });

/** Settings that make short work of an answer. */
const quick = { fragment: '#tokens=40&iterations=16' };

async function pause(page, seconds) {
  await page.locator('#pause').evaluate((field, value) => {
    field.value = value;
    field.dispatchEvent(new Event('input', { bubbles: true }));
  }, String(seconds));
}

check('the page is small, whole, and keeps its policy', async (page) => {
  const response = await page.request.get(url);
  const body = await response.body();
  assert.ok(body.length < 300_000, `${body.length} bytes`);
  const policy = response.headers()['content-security-policy'] ?? '';
  assert.match(policy, /default-src 'none'/);
  assert.doesNotMatch(policy, /unsafe/);
  assert.doesNotMatch(body.toString(), /<script[^>]+src=|<link[^>]+stylesheet/);
  await page.getByRole('heading', { name: 'Watch an answer come out of noise' }).waitFor();
  await shot(page, 'start');
});

check('ask and watch: masks first, then new tokens, then the totals', async (page) => {
  await pause(page, 0.3);
  await page.evaluate(() => { // a good model is done before anyone looks: note what the page shows, as it shows it
    window.shown = [];
    new MutationObserver(() => {
      for (const kind of ['masked', 'new'])
        if (!window.shown.includes(kind) && document.querySelector(`.draft .tok.${kind}`)) window.shown.push(kind);
    }).observe(document.body, { subtree: true, childList: true, attributes: true, characterData: true });
  });
  await page.getByRole('button', { name: /capital of France/ }).click();
  await page.locator('.draft .tok').first().waitFor();
  await shot(page, 'watching');
  await over(page);
  assert.match(await page.locator('.verdict').textContent(), /tokens? in \d+ iterations?, [\d.]+ tokens an iteration, [\d.]+ m?s of work/);
  assert.deepEqual(await page.evaluate(() => window.shown), ['masked', 'new']);
  const [at, of] = await place(page);
  assert.equal(at, of);
  assert.match(await page.locator('[aria-live=polite]').textContent(), /^Done after/);
  assert.equal(await page.locator('.turn.open').getByText(/^\s*\d+ \/ \d+\s*$/).count(), 1, 'one count says where the draft stands');
  if (mock) {
    assert.match(await page.locator('.verdict').textContent(), /Converged: stopped early after/);
    assert.match(await page.locator('.draft').textContent(), /The capital of France is Paris/);
    assert.equal(mock.counts.requests.at(-1).body.no_noise, true);
  }
}, { fragment: '#no_noise=true' });

check('nothing moves while tokens change', async (page) => {
  await pause(page, 0.05);
  await ask(page, 'What do you know about Amsterdam?', false);
  await page.locator('.draft .tok').first().waitFor();
  const boxes = new Set();
  for (let i = 0; i < 25; i++) {
    boxes.add(await page.evaluate(() => ['.draft', '.timeline', '.chart', '.composer'].map((s) => JSON.stringify(document.querySelector(s).getBoundingClientRect())).join()));
    await page.waitForTimeout(30);
  }
  assert.equal(boxes.size, 1);
}, quick);

check('stop: the connection closes, what was drafted stays', async (page) => {
  await page.locator('details.all summary').click();
  await page.locator('#all0-patience').fill('0');
  await page.locator('#all0-iterations').fill('512');
  await page.locator('#pause').fill('0.1'); // the view must keep moving while events pour in
  const network = await page.context().newCDPSession(page); // a slow one: it is not over before anyone stops it
  await network.send('Network.emulateNetworkConditions', { offline: false, latency: 0, downloadThroughput: 50_000, uploadThroughput: -1 });
  const before = mock?.counts.cancelled;
  await ask(page, 'What do you know about Amsterdam?', false);
  await page.locator('.draft .tok.new').first().waitFor();
  await page.locator('.numbers').getByText('tokens/s').waitFor(); // while it runs
  await page.getByRole('button', { name: 'Stop' }).click();
  await page.getByText('Stopped before the end.').waitFor();
  await page.getByRole('button', { name: 'Ask', exact: true }).waitFor();
  assert.notEqual(await page.locator('.draft .tok').count(), 0);
  if (mock) {
    for (let i = 0; i < 12_000 && mock.counts.cancelled === before; i++) await page.waitForTimeout(25);
    assert.equal(mock.counts.cancelled, before + 1);
  }
});

check('scrub, step, replay; the chart follows and leads', async (page) => {
  await pause(page, 0);
  await ask(page, 'What do you know about Amsterdam?');
  const [, of] = await place(page);
  await page.getByRole('slider', { name: 'Step', exact: true }).fill('0');
  assert.deepEqual(await place(page), [1, of]);
  assert.match(await page.locator('.status .step').textContent(), /Starting noise/);
  await page.getByRole('button', { name: 'Step forward' }).click();
  assert.match(await page.locator('.status .step').textContent(), /Draft 1/);
  const box = await page.locator('.plot').boundingBox();
  await page.mouse.click(box.x + box.width - 1, box.y + 20);
  assert.ok((await place(page))[0] > 2);
  await page.getByRole('slider', { name: 'Step', exact: true }).fill('0');
  await pause(page, 0.05);
  await page.getByRole('button', { name: 'Play', exact: true }).click();
  await page.waitForFunction((last) => document.querySelector('.place').textContent === `${last} / ${last}`, of);
}, quick);

check('a token tells its probability and its history', async (page) => {
  await pause(page, 0);
  await ask(page, "What's the capital of France?");
  await page.locator('.draft .tok').nth(1).hover();
  assert.match(await page.locator('.probability').textContent(), /%$/);
  assert.notEqual(await page.locator('.history li').count(), 0);
  await shot(page, 'token');
  await page.locator('.draft .tok').nth(1).click();
  await page.mouse.move(5, 5);
  await page.locator('.history li button').first().click();
  assert.match(await page.locator('.status .step').textContent(), /Draft 1/);
  await page.getByText('Confidence', { exact: true }).first().click();
  assert.notEqual(await page.locator('.draft .tok.shaded').count(), 0);
  await page.getByText('Grid', { exact: true }).click();
  assert.equal(await page.locator('.draft.grid').count(), 1);
  await shot(page, 'confidence');
}, quick);

check('two runs side by side with different settings', async (page) => {
  await pause(page, 0);
  await page.getByText('Compare two settings').click();
  await ask(page, 'What do you know about Amsterdam?');
  assert.equal(await page.locator('.explorer').count(), 2);
  const differs = await texts(page, '.differs');
  assert.notEqual(differs[0], differs[1]);
  await page.getByRole('slider', { name: 'Step', exact: true }).first().fill('0');
  assert.deepEqual(await texts(page, '.status .step'), ['Starting noise, 0 of 16', 'Starting noise, 0 of 16']);
  await page.getByText('Move together').click();
  await page.getByRole('slider', { name: 'Step', exact: true }).first().fill('1');
  assert.deepEqual(await texts(page, '.status .step'), ['Draft 1 of 16', 'Starting noise, 0 of 16']);
  await shot(page, 'compare');
}, quick);

check('lock, mask and retype, then redraft', async (page) => {
  await pause(page, 0);
  await ask(page, "What's the capital of France?");
  await page.getByRole('button', { name: 'Edit draft' }).click();
  const tokens = page.locator('.draft .tok');
  const first = await tokens.nth(0).textContent();
  await page.getByText('Lock', { exact: true }).click();
  await tokens.nth(0).click();
  await page.getByText('Mask', { exact: true }).click();
  await tokens.nth(2).click();
  await page.getByText('Retype', { exact: true }).click();
  await tokens.nth(1).click();
  await page.locator('.retype-text').fill('town');
  await page.locator('.retype-text').press('Enter');
  await page.locator('.draft .tok.locked').nth(1).waitFor();
  await shot(page, 'editing');
  await page.getByRole('button', { name: 'Redraft' }).click();
  await page.locator('.turn.open .note').waitFor();
  await over(page);
  assert.match(await page.locator('.turn.open .note').textContent(), /1 token masked, \d+ locked/);
  assert.equal(await page.locator('.turn.open .draft .tok').nth(0).textContent(), first);
  assert.match(await page.locator('.turn.open .draft').textContent(), /town/);
  assert.equal(await page.locator('.turn.folded').count(), 1);
  if (mock) {
    const { draft } = mock.counts.requests.at(-1).body;
    assert.deepEqual(draft.state.slice(0, 3), ['lock', 'lock', 'mask']);
    assert.equal(draft.ids.length, draft.state.length);
  }
}, quick);

/** The fragment of a link that carries an answer: drafts as lists of tokens, each with more of its event. */
function linked(question, drafts, text) {
  const ids = new Map();
  const idOf = (piece) => ids.set(piece, ids.get(piece) ?? ids.size + 10).get(piece);
  const lines = drafts.map(([pieces, more], i) => ({
    event: 'draft', iteration: i + 1, ids: pieces.map(idOf), pieces, confidence: pieces.map(() => 0.9), changed: [], text: pieces.join(''), ...more,
  }));
  const start = { event: 'start', model: 'm', sampler: 'verify', seed: 1, window: 99, iterations: 9, prompt_ids: [] };
  const done = { event: 'done', text, ids: [], tokens: 3, iterations: 2, passes: 2, stopped: 'converged', seconds: 1, drafted: 2, accepted: 1, rejected: 1 };
  const trace = [start, ...lines, done].map((line) => JSON.stringify(line)).join('\n');
  return `#answer=${deflateRawSync(JSON.stringify({ question, slots: [{ values: {}, trace }] })).toString('base64url')}`;
}

check('a link carries the answer, and asks nobody', async (page) => {
  await pause(page, 0);
  await ask(page, "What's the capital of France?");
  const answer = await page.locator('.turn.open .draft').textContent();
  await page.getByRole('button', { name: 'Copy link to answer' }).click();
  await page.getByRole('button', { name: 'Link copied' }).waitFor();
  const link = await page.evaluate(() => navigator.clipboard.readText());
  assert.ok(link.length < 31_000, `${link.length} letters`);
  const tab = await open({ at: link });
  const asked = [];
  tab.page.on('request', (request) => request.method() === 'POST' && asked.push(request.url()));
  await over(tab.page);
  assert.equal(await tab.page.locator('.turn.open .draft').textContent(), answer);
  assert.equal(await tab.page.locator('.turn.open h2').textContent(), "What's the capital of France?");
  await tab.page.getByText('From a link').waitFor();
  await tab.page.getByRole('slider', { name: 'Step', exact: true }).fill('0');
  assert.match(await tab.page.locator('.status .step').textContent(), /Starting noise/);
  assert.deepEqual([asked, tab.errors], [[], []]);
  await tab.close();
  const broken = await open({ at: link.slice(0, -20) });
  await broken.page.getByText(/The link's answer cannot be read/).waitFor();
  await broken.close();
}, quick);

check('the draft is large, larger for a projector, and still where motion is not wanted', async (page) => {
  const size = () => page.locator('.draft').evaluate((box) => parseFloat(getComputedStyle(box).fontSize));
  await pause(page, 0);
  await ask(page, 'What do you know about Amsterdam?');
  assert.ok((await size()) >= 20 && (await size()) <= 24, `${await size()} px`);
  assert.ok((await page.locator('.draft').boundingBox()).height > 300);
  await page.getByText('Projector', { exact: true }).click();
  assert.ok((await size()) >= 28, `${await size()} px`);
  const moves = () => page.locator('.draft .tok').first().evaluate((word) => getComputedStyle(word).transitionProperty);
  assert.notEqual(await moves(), 'none');
  await page.emulateMedia({ reducedMotion: 'reduce' });
  assert.equal(await moves(), 'none');
}, quick);

check('a comparison draws one seed; a question is edited and sent again; the pen says its keys', async (page) => {
  const bodies = [];
  page.on('request', (request) => request.url().endsWith('/api/denoise') && bodies.push(JSON.parse(request.postData())));
  await pause(page, 0);
  await page.getByText('Compare two settings').click();
  await ask(page, 'What do you know about Amsterdam?');
  assert.equal(bodies.length, 2);
  assert.ok(bodies[0].seed !== undefined && bodies[0].seed === bodies[1].seed);
  await page.getByText('Compare two settings').click();
  await page.getByRole('button', { name: 'Edit question' }).click();
  const field = page.getByLabel('Question', { exact: true });
  assert.equal(await field.inputValue(), 'What do you know about Amsterdam?');
  assert.ok(await field.evaluate((box) => box === document.activeElement));
  await page.keyboard.press('End');
  for (let i = 0; i < 'Amsterdam?'.length; i++) await page.keyboard.press('Backspace');
  await page.keyboard.type('Paris?');
  await page.keyboard.press('Enter');
  await over(page);
  assert.equal(bodies.at(-1).prompt, 'What do you know about Paris?');
  await page.getByRole('button', { name: 'Edit draft' }).click();
  await page.locator('.draft.editing').waitFor();
  assert.ok(await page.locator('.draft').evaluate((box) => box === document.activeElement));
  assert.match(await page.locator('.edit-bar .hint').textContent(), /arrow keys: M blanks, L locks, E frees, R retypes/);
}, quick);

check('six to eight questions that the model answers, and a line on what it knows', async (page) => {
  const known = await page.locator(".examples button").count();
  assert.ok(known >= 6 && known <= 8, String(known));
  assert.match(await page.locator('.about').textContent(), /knows/);
}, { skip: mock ? 'needs the built-in model' : false });

const written = '# Title\n\nSome **bold** and `code`.\n\n- one\n- [two](https://example.org/)\n\n```c\nint main(void);\n```\n<img src=x onerror="document.title=1"><script>document.title=2</script>';
check('Markdown and code are shown as such, and HTML as text', async (page) => {
  await over(page);
  await page.getByText('Formatted', { exact: true }).click();
  const box = page.locator('.draft.read');
  assert.deepEqual(await texts(page, '.draft.read [role=heading]'), ['Title']);
  assert.deepEqual(await texts(page, '.draft.read li'), ['one', 'two']);
  assert.deepEqual(await texts(page, '.draft.read pre code'), ['int main(void);']);
  assert.deepEqual(await texts(page, '.draft.read strong'), ['bold']);
  assert.equal(await box.locator('a').getAttribute('rel'), 'noopener noreferrer');
  assert.match(await box.textContent(), /<img src=x onerror="document.title=1"><script>/);
  assert.equal(await page.locator('.turn img, .turn script').count(), 0);
  assert.equal(await page.title(), 'redraft');
  await shot(page, 'formatted');
}, { fragment: linked('Show me', [[[written], {}]], written) });

const checkedDrafts = [
  [['The', ' cat', ' sat'], { sure: 1, changed: [1, 2], drafted: 2, accepted: 0, rejected: 0 }],
  [['The', ' dog', ' ran'], { sure: 2, changed: [1, 2], drafted: 0, accepted: 0, rejected: 2 }],
];
check('words that are drafted, and those that the model put in their place', async (page) => {
  await over(page);
  await page.getByRole('slider', { name: 'Step', exact: true }).fill('0');
  assert.deepEqual(await texts(page, '.draft .tok.drafted'), [' cat', ' sat']);
  assert.match(await page.locator('.numbers .drafted').textContent(), /2 drafted, 0 accepted, 0 rejected/);
  await page.getByRole('slider', { name: 'Step', exact: true }).fill('1');
  assert.deepEqual(await texts(page, '.draft .tok.replaced'), [' dog']);
  assert.match((await page.locator('.draft .tok.replaced').getAttribute('aria-label')) ?? '', /the model's own, where another was drafted/);
  const colours = await page.evaluate(() => ['new', 'drafted', 'replaced', 'masked'].map((name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`)));
  assert.equal(new Set(colours).size, 4);
  assert.match(await page.locator('.verdict').textContent(), /1 of 2 drafted words accepted/);
  await shot(page, 'verified');
}, { fragment: linked('Which?', checkedDrafts, 'The dog ran') });

check('twice as large, as a browser zooms: nothing is lost, nothing is wider than the screen', async (page) => {
  const fits = async (where) => assert.ok((await page.evaluate(() => document.documentElement.scrollWidth)) <= 640, where);
  await pause(page, 0);
  await page.getByRole('heading', { name: 'Watch an answer come out of noise' }).waitFor();
  await fits('at first');
  await ask(page, 'What do you know about Amsterdam?');
  await fits('an answer');
  for (const name of ['Ask', 'Copy answer', 'Edit draft', 'Export replay', 'Settings']) {
    const button = page.getByRole('button', { name, exact: true }).first();
    await button.scrollIntoViewIfNeeded();
    const box = await button.boundingBox();
    assert.ok(box && box.x >= 0 && box.x + box.width <= 640 && box.y >= 0 && box.y + box.height <= 400, `${name}: ${JSON.stringify(box)}`);
  }
  await page.locator('.draft').scrollIntoViewIfNeeded();
  assert.ok((await page.locator('.draft').boundingBox()).height >= 100);
  await page.getByRole('button', { name: 'Settings', exact: true }).click();
  await page.locator('.settings.open').waitFor();
  await fits('settings');
}, { ...quick, width: 640, height: 400 });

check('mask a word, then mend it', async (page) => {
  await pause(page, 0);
  await ask(page, "What's the capital of France?");
  await page.getByRole('button', { name: 'Edit draft' }).click();
  assert.equal(await page.getByRole('button', { name: 'Mend' }).isDisabled(), true);
  await page.getByText('Mask', { exact: true }).click();
  const tokens = page.locator('.draft .tok');
  const words = await tokens.allTextContents();
  const place = mock ? 2 : words.findIndex((word) => word.includes('Paris'));
  await tokens.nth(place).click();
  await page.getByRole('button', { name: 'Mend' }).click();
  await page.locator('.turn.open .note').waitFor();
  await over(page);
  assert.match(await page.locator('.turn.open .note').textContent(), /Mended: 3 tokens masked, \d+ locked, 0 free/);
  if (mock) {
    const { draft, sampler } = mock.counts.requests.at(-1).body;
    assert.equal(sampler, 'infill');
    assert.deepEqual(draft.state.slice(1, 6), ['lock', 'mask', 'mask', 'mask', 'lock']);
  } else {
    assert.match(await page.locator('.turn.open .draft').textContent(), /Paris/);
  }
}, quick);

check('save a trace, load it again', async (page) => {
  await pause(page, 0);
  await ask(page, "What's the capital of France?");
  const saving = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Save trace' }).click();
  const path = join(folder, 'trace.jsonl');
  await (await saving).saveAs(path);
  const lines = readFileSync(path, 'utf8').trim().split('\n').map((line) => JSON.parse(line).event);
  assert.equal(lines[0], 'start');
  assert.equal(lines.at(-1), 'done');
  await page.locator('input[type=file]').setInputFiles(path);
  await page.getByText('Loaded from trace.jsonl').waitFor();
  writeFileSync(join(folder, 'bad.jsonl'), '{"event":"nonsense"}\n');
  await page.locator('input[type=file]').setInputFiles(join(folder, 'bad.jsonl'));
  assert.match(await page.getByRole('alert').textContent(), /bad\.jsonl: line 1: unknown event/);
}, quick);

check('export a replay as one file that works alone', async (page) => {
  await pause(page, 0);
  await ask(page, 'Show me </script><b>HTML</b> & "quotes"');
  const answer = await page.locator('.draft').textContent();
  const saving = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Export replay' }).click();
  const path = join(folder, 'replay.html');
  await (await saving).saveAs(path);
  const tab = await open({ at: `file://${path}` });
  await tab.page.getByText('a saved replay').waitFor();
  await tab.page.getByRole('button', { name: 'To the end' }).click();
  assert.equal(await tab.page.locator('.draft').textContent(), answer);
  assert.equal(await tab.page.locator('h2').first().textContent(), 'Show me </script><b>HTML</b> & "quotes"');
  assert.equal(await tab.page.locator('.composer').count(), 0);
  await shot(tab.page, 'replay');
  const again = tab.page.waitForEvent('download');
  await tab.page.getByRole('button', { name: 'Export replay' }).click();
  await (await again).saveAs(join(folder, 'again.html'));
  assert.equal(readFileSync(join(folder, 'again.html'), 'utf8'), readFileSync(path, 'utf8'));
  assert.deepEqual(tab.errors, []);
  assert.deepEqual(tab.outside, []);
  await tab.close();
}, quick);

check('text from prompt and model is text', async (page) => {
  await pause(page, 0);
  await ask(page, '<img src=x onerror="document.title=1"> html');
  assert.equal(await page.locator('.turn img, .turn b:not(.numbers b, .verdict b, .key b)').count(), 0);
  assert.equal(await page.title(), 'redraft');
  if (mock) assert.match(await page.locator('.draft').textContent(), /<script>alert\(1\)<\/script>/);
}, quick);

check('every setting: changed, sent, carried by the link, reset', async (page) => {
  const { options, samplers } = await (await page.request.get(`${url}api/options`)).json();
  await page.locator('details.all summary').click();
  const name = (row) => row.name.replaceAll('-', '_');
  const own = new Set(['prompt', 'system', 'messages', 'draft', 'pause', 'watch', 'trace', 'json', 'stream']);
  const rows = options.filter((row) => !own.has(name(row)));
  // The sampler last: it may bring defaults of its own.
  for (const row of [...rows.filter((item) => item.name !== 'sampler'), ...rows.filter((item) => item.name === 'sampler')]) {
    const field = page.locator(`#all0-${name(row)}`);
    const choices = (row.choices ?? samplers).map((choice) => choice.name ?? choice);
    if (row.kind === 'flag') await field.setChecked(!row.default, { force: true });
    else if (row.kind === 'choice') await field.selectOption(choices.find((choice) => choice !== row.default));
    else if (row.kind === 'text') await field.fill('x');
    else if (row.kind === 'uint64') await field.fill('18446744073709551615');
    else await field.fill(String(row.default === row.max ? row.min : row.max));
    await page.locator(`.option.changed #all0-${name(row)}`).waitFor({ state: 'attached' });
  }
  for (const row of rows) await page.waitForFunction((key) => new URLSearchParams(location.hash.slice(1)).has(key), name(row));
  const field = page.locator('#all0-iterations');
  await field.fill('0');
  assert.match(await page.locator('.option:has(#all0-iterations) .error').textContent(), /iterations is a whole number from 1 to/);
  await page.getByRole('button', { name: 'Reset all' }).click();
  assert.equal(await page.locator('.option.changed').count(), 0);
  await page.waitForFunction(() => location.hash === '');
  await page.getByLabel('Preset', { exact: true }).selectOption('Quick');
  await page.getByRole('button', { name: 'Copy link' }).click();
  const link = await page.evaluate(() => navigator.clipboard.readText());
  assert.match(link, /iterations=16/);
  const tab = await open({ at: link });
  await tab.page.locator('#simple0-iterations').waitFor();
  assert.equal(await tab.page.locator('#simple0-iterations').inputValue(), '16');
  await tab.close();
  await page.getByLabel('Name of the preset').fill('mine');
  await page.locator('#simple0-iterations').fill('7');
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  assert.equal(await page.getByLabel('Preset', { exact: true }).inputValue(), 'mine');
});

check('conversation: retry and earlier turns', async (page) => {
  await pause(page, 0);
  await page.getByText('Remember earlier turns').click();
  await page.getByText('System prompt').click();
  await page.getByLabel('System prompt').fill('Be brief.');
  await ask(page, "What's the capital of France?");
  await page.getByRole('button', { name: 'Retry' }).click();
  await page.locator('.turn.folded').waitFor();
  await over(page);
  await ask(page, 'And of the Netherlands?');
  assert.equal(await page.locator('.turn.folded').count(), 2);
  if (mock) {
    const { messages } = mock.counts.requests.at(-1).body;
    assert.deepEqual(messages.map((message) => message.role), ['system', 'user', 'assistant', 'user']);
    assert.deepEqual(Object.keys(mock.counts.requests.at(-2).body).sort(), ['model', 'prompt', 'system']);
  }
  await page.getByRole('button', { name: 'Explore' }).first().click();
  assert.equal(await page.locator('.turn.open h2').textContent(), "What's the capital of France?");
});

check('keyboard only', async (page) => {
  await page.locator('.settings').waitFor();
  await pause(page, 0);
  await page.locator('body').press('/');
  await page.keyboard.type("What's the capital of France?");
  await page.keyboard.press('Enter');
  await over(page);
  await page.locator('#prompt').evaluate((field) => field.blur());
  const [, of] = await place(page);
  await page.keyboard.press('Home');
  assert.deepEqual(await place(page), [1, of]);
  await page.keyboard.press('ArrowRight');
  assert.deepEqual(await place(page), [2, of]);
  await page.keyboard.press('End');
  assert.deepEqual(await place(page), [of, of]);
  await page.keyboard.press('d');
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('ArrowRight');
  const active = await page.locator('.draft').getAttribute('aria-activedescendant');
  assert.match((await page.locator(`#${active}`).getAttribute('aria-label')) ?? '', /%/);
  await page.keyboard.press('v');
  await page.locator('.draft .tok.shaded').first().waitFor();
  await page.keyboard.press('Escape');
  await page.keyboard.press('?');
  await page.locator('dialog[open]').waitFor();
  await page.keyboard.press('Escape');
  await page.locator('dialog[open]').waitFor({ state: 'detached' });
  await page.keyboard.press('s');
  await page.locator('.settings.open').waitFor({ state: 'detached' });
  const edit = page.getByRole('button', { name: 'Edit draft' });
  for (let i = 0; i < 60 && !(await edit.evaluate((button) => button === document.activeElement)); i++) await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await page.locator('.draft.editing').waitFor();
  for (let i = 0; i < 60 && !(await page.locator('.draft').evaluate((box) => box === document.activeElement)); i++) await page.keyboard.press('Shift+Tab');
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('l');
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('m');
  await page.locator('.draft .tok.masked').waitFor();
  assert.equal(await page.locator('.draft .tok.locked').count(), 1);
  assert.equal(await page.locator('.draft .tok.masked').count(), 1);
}, quick);

check('every control has a name', async (page) => {
  await pause(page, 0);
  await ask(page, "What's the capital of France?");
  await page.locator('details.all summary').click();
  const nameless = await page.evaluate(() =>
    [...document.querySelectorAll('button, input, select, textarea, [role=listbox], [role=option]')]
      .filter((item) => !(item.getAttribute('aria-label') || item.labels?.length || item.textContent.trim() || item.closest('label')))
      .map((item) => item.outerHTML.slice(0, 120)),
  );
  assert.deepEqual(nameless, []);
  const ids = await page.evaluate(() => [...document.querySelectorAll('[id]')].map((item) => item.id));
  assert.equal(new Set(ids).size, ids.length, 'an id twice');
}, quick);

for (const dark of [false, true])
  check(`axe finds nothing, ${dark ? 'dark' : 'light'}`, async (page) => {
    const axe = readFileSync(new URL('../../web/node_modules/axe-core/axe.min.js', import.meta.url), 'utf8');
    const clean = async (where) => {
      const { violations } = await page.evaluate(`(() => { ${axe}; return window.axe.run(document, { resultTypes: ['violations'] }); })()`);
      assert.deepEqual(violations.map((found) => `${found.id}: ${found.nodes[0].html.slice(0, 200)}`), [], where);
    };
    await pause(page, 0);
    await page.locator('details.all summary').click();
    await page.getByRole('heading', { name: 'Watch an answer come out of noise' }).waitFor();
    await clean('at first');
    await ask(page, 'What do you know about Amsterdam?');
    await page.getByRole('slider', { name: 'Step', exact: true }).fill('2');
    await page.waitForTimeout(400); // words settle
    await clean('an answer');
    await page.getByText('Formatted', { exact: true }).click();
    await clean('formatted');
    await page.getByText('Text', { exact: true }).click();
    await page.getByRole('button', { name: 'Edit draft' }).click();
    await clean('under the pen');
    await page.getByRole('button', { name: 'Conversations' }).click();
    await clean('conversations');
  }, { fragment: '#tokens=40&iterations=8', dark });

for (const dark of [false, true])
  check(`axe finds nothing where the model checks drafts, ${dark ? 'dark' : 'light'}`, async (page) => {
    const axe = readFileSync(new URL('../../web/node_modules/axe-core/axe.min.js', import.meta.url), 'utf8');
    await over(page);
    for (const step of ['0', '1']) {
      await page.getByRole('slider', { name: 'Step', exact: true }).fill(step);
      await page.waitForTimeout(400); // words settle
      const { violations } = await page.evaluate(`(() => { ${axe}; return window.axe.run(document, { resultTypes: ['violations'] }); })()`);
      assert.deepEqual(violations.map((found) => `${found.id}: ${found.nodes[0].html.slice(0, 200)}`), []);
    }
  }, { fragment: linked('Which?', checkedDrafts, 'The dog ran'), dark });

check('a phone: all in one column, nothing wider than the screen', async (page) => {
  await ask(page, 'What do you know about Amsterdam?');
  const width = () => page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok((await width()) <= 390, `${await width()} px`);
  await shot(page, 'phone');
  await page.getByText('Compare two settings').click();
  await page.getByRole('button', { name: 'Close settings' }).click();
  await ask(page, 'What do you know about Amsterdam?');
  assert.ok((await width()) <= 390, `${await width()} px`);
  await page.getByRole('button', { name: 'Settings', exact: true }).click();
  await page.locator('.settings.open').waitFor();
  await shot(page, 'phone-settings');
  assert.ok((await width()) <= 390, `${await width()} px`);
}, { ...quick, width: 390, height: 844 });

check('dark, and colours that everyone can tell apart', async (page) => {
  await pause(page, 0);
  await page.getByText('Colour-blind safe').click();
  await ask(page, 'What do you know about Amsterdam?');
  await page.getByRole('slider', { name: 'Step', exact: true }).fill('1');
  await page.locator('.draft .tok.new').first().waitFor();
  assert.equal(await page.locator('html').getAttribute('data-palette'), 'safe');
  const dark = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  await shot(page, 'dark');
  await page.getByText('Light', { exact: true }).click();
  await page.waitForFunction((before) => getComputedStyle(document.body).backgroundColor !== before, dark);
}, { ...quick, dark: true });

check('a first visit: a question plays by itself, the settings are closed', async (page) => {
  await page.locator('.turn.open .draft .tok').first().waitFor();
  assert.equal(await page.locator('.settings.open').count(), 0);
  await over(page);
  assert.match(await page.locator('.turn.open h2').textContent(), /capital of France/);
  await kept(page, 1);
  await page.reload();
  await over(page); // what was asked survives, and nothing is asked again
  assert.equal(await page.locator('.turn').count(), 1);
  await page.getByRole('button', { name: 'Start over' }).click();
  await page.reload();
  await page.getByRole('heading', { name: 'Watch an answer come out of noise' }).waitFor();
  assert.equal(await page.locator('.turn').count(), 0);
  assert.doesNotMatch(await page.locator('main').innerText(), /canvas|sampler|remask|logit|softmax|entropy|schedule/i, 'plain words come before terms');
}, { first: true });

check('conversations are kept: opened again, renamed, deleted, exported', async (page) => {
  await pause(page, 0);
  await ask(page, "What's the capital of France?");
  const answer = await page.locator('.turn.open .draft').textContent();
  await page.getByRole('button', { name: 'Start over' }).click();
  await page.getByRole('button', { name: 'Conversations' }).click();
  await page.getByLabel(/^Name of What's the capital/).fill('mine');
  await page.getByLabel(/^Name of What's the capital/).press('Tab');
  const saving = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Export all' }).click();
  await (await saving).saveAs(join(folder, 'all.md'));
  await page.getByRole('button', { name: 'Open mine' }).click();
  await over(page);
  assert.equal(await page.locator('.turn.open .draft').textContent(), answer);
  assert.match(readFileSync(join(folder, 'all.md'), 'utf8'), /> What's the capital of France\?/);
  await page.getByRole('button', { name: 'Conversations' }).click();
  await page.getByRole('button', { name: 'Delete mine' }).click();
  await page.getByText('Nothing is kept yet.').waitFor();
}, quick);

check('a conversation that is opened while an answer runs stays as it was kept', async (page) => {
  await pause(page, 0);
  await ask(page, "What's the capital of France?");
  const shown = async () => [await place(page), await page.locator('.verdict').textContent(), await page.locator('.turn.open .draft').textContent()];
  const before = await shown();
  await kept(page, 1);
  await page.getByRole('button', { name: 'Start over' }).click();
  await page.goto(`${url}#iterations=512&patience=0`);
  await page.reload(); // turns are counted anew: the next has the number of the one that is kept
  await page.evaluate(() => (window.setInterval = () => 0)); // its events have come, and wait to be shown, when it is left
  await ask(page, 'What do you know about Amsterdam?', false);
  await page.getByRole('button', { name: 'Stop' }).waitFor();
  await page.waitForTimeout(200);
  await page.getByRole('button', { name: 'Conversations' }).click();
  await page.getByRole('button', { name: "Open What's the capital of France?" }).click();
  await page.locator('.turn.open h2').getByText('capital of France').waitFor();
  await over(page);
  await page.waitForTimeout(200);
  assert.deepEqual(await shown(), before);
  await page.reload();
  await over(page);
  assert.deepEqual(await shown(), before);
}, quick);

check('a question is kept from when it is asked', async (page) => {
  await page.goto(`${url}#iterations=512&patience=0`);
  await page.reload();
  await page.evaluate(() => (window.setInterval = () => 0)); // nothing of its answer is shown
  await ask(page, 'What do you know about Amsterdam?', false);
  await page.getByRole('button', { name: 'Stop' }).waitFor();
  await kept(page, 1);
  await page.reload();
  await page.locator('.turn.open h2').getByText('Amsterdam').waitFor();
  await over(page);
}, quick);

check('the open conversation keeps its name; two tabs keep one each; what is deleted stays so', async (page) => {
  await pause(page, 0);
  const listed = async (tab, ...names) => {
    await tab.reload(); // the list is read anew
    await tab.getByRole('button', { name: 'Conversations' }).click();
    await tab.locator('.kept li').nth(names.length - 1).waitFor();
    assert.deepEqual(await tab.locator('.kept li input').evaluateAll((fields) => fields.map((field) => field.value)), names);
  };
  const questions = async (tab) => (await over(tab), texts(tab, '.turn h2'));
  await ask(page, 'one');
  await kept(page, 1);
  await listed(page, 'one');
  await page.getByLabel('Name of one').fill('mine');
  await page.getByLabel('Name of one').press('Tab');
  await page.getByLabel('Name of mine').waitFor();
  await page.keyboard.press('Escape');
  await ask(page, 'two');
  await kept(page, 2);
  await listed(page, 'mine');
  await page.keyboard.press('Escape');
  const [other] = await Promise.all([page.waitForEvent('popup'), page.evaluate(() => void window.open(location.href))]);
  assert.deepEqual(await questions(other), ['one', 'two']);
  await ask(other, 'three');
  await kept(other, 3);
  await ask(page, 'four');
  await page.waitForTimeout(300); // the record that was both's has three turns, too
  await kept(page, 3);
  await listed(page, 'mine', 'mine');
  assert.deepEqual(await questions(page), ['one', 'two', 'four']);
  await other.reload();
  assert.deepEqual(await questions(other), ['one', 'two', 'three']);
  await page.getByRole('button', { name: 'Delete mine' }).first().click(); // the newest: the one that is open
  await page.getByRole('heading', { name: 'Watch an answer come out of noise' }).waitFor({ state: 'attached' });
  await page.keyboard.press('Escape');
  await ask(page, 'five');
  await kept(page, 1);
  await listed(page, 'five', 'mine');
  await page.getByRole('button', { name: 'Delete mine' }).click(); // the other tab's
  await page.getByRole('button', { name: 'Delete mine' }).waitFor({ state: 'detached' });
  await page.keyboard.press('Escape');
  await ask(other, 'six');
  await other.waitForTimeout(300);
  await listed(page, 'five');
}, quick);

check('tokens go to the model that wrote them, and a draft that was gone on from is kept', async (page) => {
  const bodies = [];
  page.on('request', (request) => /api\/(denoise|tokenize)$/.test(request.url()) && bodies.push(JSON.parse(request.postData())));
  const choose = async (name) => {
    const options = page.waitForResponse(/api\/options/);
    await page.getByLabel('Model', { exact: true }).selectOption(name);
    await options;
    await page.waitForTimeout(100);
  };
  await pause(page, 0);
  await choose('other');
  await ask(page, "What's the capital of France?");
  await choose('mock');
  await page.getByRole('button', { name: 'Edit draft' }).click();
  await page.getByText('Retype', { exact: true }).click();
  await page.locator('.draft .tok').nth(1).click();
  await page.locator('.retype-text').fill('town');
  await page.locator('.retype-text').press('Enter');
  await page.locator('.draft .tok.locked').waitFor();
  assert.deepEqual(bodies.at(-1), { text: ' town', continue: true, model: 'other' });
  await page.getByRole('button', { name: 'Redraft' }).click();
  await page.locator('.turn.open .note').waitFor();
  await over(page);
  const { draft, model } = bodies.at(-1);
  assert.deepEqual([model, draft.state[1]], ['other', 'lock']);
  await kept(page, 2);
  await page.reload();
  await over(page);
  await page.getByRole('button', { name: 'Retry' }).click();
  await page.locator('.turn.open .note').getByText('Again').waitFor();
  await over(page);
  assert.deepEqual([bodies.at(-1).model, bodies.at(-1).draft], ['other', draft]);
  await ask(page, 'And of the Netherlands?');
  assert.equal(bodies.at(-1).model, 'mock');
  await kept(page, 4);
  await page.route(/api\/options/, async (route) => {
    const answer = await (await route.fetch()).json();
    await route.fulfill({ json: { ...answer, models: [{ id: 'mock' }] } });
  });
  await page.reload();
  await over(page);
  const disabled = async (name) => page.locator('.turn.open').getByRole('button', { name, exact: true }).isDisabled();
  await page.waitForFunction(() => !document.querySelector('select.model') && document.querySelector('.settings'));
  assert.deepEqual([await disabled('Edit draft'), await disabled('Retry')], [false, false]);
  await page.getByRole('button', { name: 'Explore' }).last().click(); // 'Again', by the model that is gone
  await over(page);
  assert.deepEqual([await disabled('Edit draft'), await disabled('Retry')], [true, true]);
}, { skip: mock ? false : 'needs the stand-in server', fragment: '#iterations=8' });

check('where the browser keeps nothing, all else works', async (page) => {
  await page.addInitScript(() => {
    const get = () => {
      throw new DOMException('Access is denied', 'SecurityError');
    };
    for (const name of ['localStorage', 'sessionStorage', 'indexedDB']) Object.defineProperty(window, name, { get });
  });
  await page.reload();
  await page.locator('.settings').waitFor({ state: 'attached' });
  await pause(page, 0);
  await ask(page, "What's the capital of France?");
  await page.getByRole('button', { name: 'Start over' }).click();
  await page.getByRole('heading', { name: 'Watch an answer come out of noise' }).waitFor();
}, quick);

check('text from right to left stands so', async (page) => {
  const direction = (selector) => page.locator(selector).first().evaluate((box) => getComputedStyle(box).direction);
  await pause(page, 0);
  await over(page);
  for (const selector of ['.turn.open h2', '.draft']) assert.equal(await direction(selector), 'rtl', selector);
  await page.getByText('Formatted', { exact: true }).click();
  for (const selector of ['.draft.read p', '.draft.read ul']) assert.equal(await direction(selector), 'rtl', selector);
  assert.equal(await direction('.draft.read pre'), 'ltr');
  await page.getByText('System prompt').click();
  for (const selector of ['#prompt', '.system textarea']) {
    assert.equal(await direction(selector), 'ltr');
    await page.locator(selector).fill('שלום');
    assert.equal(await direction(selector), 'rtl', selector);
  }
  await shot(page, 'rtl');
  await ask(page, 'Hello');
  for (const selector of ['.folded h2', '.folded .answer p']) assert.equal(await direction(selector), 'rtl', selector);
  assert.equal(await direction('.turn.open h2'), 'ltr');
}, { fragment: linked('מהי בירת צרפת?', [[['פריז היא', ' הבירה\n\n- אחת\n\n', '```\nint א;\n```'], {}]], 'פריז היא הבירה') });

check('keys in a code block and in the formatted draft are theirs', async (page) => {
  await over(page);
  await page.getByText('Formatted', { exact: true }).click();
  for (const selector of ['.draft.read pre', '.draft.read']) {
    await page.locator(selector).focus();
    for (const key of ['ArrowLeft', 'Home', ' ']) {
      await page.keyboard.press(key);
      assert.deepEqual(await place(page), [2, 2], `${key} in ${selector}`);
    }
  }
  await page.locator('.draft.read').evaluate((box) => box.blur());
  await page.keyboard.press('Home');
  assert.deepEqual(await place(page), [1, 2]);
}, { fragment: linked('Show me', [[['First'], {}], [['```\nint main(void);\n```'], {}]], 'done') });

check('a link that may not be copied stays to be read', async (page) => {
  await page.evaluate(() => (navigator.clipboard.writeText = () => Promise.reject(new Error('no'))));
  await page.getByRole('button', { name: 'Copy link', exact: true }).click();
  const notice = page.locator('.notice');
  await notice.getByText('iterations=16').waitFor();
  await page.waitForTimeout(4500);
  assert.match(await notice.textContent(), /#.*iterations=16/);
  await page.evaluate(() => delete navigator.clipboard.writeText);
  await page.getByRole('button', { name: 'Copy link', exact: true }).click();
  await notice.getByText('Link copied').waitFor();
  await notice.waitFor({ state: 'detached' });
}, { fragment: '#iterations=16' });

check('an empty question asks what the field says', async (page) => {
  await pause(page, 0);
  const words = await page.locator('#prompt').getAttribute('placeholder');
  await page.getByRole('button', { name: 'Ask', exact: true }).click();
  await over(page);
  assert.equal(await page.locator('.turn.open h2').textContent(), words);
}, quick);

check('a draft that was still changing is marked', async (page) => {
  await pause(page, 0);
  await ask(page, 'What do you know about Amsterdam?');
  assert.match(await page.locator('.verdict.doubtful .warning').textContent(), /still changing/);
  await ask(page, "What's the capital of France?");
  assert.match(await page.locator('.turn.folded .warning').textContent(), /still changing/);
}, { fragment: '#tokens=40&iterations=1' });

check('the slider of length: to the right longer', async (page) => {
  await page.locator('#simple0-eos_bias').waitFor();
  await page.getByRole('slider', { name: 'Shorter / longer answers, slider' }).first().fill('2');
  await page.waitForFunction(() => new URLSearchParams(location.hash.slice(1)).get('eos_bias') === '-2');
  assert.equal(await page.getByRole('slider', { name: /Room for question/ }).first().getAttribute('max'), '2048');
  assert.equal(await page.locator('#pause').getAttribute('max'), '5');
});

check('several models: one is chosen, and asked', async (page) => {
  await page.getByLabel('Model', { exact: true }).selectOption('other');
  await page.getByText('The other one knows nothing.').waitFor();
  await ask(page, "What's the capital of France?");
  assert.equal(mock.counts.requests.at(-1).body.model, 'other');
}, { skip: mock ? false : 'needs the stand-in server', fragment: '#iterations=2' });

check('what was settled is shown, in colour and in words', async (page) => {
  await pause(page, 0);
  await ask(page, "What's the capital of France?");
  await page.getByRole('slider', { name: 'Step', exact: true }).fill('2');
  await page.locator('.numbers .retained').waitFor();
  assert.notEqual(await page.locator('.draft .tok.retained').count(), 0);
}, { skip: mock ? false : 'needs the stand-in server', fragment: '#keep=true&iterations=8' });

check('errors are said in words', async (page) => {
  await ask(page, 'queue full');
  assert.match(await page.locator('.verdict').textContent(), /The queue is full\. \(try again in 2 s\)/);
  await ask(page, 'fail midway');
  assert.match(await page.locator('.turn.open .verdict').textContent(), /the model pass failed/);
  await ask(page, 'cut midway');
  assert.match(await page.locator('.turn.open .verdict').textContent(), /ended before the answer was finished|cannot be reached|network error/i);
}, { skip: mock ? false : 'needs the stand-in server', expect: /Failed to load resource|ERR_/ });
