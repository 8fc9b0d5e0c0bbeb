import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, BrowserContextOptions, Page, Request } from 'playwright-core';
import { projectDir } from '../build/project.ts';
import { startBrowser } from '../dev/browser.ts';
import { localSettings } from '../dev/settings.ts';
import { startStack } from '../dev/stack.ts';
import { freePort } from '../simulators/listen.ts';

/**
 * `npm run test:web` uses the console in Chromium, on a local stack whose clock runs at 60 times
 * real time. Exits with 0 only if each step works, on a wide screen in the light theme and on a
 * phone in the dark theme; if axe finds no problem in any view; and if the page sends requests only
 * to its own origin, is small, and writes no error to the browser's console.
 */
const RATE = 60;
const PAGE_KB_MAX = 100;
/** Generous, for busy machines: an idle machine needs less than a second. */
const FIRST_DATA_MS_MAX = 4_000;
const COUNTDOWN = '.figure.big .value';
const SHOTS = join(projectDir, '.screenshots');
const axeSource = readFileSync(
  createRequire(import.meta.url).resolve('axe-core/axe.min.js'),
  'utf8',
);

const chromium = await startBrowser();
if (chromium === null) {
  console.log('SKIPPED: this test needs Chromium, which this machine does not have.');
  process.exit(0);
}
const browser: Browser = chromium;
mkdirSync(SHOTS, { recursive: true });
const dataDir = mkdtempSync(join(tmpdir(), 'onebuck-web-'));
const settings = localSettings({ DATA_DIR: dataDir, PORT: `${await freePort()}` });
const stack = await startStack({
  ...settings,
  clock: { rate: RATE, originMs: Date.now() },
  onLog: (line) => console.error(line),
});
const problems: string[] = [];
const pages: Page[] = [];
let shots = 0;
/** The pages in which a step just now makes requests fail. */
const failingPages = new Set<Page>();
try {
  await wide();
  await phone();
} catch (error) {
  problems.push(String(error instanceof Error ? error.stack : error));
  await pages.at(-1)?.screenshot({ path: join(SHOTS, 'failed.png'), fullPage: true });
} finally {
  await browser.close();
  await stack.close();
  rmSync(dataDir, { recursive: true, force: true });
}
for (const problem of problems) console.error(`BAD  ${problem}`);
console.log(problems.length === 0 ? 'The console works.' : `${problems.length} problems.`);
process.exit(problems.length === 0 ? 0 : 1);

