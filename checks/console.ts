import assert from 'node:assert/strict';
import type { Page } from 'playwright-core';
import { budgets } from './console/budgets.ts';
import { comeUp, destroy, extend, lostContact, noClusters, page } from './console/clusters.ts';
import { history } from './console/history.ts';
import { jobFromFiles, jobLog, jobNodes } from './console/jobs.ts';
import { byKeyboard } from './console/keyboard.ts';
import { launch, quote, refusal, room, truth, types } from './console/launching.ts';
import { hundreds, manyNodes, several } from './console/many.ts';
import { check, close, failing, looksRight, open, settings, stack, step } from './console/page.ts';
import { schedules } from './console/schedules.ts';

/**
 * `npm run test:web` uses the console in Chromium, on a local stack whose clock runs at 60 times
 * real time. Exits with 0 only if each step works; if every state fits 1440 and 390 px, in the light
 * and the dark theme, and axe finds no problem in it; and if the page sends requests only to its own
 * origin, is small, has no request fail, and writes no error to the browser's console. The screenshots are in
 * `.screenshots/`.
 */
const PAGE_KB_MAX = 100;
/** Generous, for busy machines: an idle machine needs less than a second. */
const FIRST_DATA_MS_MAX = 4_000;

await check(async () => {
  await wide();
  await step('of seven clusters several are found, extended and destroyed', several);
  await step('200 clusters are shown, sorted and filtered', hundreds);
  await step('500 nodes are shown, sorted and filtered', manyNodes);
  await step('a job runs files that are chosen here, and its results are there', jobFromFiles);
  await step('the log of a job is text, follows, is searched and stays in bounds', jobLog);
  await step('a job on 500 nodes is shown, with its results', jobNodes);
  await step('everything is done by keyboard', byKeyboard);
  await phone();
});

async function wide(): Promise<void> {
  const opened = await open({ viewport: { width: 1280, height: 860 } });
  await step('a wrong token is refused, and a right token accepted', () => signIn(opened));
  await step('without clusters, the page says so', () => noClusters(opened));
  await step('the quote follows the form, and an alternative fills it in', () => quote(opened));
  await step('types are filtered and sorted', () => types(opened));
  await step('too small a budget is refused, and a large enough one offered', () =>
    refusal(opened),
  );
  await step('a price is shown only for what can be launched, and the button says why not', () =>
    truth(opened),
  );
  await step('network, setup and open ports are chosen, and have faults of their own', () =>
    room(opened),
  );
  await step('a double click and a lost answer launch one cluster', () => launch(opened));
  await step('the nodes of the cluster come up', () => comeUp(opened));
  await step('limits are raised and lowered, after a question', () => extend(opened));
  await step('the page of the cluster has nodes, inventory, passwords and history', () =>
    page(opened),
  );
  await step('without contact the countdown goes on, until contact is back', () =>
    lostContact(opened),
  );
  await step('the page loads fast, and is small', () => weigh(opened));
  await step('a deletion asks for confirmation, and says the cost', () => destroy(opened));
  await step('the history shows the cluster, also as CSV', () => history(opened));
  await step('a schedule is created, paused and deleted', () => schedules(opened));
  await step('an owner is added, gets caps and a token once, and is revoked', () =>
    budgets(opened),
  );
  await step('signing out forgets the token', () => signOut(opened));
}

async function phone(): Promise<void> {
  const viewport = { width: 360, height: 740 };
  const opened = await open({ viewport, colorScheme: 'dark', isMobile: true, hasTouch: true });
  await step('on a phone, in the dark, every view fits and is accessible', async () => {
    await opened.goto(stack.url);
    await opened.getByLabel('API token').fill(settings.apiToken);
    await looksRight(opened, 'sign-in');
    await opened.getByRole('button', { name: 'Sign in' }).click();
    for (const view of ['Launch', 'Clusters', 'History', 'Schedules', 'Budget']) {
      await opened.getByRole('link', { name: view, exact: true }).click();
      await opened.locator('.loading').first().waitFor({ state: 'detached' });
      if (view === 'Launch') {
        await opened.getByText(/lasts \d+ hours/).waitFor();
        await looksRight(opened, view);
        await opened.getByRole('button', { name: 'Launch 10 nodes' }).click();
        await opened.getByRole('heading', { name: '10 of 10 nodes up' }).waitFor();
      } else await looksRight(opened, view);
    }
  });
}

async function signIn(p: Page): Promise<void> {
  await p.goto(stack.url);
  await looksRight(p, 'sign-in');
  await p.keyboard.type('wrong');
  await failing(p, async () => {
    await p.keyboard.press('Enter');
    await p.getByText('not one of this deployment').waitFor();
  });
  await p.getByLabel('API token').fill(settings.apiToken);
  await p.keyboard.press('Enter');
  await p.getByRole('heading', { name: 'Clusters', level: 1 }).waitFor();
}

async function weigh(p: Page): Promise<void> {
  const fresh = await open({ viewport: { width: 1280, height: 860 } });
  const sizes: Promise<number>[] = [];
  fresh.on('requestfinished', (request) => {
    const { pathname } = new URL(request.url());
    const isPage = pathname === '/' || pathname.startsWith('/assets/');
    if (isPage) sizes.push(request.sizes().then(({ responseBodySize }) => responseBodySize));
  });
  const token = await p.evaluate<string>(`sessionStorage.getItem('onebuck.token')`);
  await fresh.addInitScript(`
    sessionStorage.setItem('onebuck.token', ${JSON.stringify(token)});
    new MutationObserver((_, observer) => {
      if (document.querySelector('.card .fuse svg') === null) return;
      observer.disconnect();
      performance.mark('data');
    }).observe(document, { childList: true, subtree: true });
  `);
  await fresh.goto(`${stack.url}/#/clusters`);
  await fresh.getByRole('img', { name: /hours burnt/ }).waitFor();
  const ms = await fresh.evaluate<number>(`performance.getEntriesByName('data')[0].startTime`);
  for (const view of ['Launch', 'History', 'Schedules']) {
    await fresh.getByRole('link', { name: view, exact: true }).click();
    await fresh.getByRole('heading', { name: view, level: 1 }).waitFor();
  }
  await fresh.getByRole('button', { name: 'New schedule' }).click();
  await fresh.getByText('At 02:30, Monday through Friday').waitFor();
  const kb = (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0) / 1_000;
  await close(fresh);
  console.log(
    `     clusters seen after ${ms.toFixed(0)} ms; ${kb.toFixed(1)} kB compressed in all`,
  );
  assert.ok(sizes.length >= 5, `the page loaded only ${sizes.length} files`);
  assert.ok(kb > 10 && kb < PAGE_KB_MAX, `the page has ${kb} kB`);
  assert.ok(ms > 0 && ms < FIRST_DATA_MS_MAX, `the clusters are shown only after ${ms} ms`);
}

async function signOut(p: Page): Promise<void> {
  await p.getByRole('button', { name: 'Sign out' }).click();
  await p.getByLabel('API token').waitFor();
  assert.equal(await p.evaluate(`sessionStorage.length + localStorage.length`), 0);
  await close(p);
}
