import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page, Route } from 'playwright-core';
import type { Job, JobNode, JobResult } from '../../client/answers.ts';
import { close, failing, launched, looksRight, openSignedIn, stack } from './page.ts';

/*
 * Jobs as agents tell of them, also such as no agent should: the answers about the job of a cluster are
 * this check's own.
 */

const at = (minutes: number) => new Date(stack.clock.now() - minutes * 60_000).toISOString();

const aNode = (index: number, some: Partial<JobNode> = {}): JobNode => ({
  ...{ index, state: 'running', exitCode: null, reason: null, logBytes: 0 },
  ...{ stagedAt: at(50), startedAt: at(41), exitedAt: null, endedAt: null, heardAt: at(0) },
  ...some,
});

interface Told {
  job: Job;
  readonly logs: Map<number, string>;
  results: readonly JobResult[];
  /** The status that every question about the job is answered with; 0: all is well. */
  fault: number;
}

async function tell(p: Page, some: Partial<Job>): Promise<Told> {
  const told: Told = {
    job: {
      ...{ command: 'mpirun ./pi --digits 1000', on: 'all', state: 'running', exitCode: null },
      ...{ node: null, reason: null, startedAt: at(41), endedAt: null, stopAskedAt: null },
      ...{ onDone: 'destroy', onFailure: 'keepPaidHour', nodes: [], ...some },
    },
    ...{ logs: new Map(), results: [], fault: 0 },
  };
  await p.route(/\/clusters\/c\w{10}\/job(\/\w+)?(\?.*)?$/, (route) => answer(route, told));
  return told;
}

async function answer(route: Route, told: Told): Promise<void> {
  const { pathname, searchParams } = new URL(route.request().url());
  if (route.request().method() === 'DELETE') return route.continue();
  if (told.fault !== 0) return route.fulfill({ status: told.fault, json: {} });
  if (pathname.endsWith('/results')) return route.fulfill({ json: { results: told.results } });
  if (!pathname.endsWith('/log')) {
    const nodes = told.job.nodes.map((node) => ({ ...node, logBytes: bytesOf(told, node.index) }));
    return route.fulfill({ json: { ...told.job, nodes } });
  }
  const [rank, from] = ['rank', 'from'].map((name) => Number(searchParams.get(name)));
  const all = Buffer.from(told.logs.get(rank ?? 0) ?? '');
  const data = all.subarray(from, (from ?? 0) + 1_048_576);
  const next = (from ?? 0) + data.length;
  const isOver = told.job.nodes.find(({ index }) => index === rank)?.endedAt !== null;
  const isWhole = isOver && next >= all.length;
  const part = { rank, from, next, bytes: all.length, isWhole, data: data.toString('base64') };
  return route.fulfill({ json: part });
}

const bytesOf = ({ logs }: Told, rank: number): number => Buffer.byteLength(logs.get(rank) ?? '');

/** The simulated nodes' own job must not end while the answers are this check's. */
const LASTING = 'sleep 86400';

const COLOURED = [...Array(16).keys()]
  .map(
    (n) =>
      `\x1b[${n < 8 ? 30 + n : 82 + n}mink ${n}\x1b[0m \x1b[${n < 8 ? 40 + n : 92 + n}mground ${n}\x1b[0m`,
  )
  .join('\n');

/** What must never reach the page but as text. */
const NASTY = [
  '<script>window.harmed = 1</script><img src=x onerror="window.harmed = 1">',
  '\x1b]0;title\x07\x1b]8;;javascript:window.harmed=1\x1b\\link\x1b]8;;\x1b\\',
  '\x1b[2J\x1b[H\x1b[31;1mred\x1b[0m \u202egnp.exe\u202c nul:\0:end',
  `<a href="//elsewhere.example">${'x'.repeat(300)}</a>`,
].join('\n');

const lines = (from: number, count: number) =>
  Array.from({ length: count }, (_, at) => `step ${from + at} of many\n`).join('');

