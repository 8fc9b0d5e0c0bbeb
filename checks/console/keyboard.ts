import assert from 'node:assert/strict';
import type { Page } from 'playwright-core';
import { close, launched, openSignedIn } from './page.ts';

/*
 * No pointer: every step is a key. `tabTo` presses Tab until the focus is on what is sought, so that
 * whatever cannot be reached fails here.
 */

const TABS_MAX = 250;

/** Launches, extends, filters and destroys without a pointer. */
export async function byKeyboard(): Promise<void> {
  for (const name of ['one', 'two', 'three', 'four', 'five', 'six']) await launched({ name });
  const p = await openSignedIn('#/launch', { viewport: { width: 1280, height: 860 } });
  await p.locator('.quote:not(.stale) .price').waitFor();

  await tabTo(p, /^Nodes$/);
  await type(p, '2');
  await tabTo(p, /^Budget$/);
  await type(p, '1,000');
  await tabTo(p, /^Launch 2 nodes$/);
  await p.keyboard.press('Enter');
  // The button leads back to the field that is wrong.
  assert.match(await focused(p), /^Budget$/);
  await type(p, '1');
  await p.locator('.quote:not(.stale)', { hasText: /2 × Nanode 1GB .+ lasts 66 hours/ }).waitFor();
  await tabTo(p, /^Name$/);
  await type(p, 'by keyboard');
  await tabTo(p, /^Launch 2 nodes$/);
  await p.keyboard.press('Enter');

  await p.getByRole('link', { name: 'by keyboard' }).waitFor();
  assert.match(await focused(p), /^Clusters$/, 'the focus is on the heading of the new view');
  await tabTo(p, /^Search$/);
  await p.keyboard.type('by keyboard');
  await p.getByText(/^1 of \d+ clusters$/).waitFor();
  await tabTo(p, /^by keyboard$/);
  await p.keyboard.press('Enter');
  await p.getByRole('heading', { name: '2 of 2 nodes up' }).waitFor({ timeout: 20_000 });

  await tabTo(p, /^\+ 1 h/);
  await p.keyboard.press('Enter');
  await tabTo(p, /^Raise to \$/);
  await p.keyboard.press('Enter');
  await p.getByRole('img', { name: /of 67 hours/ }).waitFor();
  await p.locator('dialog').waitFor({ state: 'detached' });
  // The focus is back on what asked.
  await p.locator('button:focus', { hasText: '+ 1 h' }).waitFor();

  await tabTo(p, /^Destroy …$/);
  await p.keyboard.press('Enter');
  await p.getByRole('dialog', { name: 'Destroy by keyboard?' }).waitFor();
  await p.keyboard.press('Escape');
  await p.locator('dialog').waitFor({ state: 'detached' });
  await p.locator('button:focus', { hasText: 'Destroy …' }).waitFor();
  await p.keyboard.press('Enter');
  await tabTo(p, /^Destroy now$/);
  await p.keyboard.press('Enter');
  await p.locator('.badge', { hasText: /Being destroyed|Gone/ }).waitFor();

  await p.goBack();
  await p.getByRole('heading', { name: 'Clusters', level: 1 }).waitFor();
  await tabTo(p, /^Search$/);
  await type(p, 'g6-nanode');
  await tabTo(p, /^Choose all \d+ shown$/);
  await p.keyboard.press('Space');
  await tabTo(p, /^Destroy \d+ …$/);
  await p.keyboard.press('Enter');
  await tabTo(p, /^Destroy \d+$/);
  await p.keyboard.press('Enter');
  await p.locator('dialog').waitFor({ state: 'detached' });
  await p
    .getByRole('row', { name: /six/ })
    .locator('.badge', { hasText: 'Gone' })
    .waitFor({ timeout: 30_000 });
  await close(p);
}

async function tabTo(p: Page, name: RegExp): Promise<void> {
  for (let tabs = 0; tabs < TABS_MAX; tabs += 1) {
    if (name.test(await focused(p))) return;
    await p.keyboard.press('Tab');
  }
  assert.fail(`${TABS_MAX} tabs lead to no ${name}`);
}

/** The name of what has the focus. */
const focused = (p: Page): Promise<string> =>
  p.evaluate<string>(`(() => {
    const { ariaLabel, labels, innerText } = document.activeElement;
    return (ariaLabel ?? labels?.[0]?.innerText ?? innerText ?? '').replace(/\\s+/g, ' ').trim();
  })()`);

async function type(p: Page, text: string): Promise<void> {
  await p.keyboard.press('Control+A');
  await p.keyboard.type(text);
}
