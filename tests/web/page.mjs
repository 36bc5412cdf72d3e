// SPDX-License-Identifier: MIT
// What every page test needs: a browser, a page that fails on any script error or refused resource,
// and the stand-in server where no real one is named.
//   REDRAFT_URL   a running server to test against (else the first argument, else the stand-in)
//   REDRAFT_SHOTS a folder for screenshots
import { mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { start } from '../../web/mock/server.mjs';

const require = createRequire(new URL('../../web/package.json', import.meta.url));
const { chromium } = require('playwright-core');

const given = process.env.REDRAFT_URL ?? process.argv.slice(2).find((word) => word.startsWith('http'));
export const mock = given ? null : await start({ step: 8 });
export const url = given ?? mock.url;
const shots = process.env.REDRAFT_SHOTS;
if (shots) mkdirSync(shots, { recursive: true });

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox'] });
export const close = async () => {
  await browser.close();
  mock?.close();
};

/** A fresh page, of one who was here before and left the settings open; `first`: of one who was not. `errors` gathers what the console and the page complain about. */
export async function open({ width = 1400, height = 900, fragment = '', at = url, dark = false, first = false } = {}) {
  const context = await browser.newContext({
    viewport: { width, height },
    acceptDownloads: true,
    colorScheme: dark ? 'dark' : 'light',
    permissions: at.startsWith('http') ? ['clipboard-read', 'clipboard-write'] : [],
  });
  const page = await context.newPage();
  if (!first && at.startsWith('http'))
    await page.addInitScript((wide) => {
      localStorage.setItem('redraft-visited', 'true');
      localStorage.setItem('redraft-settings', String(wide));
    }, width >= 1100);
  page.setDefaultTimeout(Number(process.env.REDRAFT_PATIENCE ?? 300_000)); // nothing takes that long but what is broken
  const errors = [];
  const outside = [];
  page.on('console', (message) => message.type() === 'error' && errors.push(message.text()));
  page.on('pageerror', (error) => errors.push(error.message));
  page.on('request', (request) => {
    if (/^https?:/.test(request.url()) && !request.url().startsWith(url)) outside.push(request.url());
  });
  await page.goto(at + fragment);
  return { page, errors, outside, close: () => context.close() };
}

export async function shot(page, name) {
  if (shots) await page.screenshot({ path: `${shots}/${name}.png` });
}

/** Asks, and waits for the end of the run unless told not to. */
export async function ask(page, question, wait = true) {
  await page.getByLabel('Question', { exact: true }).fill(question);
  await page.getByRole('button', { name: 'Ask', exact: true }).click();
  if (wait) await over(page);
}

/** Waits until the open runs are over and their timelines stand at the end. */
export async function over(page) {
  await page.waitForFunction(() => {
    const runs = [...document.querySelectorAll('.turn.open .explorer')];
    const arrived = (run) => new Set(run.querySelector('.place').textContent.split(' / ')).size === 1;
    return runs.length > 0 && runs.every((run) => run.querySelector('.verdict strong') && arrived(run));
  });
}

/** Waits until the browser keeps the open conversation with so many turns. */
export async function kept(page, turns) {
  await page.waitForFunction((wanted) => new Promise((done) => {
    const request = indexedDB.open('redraft', 1);
    request.onupgradeneeded = () => request.transaction.abort(); // the page makes it, not this
    request.onerror = () => done(false);
    request.onsuccess = () => {
      const read = request.result.transaction('conversations').objectStore('conversations').get(sessionStorage.getItem('redraft-conversation') ?? '');
      read.onsuccess = () => (request.result.close(), done(read.result?.turns.length === wanted));
    };
  }), turns);
}

export const texts = (page, selector) => page.locator(selector).allTextContents();
export const place = async (page) => (await page.locator('.place').first().textContent()).split('/').map(Number);