/** The log is text whatever is in it, follows, is searched, and stays in bounds. */
export async function jobLog(): Promise<void> {
  const { id } = await launched({ name: 'digits', job: { command: LASTING } });
  const p = await openSignedIn('#/clusters', { viewport: { width: 1280, height: 860 } });
  const told = await tell(p, { nodes: [aNode(0)], on: 'head' });
  told.logs.set(0, `${NASTY}\n${COLOURED}\nlast\n 10%\r 20%`);
  await p.evaluate(`location.hash = '#/clusters/${id}'`);
  const log = p.getByLabel('Log of node 0');
  await log.getByText('last', { exact: true }).waitFor();
  await log.getByText('20%').waitFor();
  assert.equal(await log.getByText('<script>window.harmed = 1</script>').count(), 1);
  assert.equal(await log.getByText('link', { exact: true }).count(), 1);
  assert.equal(await log.getByText('gnp.exe nul::end').count(), 1);
  assert.equal(await log.locator('.bold.ink-1').innerText(), 'red');
  assert.equal(await log.locator('script, img, a, style, iframe').count(), 0);
  assert.equal(await p.evaluate(`window.harmed`), undefined);
  await looksRight(p, 'job-log');

  // It follows, until it is scrolled up.
  told.logs.set(0, `${told.logs.get(0)}\n${lines(1, 30_000)}`);
  await log.getByText('step 30000 of many').waitFor({ timeout: 20_000 });
  assert.ok((await log.locator('pre').count()) < 150, 'only what is seen is drawn');
  await p.getByText(/^20000 lines$/).waitFor();
  await log.evaluate((box) => {
    box.scrollTop -= 1_000;
  });
  await p.getByRole('button', { name: 'To the end' }).waitFor();
  const seen = await log.evaluate((box) => box.scrollTop);
  told.logs.set(0, `${told.logs.get(0)}${lines(30_001, 10)}`);
  const before = await log.locator('pre').first().innerText();
  await p.waitForResponse((response) => response.url().includes('/job/log'), { timeout: 20_000 });
  await p.getByRole('button', { name: 'To the end' }).waitFor();
  assert.equal(await log.evaluate((box) => box.scrollTop), seen - 200);
  assert.equal(await log.locator('pre').first().innerText(), before);
  await p.getByRole('button', { name: 'To the end' }).click();
  await log.getByText('step 30010 of many').waitFor();

  await p.getByLabel('Search the log').fill('STEP 2999');
  await p.getByText('10 of 20000 lines').waitFor();
  await looksRight(p, 'job-log-search');
  await p.getByLabel('Search the log').fill('nowhere');
  await log.getByText('No line is like that.').waitFor();
  await p.getByLabel('Search the log').fill('');

  const saving = p.waitForEvent('download');
  await p.getByRole('button', { name: 'Download the log' }).click();
  assert.equal((await saving).suggestedFilename(), 'digits-n0.log');

  // An outage, and a cluster whose record is gone, leave what was read.
  await failing(p, async () => {
    told.fault = 503;
    await p.locator('.job .problem').waitFor({ timeout: 20_000 });
    await log.getByText('step 30010 of many').waitFor();
    await looksRight(p, 'job-log-lost');
    told.fault = 0;
    told.logs.set(0, `${told.logs.get(0)}${lines(30_011, 1)}`);
    await log.getByText('step 30011 of many').waitFor({ timeout: 30_000 });
    await p.locator('.job .problem').waitFor({ state: 'detached' });
  });
  await close(p);
}

