import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { projectDir } from '../../build/project.ts';
import { startBrowser } from '../../dev/browser.ts';
import { localSettings } from '../../dev/settings.ts';
import { startStack } from '../../dev/stack.ts';
import { freePort } from '../../simulators/listen.ts';
import { createFailures } from './failures.ts';

/*
 * The browser and the local stack of `npm run test:web`, whose clock runs at 60 times real time, and
 * what was found wrong so far.
 */
const RATE = 60;
export const SHOTS = join(projectDir, '.screenshots');
/** Every state is looked at on a wide screen and on a phone, in the light and in the dark. */
const LOOKS = [
  { name: 'wide-light', width: 1440, height: 900, colorScheme: 'light' },
  { name: 'wide-dark', width: 1440, height: 900, colorScheme: 'dark' },
  { name: 'phone-light', width: 390, height: 844, colorScheme: 'light' },
  { name: 'phone-dark', width: 390, height: 844, colorScheme: 'dark' },
] as const;
const HUGE = 2_000;
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
rmSync(SHOTS, { recursive: true, force: true });
mkdirSync(SHOTS, { recursive: true });
const dataDir = mkdtempSync(join(tmpdir(), 'onebuck-web-'));
export const settings = localSettings({ DATA_DIR: dataDir, PORT: `${await freePort()}` });
export const stack = await startStack({
  ...settings,
  clock: { rate: RATE, originMs: Date.now() },
  onLog: (line) => console.error(line),
});
export const problems: string[] = [];
const pages: Page[] = [];
let shots = 0;
const failures = createFailures(problems);
/** While `work` runs, requests of the page may fail. */
export const failing = failures.failing;

/** Runs the steps, ends everything, and exits: with 0 if nothing is wrong. */
export async function check(steps: () => Promise<void>): Promise<never> {
  try {
    await steps();
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
}

export async function step(name: string, work: () => Promise<void>): Promise<void> {
  const from = Date.now();
  await work();
  console.log(`ok   ${name} (${((Date.now() - from) / 1_000).toFixed(1)} s)`);
}

export async function open(options: BrowserContextOptions): Promise<Page> {
  const context = await browser.newContext({ ...options, timezoneId: 'Europe/Berlin' });
  context.setDefaultTimeout(10_000);
  const page = await context.newPage();
  pages.push(page);
  watch(page);
  return page;
}

/** A page whose reader has signed in, at an address after the `#`. */
export async function openSignedIn(hash: string, options: BrowserContextOptions): Promise<Page> {
  const page = await open(options);
  await page.addInitScript(
    `sessionStorage.setItem('onebuck.token', ${JSON.stringify(settings.apiToken)})`,
  );
  await page.goto(`${stack.url}/${hash}`);
  return page;
}

export async function close(page: Page): Promise<void> {
  await page.context().close();
  pages.splice(pages.indexOf(page), 1);
}

/** Uploads and results go to and fro between the browser and the bucket of jobs. */
const OF_BUCKET = /^http:\/\/127\.0\.0\.1:\d+\/onebuck-local-jobs\/(uploads|jobs)\//;

function watch(p: Page): void {
  p.on('request', (request) => {
    const url = request.url();
    const isOwn = url.startsWith(`${stack.url}/`) || /^(blob|data):/.test(url);
    if (!isOwn && !OF_BUCKET.test(url)) problems.push(`asked ${url}`);
  });
  p.on('pageerror', (error) => problems.push(`threw ${error.stack}`));
  p.on('console', (message) => {
    const isOfRequest = /^Failed to load resource/.test(message.text());
    if (['error', 'warning'].includes(message.type()) && !isOfRequest)
      problems.push(message.text());
  });
  failures.watch(p);
}

/**
 * Takes screenshots of a state, wide and narrow, light and dark. Checks that nothing is wider than
 * the window, that axe finds nothing, and that no value is one that JavaScript writes for none.
 */
export async function looksRight(p: Page, name: string): Promise<void> {
  shots += 1;
  const [number, before] = [String(shots).padStart(2, '0'), p.viewportSize()];
  // axe takes seconds for hundreds of rows, and finds in one what it finds in all.
  const isHuge = (await p.evaluate<number>(`document.querySelectorAll('*').length`)) > HUGE;
  for (const look of LOOKS) {
    await p.emulateMedia({ colorScheme: look.colorScheme, reducedMotion: 'reduce' });
    await p.setViewportSize(look);
    // What is drawn by its width follows a frame later.
    await p.evaluate(`new Promise((drawn) => requestAnimationFrame(() => setTimeout(drawn)))`);
    const seen = `${number}-${name}-${look.name}`;
    await p.screenshot({ path: join(SHOTS, `${seen}.png`), fullPage: !isHuge });
    const excess = await p.evaluate<number>(`document.documentElement.scrollWidth - innerWidth`);
    if (excess > 0) problems.push(`${seen} is ${excess} px too wide`);
    if (isHuge && look !== LOOKS[0] && look !== LOOKS[3]) continue;
    problems.push(...(await axeFinds(p)).map((found) => `${seen}: ${found}`));
  }
  const text = await p.evaluate<string>(`document.body.innerText`);
  const none = /.*(?<!\/dev\/)\b(undefined|null|NaN|Invalid Date|\[object \w+\])\b.*/.exec(text);
  if (none !== null) problems.push(`${name} says: ${none[0]}`);
  await p.emulateMedia({ colorScheme: null, reducedMotion: null });
  if (before === null) return;
  await p.setViewportSize(before);
  const excess = await p.evaluate<number>(`document.documentElement.scrollWidth - innerWidth`);
  if (excess > 0) problems.push(`${name} is ${excess} px too wide at ${before.width} px`);
}

async function axeFinds(p: Page): Promise<string[]> {
  const { violations } = (await p.evaluate(`${axeSource}; axe.run()`)) as {
    violations: { id: string; help: string; nodes: { html: string }[] }[];
  };
  return violations.map(
    ({ id, help, nodes }) => `axe: ${id}: ${help}: ${nodes.map(({ html }) => html).join(' ')}`,
  );
}

/** The cluster list that the API answers with. */
export async function clusters(): Promise<readonly ListedCluster[]> {
  const answer = await fetch(`${stack.url}/clusters?limit=100`, { headers: authorization });
  return ((await answer.json()) as { clusters: ListedCluster[] }).clusters;
}

/** A cluster as the API shows it. */
export async function wholeCluster(
  id: string,
): Promise<ListedCluster & { readonly nodes: readonly object[] }> {
  const answer = await fetch(`${stack.url}/clusters/${id}`, { headers: authorization });
  return (await answer.json()) as ListedCluster & { nodes: object[] };
}

export interface ListedCluster {
  readonly id: string;
  readonly name: string | null;
  readonly status: string;
  readonly teardownAt: string | null;
  readonly budgetUsd: number;
  readonly maxHours: number | null;
}

const authorization = { authorization: `Bearer ${settings.apiToken}` };

/** Launches a cluster past the console. */
export async function launched(spec: Record<string, unknown>): Promise<ListedCluster> {
  const whole = {
    ...{ nodes: 1, type: 'g6-nanode-1', region: 'us-east', image: 'Ubuntu 24.04 LTS' },
    ...{ budgetUsd: 1, ...spec },
  };
  const answer = await fetch(`${stack.url}/clusters`, {
    method: 'POST',
    headers: { ...authorization, prefer: 'wait=10' },
    body: JSON.stringify(whole),
  });
  if (answer.status !== 202) throw new Error(await answer.text());
  return (await answer.json()) as ListedCluster;
}
