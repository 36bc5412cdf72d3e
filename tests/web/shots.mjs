// SPDX-License-Identifier: MIT
// The pictures of the documentation: REDRAFT_URL=.. REDRAFT_SHOTS=doc node tests/web/shots.mjs
import { ask, close, open, shot } from './page.mjs';

const amsterdam = 'What do you know about Amsterdam?';
const settings = '#tokens=48&seed=7&iterations=16&patience=0'; // to the last iteration, so that there is something to see
const converging = { fragment: '#tokens=48&seed=7' };

/** One picture of a fresh page, after `run`. */
async function picture(name, run, options = {}) {
  const tab = await open({ width: 1100, height: 780, fragment: settings, ...options });
  await run(tab.page);
  await tab.page.mouse.move(5, 5);
  await tab.page.evaluate(() => document.fonts.ready);
  await shot(tab.page, name);
  await tab.close();
}

/** To a step, counted from the starting noise: draft 1, noise on it, draft 2, .. */
async function scrub(page, step) {
  const slider = page.getByRole('slider', { name: 'Step', exact: true }).first();
  await slider.fill(String(Math.min(step, Number(await slider.getAttribute('max')))));
  await page.evaluate(() => scrollTo(0, 0));
}

await picture('page', async (page) => {
  await ask(page, amsterdam);
  await scrub(page, 4);
}, { height: 860 });
await picture('page-done', async (page) => {
  await ask(page, "What's the capital of France?");
  await page.getByText('Confidence', { exact: true }).first().click();
  await page.locator('.draft .tok').nth(1).click();
}, converging);
await picture('page-compare', async (page) => {
  await page.getByText('Compare two settings').click();
  await ask(page, amsterdam);
  await scrub(page, 4);
}, { width: 1300 });
await picture('page-settings', async (page) => {
  await page.locator('details.all summary').click();
  await ask(page, amsterdam);
  await page.evaluate(() => scrollTo(0, 0));
});
await picture('page-phone', async (page) => {
  await ask(page, amsterdam);
  await scrub(page, 4);
}, { width: 390, height: 844 });
await picture('page-dark', async (page) => {
  await page.getByText('Colour-blind safe').click();
  await ask(page, amsterdam);
  await scrub(page, 4);
}, { dark: true });
await close();