/** 500 nodes, of which some have failed. */
export async function jobNodes(): Promise<void> {
  const { id } = await launched({ name: 'wide', job: { command: LASTING, results: ['out/'] } });
  const p = await openSignedIn('#/clusters', { viewport: { width: 1280, height: 860 } });
  const over = { exitedAt: at(1), endedAt: at(0) };
  const nodes = Array.from({ length: 500 }, (_, index) => {
    if (index % 100 === 7) {
      return aNode(index, {
        ...over,
        state: 'failed',
        exitCode: 3,
        reason: 'no <b>space</b> left',
      });
    }
    return index % 2 === 0 ? aNode(index, { ...over, state: 'done', exitCode: 0 }) : aNode(index);
  });
  const told = await tell(p, { nodes });
  told.logs.set(7, 'of seven\n').set(207, 'of another\n');
  told.results = nodes
    .filter(({ state }) => state === 'done')
    .map(({ index }) => ({
      ...{ index, name: `n${index}.tar.gz`, bytes: 3_200_000, unpackedBytes: 14e6, files: 12 },
      ...{ url: `${stack.url}/health`, expiresAt: at(-60) },
    }));
  const [first] = told.results;
  if (first !== undefined) {
    told.results = [
      {
        ...first,
        name: '<img src=x onerror="window.harmed = 1">\u202e',
        url: 'javascript:alert(1)',
      },
      ...told.results.slice(1),
    ];
  }
  await p.evaluate(`location.hash = '#/clusters/${id}'`);
  await p.getByLabel('Log of node 7', { exact: true }).getByText('of seven').waitFor();
  const table = p.getByLabel('The job, node by node');
  assert.equal(await table.locator('tbody tr').count(), 500);
  const results = p.locator('.results');
  await results.getByText('<img src=x onerror="window.harmed = 1">').waitFor();
  assert.equal(await results.locator('li').count(), told.results.length);
  assert.equal(await results.locator('a').count(), told.results.length - 1);
  assert.equal(await p.evaluate(`window.harmed`), undefined);
  await looksRight(p, 'job-nodes');
  await p.getByRole('combobox', { name: 'State' }).selectOption('failed');
  await p.getByText('5 of 500 nodes').waitFor();
  await p.getByRole('button', { name: 'of log of node 207' }).click();
  await p.getByLabel('Log of node 207').getByText('of another').waitFor();
  await looksRight(p, 'job-nodes-failed');
  await close(p);
}

/** A command with files that are packed here runs, and its log and results are there after its end. */
export async function jobFromFiles(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'onebuck-job-'));
  writeFileSync(join(folder, 'run.sh'), 'sleep 60; seq 1000\n');
  const p = await openSignedIn('#/launch', { viewport: { width: 1280, height: 860 } });
  await p.locator('.quote:not(.stale) .price').waitFor();
  await p.getByText('Job: a command, its files and its results').click();
  const choosing = p.waitForEvent('filechooser');
  await p.getByRole('button', { name: 'Choose a folder …' }).click();
  await (await choosing).setFiles(folder);
  await p.locator('.uploads li', { hasText: /^onebuck-job-\w+, 1 file/ }).waitFor();
  rmSync(folder, { recursive: true });
  await p.locator('.fault', { hasText: /^Command must be given, since/ }).waitFor();
  await p.getByLabel('Command', { exact: true }).fill('sleep 60; seq 1000');
  await p.getByLabel('Results', { exact: true }).fill('out/');
  await p.getByLabel('Nodes', { exact: true }).fill('2');
  await p.getByLabel('Name', { exact: true }).fill('counted');
  await p.locator('.quote:not(.stale) .price').waitFor();
  await failing(p, async () => {
    await p.getByLabel('Results', { exact: true }).fill('../secret');
    await p.locator('.fault', { hasText: /^Results, item 1, must be a path/ }).waitFor();
    await looksRight(p, 'launch-job-fault');
    await p.getByLabel('Results', { exact: true }).fill('out/');
    await p.locator('.fault').first().waitFor({ state: 'detached' });
  });
  await looksRight(p, 'launch-job');
  await p.getByRole('button', { name: 'Launch 2 nodes' }).click();
  await p.getByRole('link', { name: 'counted', exact: true }).click();
  await p
    .getByLabel('Log of node 0')
    .getByText('1000', { exact: true })
    .waitFor({ timeout: 60_000 });
  await p.getByText(/Ended with exit code 0\./).waitFor({ timeout: 60_000 });
  await p.getByText(/of the budget was not spent/).waitFor({ timeout: 60_000 });
  const saving = p.waitForEvent('download');
  await p.getByRole('link', { name: 'n0.tar.gz' }).click();
  assert.equal((await saving).suggestedFilename(), 'n0.tar.gz');
  await looksRight(p, 'job-done');
  await p.getByRole('link', { name: 'History', exact: true }).click();
  await p.getByRole('row', { name: /counted .*Job done: exit code 0.* not spent/ }).waitFor();
  await looksRight(p, 'history-job');
  await close(p);
}