async function wide(): Promise<void> {
  const opened = await open({ viewport: { width: 1280, height: 860 }, colorScheme: 'light' });
  await step('a wrong token is refused, and a right token accepted', () => signIn(opened));
  await step('without clusters, the page says so', () => noClusters(opened));
  await step('the quote follows the form, and an alternative fills it in', () => quote(opened));
  await step('types are filtered and sorted', () => types(opened));
  await step('too small a budget is refused, and a large enough one offered', () =>
    refusal(opened),
  );
  await step('a double click and a lost answer launch one cluster', () => launch(opened));
  await step('the nodes of the cluster come up', () => comeUp(opened));
  await step('an hour and a dollar extend the cluster', () => extend(opened));
  await step('inventory and root passwords are shown', () => inventory(opened));
  await step('without contact the countdown goes on, until contact is back', () =>
    lostContact(opened),
  );
  await step('the page loads fast, and is small', () => weigh(opened));
  await step('a deletion asks for confirmation, and says the cost', () => destroy(opened));
  await step('the history shows the cluster, also as CSV', () => history(opened));
  await step('a schedule is created, paused and deleted', () => schedules(opened));
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
    for (const view of ['Launch', 'Clusters', 'History', 'Schedules']) {
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

async function noClusters(p: Page): Promise<void> {
  await p.getByText('Nothing burns.').waitFor();
  await looksRight(p, 'clusters-none');
  await p.getByRole('link', { name: 'Launch one' }).click();
  await p.getByRole('heading', { name: 'Launch', level: 1 }).waitFor();
  await p.locator('h1:focus').waitFor();
}

async function quote(p: Page): Promise<void> {
  await p
    .getByText(/10 × Nanode 1GB .+: \$0\.075 a started hour\. \$1\.00 lasts 13 hours/)
    .waitFor();
  await looksRight(p, 'launch');
  await p.getByLabel('Budget', { exact: true }).fill('2');
  await p
    .getByText(/\$2\.00 lasts 26 hours, until .+ your time, and will cost \$1\.95\./)
    .waitFor();
  await p.getByLabel('Nodes', { exact: true }).fill('4');
  await p.getByText(/4 × Nanode 1GB .+: \$0\.03 a started hour/).waitFor();
  // A late answer to an old request must not replace the answer to a newer request.
  const isOld = (request: Request) =>
    request.url().endsWith('/quotes') && request.postDataJSON().nodes === 5;
  const [oldSent, oldEnded] = [
    p.waitForRequest(isOld),
    Promise.race([
      p.waitForEvent('requestfinished', isOld),
      p.waitForEvent('requestfailed', isOld),
    ]),
  ];
  let answerOld = () => {};
  const held = new Promise<void>((resolve) => {
    answerOld = resolve;
  });
  await p.route('**/quotes', async (route) => {
    if (isOld(route.request())) await held;
    await route.continue().catch(() => {}); // the page may have aborted the request
  });
  await p.getByLabel('Nodes', { exact: true }).fill('5');
  await oldSent;
  await p.getByLabel('Nodes', { exact: true }).fill('10');
  await p.getByText(/10 × Nanode 1GB/).waitFor();
  answerOld();
  await oldEnded;
  await p.evaluate(`new Promise((drawn) => requestAnimationFrame(() => setTimeout(drawn)))`);
  assert.match((await p.locator('.sentence').textContent()) ?? '', /^10 × Nanode/);
  await p.getByRole('button', { name: /^Take it.*20 nodes/ }).click();
  await p.getByText(/20 × Nanode 1GB/).waitFor();
  assert.equal(await p.getByLabel('Nodes', { exact: true }).inputValue(), '20');
  await p.getByLabel('Nodes', { exact: true }).fill('10');
}

async function types(p: Page): Promise<void> {
  const first = p.locator('.types tbody tr').first();
  await p.getByRole('button', { name: 'Memory' }).click();
  await p.getByRole('button', { name: 'Memory' }).click();
  assert.equal(await p.locator('th[aria-sort]').getAttribute('aria-sort'), 'descending');
  assert.doesNotMatch((await first.textContent()) ?? '', /Nanode/);
  await p.getByLabel('Up to $ an hour').fill('0.0075');
  await p.getByText(/^1 of \d+ types$/).waitFor();
  assert.match((await first.textContent()) ?? '', /Nanode/);
  await p.getByLabel('Up to $ an hour').fill('0.001');
  await p.getByRole('button', { name: /^Show all/ }).click();
  await p.getByText(/^\d+ types$/).waitFor();
}

async function refusal(p: Page): Promise<void> {
  await p.getByLabel('Budget', { exact: true }).fill('0.05');
  await p.getByText('$0.05 does not pay the first; $0.075 would.').waitFor();
  assert.ok(await p.getByRole('button', { name: 'Launch 10 nodes' }).isDisabled());
  await looksRight(p, 'launch-refused');
  await p.getByRole('button', { name: 'Make the budget $0.075' }).click();
  await p.getByText(/\$0\.075 lasts 1 hour/).waitFor();
  await failing(p, async () => {
    await p.getByLabel('Nodes', { exact: true }).fill('5000');
    await p.locator('.fault').first().waitFor();
    assert.equal(await p.getByLabel('Nodes', { exact: true }).getAttribute('aria-invalid'), 'true');
    await looksRight(p, 'launch-fault');
    await p.getByLabel('Nodes', { exact: true }).fill('10');
    await p.locator('.fault').first().waitFor({ state: 'detached' });
  });
}

async function launch(p: Page): Promise<void> {
  await p.getByLabel('Budget', { exact: true }).fill('1');
  await p.getByLabel('Name', { exact: true }).fill('render');
  await p.getByText(/lasts 13 hours/).waitFor();
  const button = p.getByRole('button', { name: 'Launch 10 nodes' });
  await failing(p, async () => {
    // The server carries out the request, but the page gets no answer.
    await p.route('**/clusters', async (route) => {
      await route.fetch();
      await route.abort();
    });
    await button.click();
    await p.getByText('Onebuck does not answer.').waitFor();
    await p.unroute('**/clusters');
  });
  await button.dblclick();
  await p.getByRole('heading', { name: 'render' }).waitFor();
  assert.equal((await clusters()).length, 1, 'one cluster');
}

async function comeUp(p: Page): Promise<void> {
  await p.getByRole('heading', { name: '10 of 10 nodes up' }).waitFor({ timeout: 20_000 });
  await p.getByText('Running', { exact: true }).waitFor();
  const fuse = p.getByRole('img', { name: /of 13 hours burnt\. Teardown/ });
  await fuse.waitFor();
  await p.getByText(/^At .* Onebuck destroys its nodes, when the budget is used up\.$/).waitFor();
  await countsRight(p);
  await looksRight(p, 'clusters');
}

/**
 * The countdown is right to a second of the virtual clock, apart from the time that this check
 * takes.
 */
async function countsRight(p: Page): Promise<void> {
  const teardownAt = Date.parse((await clusters())[0]?.teardownAt ?? '');
  const from = stack.clock.now();
  const answered = p.waitForResponse((response) => response.url().endsWith('/health'));
  // The page asks for the time again when it comes into view.
  await p.evaluate(`document.dispatchEvent(new Event('visibilitychange'))`);
  await (await answered).finished();
  await countedOn(p);
  const shown = (await p.locator(COUNTDOWN).textContent()) ?? '';
  const to = stack.clock.now();
  const [hours = 0, minutes = 0, seconds = 0] = shown.split(':').map(Number);
  const at = teardownAt - ((hours * 60 + minutes) * 60 + seconds) * 1_000;
  // The page assumes that the server read its clock halfway between request and answer.
  const errorMs = (to - from) / 2 + 1_000;
  const message = `${shown} is shown between ${from} and ${to}, but is right at ${at}`;
  assert.ok(from - errorMs <= at && at <= to + errorMs, message);
}

async function countedOn(p: Page): Promise<void> {
  const before = (await p.locator(COUNTDOWN).textContent()) ?? '';
  await p.locator(COUNTDOWN).filter({ hasNotText: before }).waitFor();
}

async function extend(p: Page): Promise<void> {
  await p.getByRole('button', { name: /\+ 1 h/ }).click();
  await p.getByRole('img', { name: /of 14 hours/ }).waitFor();
  await p.getByText(/spent of \$1\.0[5-7]/).waitFor();
  await p.getByRole('button', { name: '+ $1' }).click();
  await p.getByRole('img', { name: /of 27 hours/ }).waitFor();
}

async function inventory(p: Page): Promise<void> {
  const saving = p.waitForEvent('download');
  await p.getByLabel('Inventory of render').selectOption('ssh');
  const download = await saving;
  assert.equal(download.suggestedFilename(), 'render-ssh.txt');
  assert.match(readFileSync(await download.path(), 'utf8'), /HostName/);
  await p.getByRole('button', { name: 'Root passwords' }).click();
  await p
    .getByText(/^root@/)
    .first()
    .waitFor();
  await looksRight(p, 'passwords');
  await p.keyboard.press('Escape');
  await p.locator('button:focus', { hasText: 'Root passwords' }).waitFor();
}

async function lostContact(p: Page): Promise<void> {
  await failing(p, async () => {
    await p.context().setOffline(true);
    await p.getByText('Lost contact.').waitFor({ timeout: 15_000 });
    await countedOn(p);
    await looksRight(p, 'clusters-lost');
    await p.context().setOffline(false);
    await p.getByText('Lost contact.').waitFor({ state: 'detached', timeout: 15_000 });
  });
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
  await fresh.context().close();
  pages.pop();
  console.log(
    `     clusters seen after ${ms.toFixed(0)} ms; ${kb.toFixed(1)} kB compressed in all`,
  );
  assert.ok(sizes.length >= 5, `the page loaded only ${sizes.length} files`);
  assert.ok(kb > 10 && kb < PAGE_KB_MAX, `the page has ${kb} kB`);
  assert.ok(ms > 0 && ms < FIRST_DATA_MS_MAX, `the clusters are shown only after ${ms} ms`);
}

async function destroy(p: Page): Promise<void> {
  await p.getByRole('button', { name: 'Destroy …' }).click();
  const dialog = p.getByRole('dialog', { name: 'Destroy render?' });
  await dialog.getByText(/Linode will bill \$\d.* The started hour is paid anyway/).waitFor();
  await looksRight(p, 'destroy');
  await p.keyboard.press('Escape');
  await dialog.waitFor({ state: 'detached' });
  await p.locator('button:focus', { hasText: 'Destroy …' }).waitFor();
  await p.getByRole('button', { name: 'Destroy …' }).click();
  await p.getByRole('button', { name: 'Destroy now' }).click();
  await p.getByText('Gone', { exact: true }).waitFor({ timeout: 30_000 });
  await p.getByText(/billed of \$2\.0[5-7]\d*, somebody asked for its end/).waitFor();
  await looksRight(p, 'clusters-gone');
}

async function history(p: Page): Promise<void> {
  await p.getByRole('link', { name: 'History' }).click();
  await p.getByRole('row', { name: /render/ }).waitFor();
  await p.getByText('saved against leaving them on').waitFor();
  await looksRight(p, 'history');
  const saving = p.waitForEvent('download');
  await p.getByRole('button', { name: 'Download CSV' }).click();
  assert.match(readFileSync(await (await saving).path(), 'utf8'), /^id,name.*\r\nc\w{10},render,/);
  await p.locator('.months button').first().click();
  await p.getByText(/^No cluster launched in .* has ended\.$/).waitFor();
}

async function schedules(p: Page): Promise<void> {
  await p.getByRole('link', { name: 'Schedules' }).click();
  await p.getByText('Nothing is scheduled.').waitFor();
  await looksRight(p, 'schedules-none');
  await p.getByRole('button', { name: 'New schedule' }).click();
  await p.getByText('At 02:30, Monday through Friday').waitFor();
  await p.getByLabel('Cron expression', { exact: true }).fill('0 4 1 * *');
  await p.getByText('At 04:00, on day 1 of the month').waitFor();
  await p.getByLabel('Cron expression', { exact: true }).fill('0 4 1 *');
  await p.getByText(/^Five fields/).waitFor();
  await p.getByLabel('Cron expression', { exact: true }).fill('0 4 1 * *');
  await p.getByLabel('Name', { exact: true }).fill('monthly');
  await p.getByText(/^Each run has 10 × Nanode 1GB .+ for 13 hours/).waitFor();
  await looksRight(p, 'schedule-new');
  await p.getByRole('button', { name: 'Make it' }).click();
  await p.getByRole('heading', { name: 'monthly' }).waitFor();
  await p.getByText('Next, your time').waitFor();
  await looksRight(p, 'schedules');
  await p.getByRole('button', { name: 'Change … monthly' }).click();
  await p.getByRole('heading', { name: 'Change monthly' }).waitFor();
  await p.getByText('At 04:00, on day 1 of the month').waitFor();
  await p.getByLabel('Cron expression', { exact: true }).fill('0 5 1 * *');
  await p.getByLabel('At most a month', { exact: true }).fill('20');
  await p.getByLabel('Try again for', { exact: true }).fill('120');
  await p.getByLabel('Budget', { exact: true }).fill('2');
  await p.getByText(/^Each run has 10 × Nanode 1GB .+ for 26 hours/).waitFor();
  await looksRight(p, 'schedule-change');
  await p.getByRole('button', { name: 'Save' }).click();
  await p.getByText(/for \$2\.00 a run, at most \$20\.00 a month/).waitFor();
  await p.getByText(/tries again every 15 minutes for 120 minutes/).waitFor();
  await p.getByRole('button', { name: 'Pause monthly' }).click();
  await p.getByText('Paused', { exact: true }).waitFor();
  await p.getByRole('button', { name: 'Delete … monthly' }).click();
  await p.getByRole('button', { name: 'Delete', exact: true }).click();
  await p.getByText('Nothing is scheduled.').waitFor();
}

async function signOut(p: Page): Promise<void> {
  await p.getByRole('button', { name: 'Sign out' }).click();
  await p.getByLabel('API token').waitFor();
  assert.equal(await p.evaluate(`sessionStorage.length + localStorage.length`), 0);
  await p.context().close();
}

async function step(name: string, work: () => Promise<void>): Promise<void> {
  const from = Date.now();
  await work();
  console.log(`ok   ${name} (${((Date.now() - from) / 1_000).toFixed(1)} s)`);
}

async function open(options: BrowserContextOptions): Promise<Page> {
  const context = await browser.newContext({ ...options, timezoneId: 'Europe/Berlin' });
  context.setDefaultTimeout(10_000);
  const page = await context.newPage();
  pages.push(page);
  watch(page);
  return page;
}

function watch(p: Page): void {
  p.on('request', (request) => {
    const url = request.url();
    if (!url.startsWith(`${stack.url}/`) && !/^(blob|data):/.test(url))
      problems.push(`asked ${url}`);
  });
  p.on('pageerror', (error) => problems.push(`threw ${error.stack}`));
  p.on('console', (message) => {
    const isExpected = failingPages.has(p) && /^Failed to load resource/.test(message.text());
    if (['error', 'warning'].includes(message.type()) && !isExpected) problems.push(message.text());
  });
}

/** While `work` runs, the browser may write to its console that a request failed. */
async function failing(p: Page, work: () => Promise<void>): Promise<void> {
  failingPages.add(p);
  await work();
  failingPages.delete(p);
}

/** Takes a screenshot. Checks that nothing is wider than the window, and that axe finds nothing. */
async function looksRight(p: Page, name: string): Promise<void> {
  shots += 1;
  const number = String(shots).padStart(2, '0');
  await p.screenshot({ path: join(SHOTS, `${number}-${name}.png`), fullPage: true });
  const excess = await p.evaluate<number>(`document.documentElement.scrollWidth - innerWidth`);
  if (excess > 0) problems.push(`${name} is ${excess} px too wide`);
  const found = (await p.evaluate(`${axeSource}; axe.run()`)) as {
    violations: { id: string; help: string; nodes: { html: string }[] }[];
  };
  for (const { id, help, nodes } of found.violations) {
    problems.push(`${name}: axe: ${id}: ${help}: ${nodes.map(({ html }) => html).join(' ')}`);
  }
}

async function clusters(): Promise<readonly { readonly teardownAt: string | null }[]> {
  const headers = { authorization: `Bearer ${settings.apiToken}` };
  const answer = await fetch(`${stack.url}/clusters`, { headers });
  return ((await answer.json()) as { clusters: { teardownAt: string | null }[] }).clusters;
}
