import assert from 'node:assert/strict';
import type { Page } from 'playwright-core';
import {
  close,
  clusters,
  failing,
  launched,
  looksRight,
  openSignedIn,
  wholeCluster,
} from './page.ts';

const WIDE = { viewport: { width: 1280, height: 860 } };
/** Generous, for busy machines: an idle machine needs a tenth of it. */
const DRAW_MS_MAX = 2_000;

const rows = (p: Page) => p.locator('.clusters-table tbody tr');

/** Seven clusters are a table: found, sorted, and several of them extended and destroyed. */
export async function several(): Promise<void> {
  for (let index = 1; index <= 7; index += 1) {
    const budgetUsd = index === 7 ? 0.5 : 1;
    await launched({ name: `batch ${index}`, nodes: index % 2 === 0 ? 2 : 1, budgetUsd });
  }
  const p = await openSignedIn('#/clusters', WIDE);
  await rows(p).nth(6).waitFor();
  await p.getByLabel('Search').fill('batch');
  await p.getByText('7 clusters', { exact: true }).waitFor();
  assert.match((await rows(p).first().textContent()) ?? '', /batch [246]/, 'the soonest teardown');
  await p.getByRole('button', { name: 'Cluster', exact: true }).click();
  assert.match((await rows(p).first().textContent()) ?? '', /batch 1/);
  await p.getByRole('button', { name: 'Cluster', exact: true }).click();
  assert.match((await rows(p).first().textContent()) ?? '', /batch 7/);
  await p.getByLabel('Search').fill('batch 3');
  await p.getByText(/^1 of 7 clusters$/).waitFor();
  assert.match(p.url(), /#\/clusters\?q=batch\+3&sort=-name$/);
  await p.getByRole('link', { name: 'batch 3' }).click();
  await p.getByRole('heading', { name: 'batch 3', level: 1 }).waitFor();
  await p.goBack();
  assert.equal(await p.getByLabel('Search').inputValue(), 'batch 3');
  await p.getByText(/^1 of 7 clusters$/).waitFor();

  await p.getByLabel('Search').fill('');
  for (const name of ['batch 1', 'batch 2', 'batch 3'])
    await p.getByLabel(`Choose ${name}`).check();
  await p.getByText('3 clusters with 4 nodes chosen').waitFor();
  // What is out of sight is not chosen.
  await p.getByLabel('Search').fill('batch 2');
  await p.getByText('1 cluster with 2 nodes chosen').waitFor();
  await p.getByLabel('Search').fill('batch');
  await looksRight(p, 'chosen');
  await p.getByRole('button', { name: 'Extend 3 …' }).click();
  const extending = p.getByRole('dialog', { name: 'Extend 3 clusters with 4 nodes?' });
  await extending.getByText('1 hour more for all of them: $0.03 in all.').waitFor();
  await extending.getByLabel('Hours more').fill('1,000');
  await extending.locator('.why', { hasText: 'Hours more must have no comma' }).waitFor();
  await extending.getByLabel('Hours more').fill('2');
  await looksRight(p, 'extend-several');
  await extending.getByRole('button', { name: 'Extend for $0.06' }).click();
  await extending.waitFor({ state: 'detached' });
  const budgets = (await clusters()).filter(
    ({ name, budgetUsd }) => name?.startsWith('batch') && budgetUsd > 1,
  );
  assert.deepEqual(budgets.map(({ name }) => name).sort(), ['batch 1', 'batch 2', 'batch 3']);
  assert.match((await p.locator('[aria-live]').last().textContent()) ?? '', /^3 clusters extended/);

  await p.getByLabel('Search').fill('batch');
  await p.getByLabel('Choose all 7 shown').check();
  await p.getByLabel('Choose batch 7').uncheck();
  await p.getByRole('button', { name: 'Destroy 6 …' }).click();
  const destroying = p.getByRole('dialog', { name: 'Destroy 6 clusters with 9 nodes?' });
  await destroying.getByText(/^Linode will bill \$\d.+ stays unspent/).waitFor();
  assert.equal(await destroying.locator('.names li').count(), 6);
  await looksRight(p, 'destroy-several');
  await destroying.getByRole('button', { name: 'Keep them' }).click();
  assert.equal((await clusters()).filter(({ status }) => status === 'deleting').length, 0);
  await p.getByRole('button', { name: 'Destroy 6 …' }).click();
  // One of them fails at first.
  const [failingOne] = (await clusters()).filter(({ name }) => name === 'batch 4');
  const isRefused = `**/clusters/${failingOne?.id}`;
  await failing(p, async () => {
    await p.route(isRefused, (route) =>
      route.request().method() === 'DELETE'
        ? route.fulfill({ status: 409, json: { detail: 'Not now.', code: 'conflict' } })
        : route.continue(),
    );
    await destroying.getByRole('button', { name: 'Destroy 6' }).click();
    await destroying.getByText('batch 4: Not now.').waitFor();
    await p.unroute(isRefused);
  });
  await destroying.getByRole('button', { name: 'Try 1 again' }).click();
  await destroying.waitFor({ state: 'detached' });
  await p.locator('h1:focus').waitFor();
  await p
    .getByRole('row', { name: /batch 4/ })
    .locator('.badge', { hasText: 'Gone' })
    .waitFor({ timeout: 30_000 });
  const left = (await clusters()).filter(({ status }) => status === 'running');
  assert.deepEqual(
    left.map(({ name }) => name),
    ['batch 7'],
  );
  await close(p);
}

/** 200 clusters of four owners, in every status, as the API would list them. */
export async function hundreds(): Promise<void> {
  const real = await wholeCluster(await firstId());
  const p = await openSignedIn('#/launch', WIDE);
  const list = Array.from({ length: 200 }, (_, index) => ({
    ...real,
    id: `c${String(index).padStart(10, 'a')}`,
    name: index % 5 === 4 ? null : `job ${index}`,
    owner: ['admin', 'ann', 'bob', 'carla'][index % 4],
    status: index % 10 === 9 ? 'provisioning' : 'running',
    spentUsd: (index % 40) / 100,
    teardownAt: new Date(Date.parse(real.teardownAt ?? '') + ((index * 37) % 200) * 600_000),
  }));
  await p.route('**/clusters?*', (route) => {
    const at = Number(new URL(route.request().url()).searchParams.get('cursor') ?? 0);
    const page = list.slice(at, at + 100);
    const nextCursor = at + 100 < list.length ? { nextCursor: String(at + 100) } : {};
    return route.fulfill({ json: { clusters: page, ...nextCursor } });
  });
  const ms = await drawn(p, '.clusters-table tbody tr', 200, () =>
    p.evaluate(`location.hash = '#/clusters'`),
  );
  const sorted = await redrawn(p, `document.querySelector('.first .sort').click()`);
  console.log(`     200 clusters drawn in ${ms.toFixed(0)} ms, sorted in ${sorted.toFixed(0)} ms`);
  assert.ok(Math.max(ms, sorted) < DRAW_MS_MAX);
  await p.getByLabel('Owner').selectOption('bob');
  await p.getByText('50 of 200 clusters').waitFor();
  await p.getByLabel('Status').selectOption('provisioning');
  await p.getByText(/^\d+ of 200 clusters$/).waitFor();
  await p.getByLabel('Search').fill('no such');
  await p.getByText('No cluster is like that.').waitFor();
  await p.getByRole('link', { name: 'Show all 200' }).click();
  await p.getByText('200 clusters', { exact: true }).waitFor();
  await p.getByLabel('Choose all 200 shown').check();
  await looksRight(p, 'clusters-200');
  await close(p);
}

/** A cluster of 500 nodes, as the API would show it. */
export async function manyNodes(): Promise<void> {
  const real = await wholeCluster(await firstId());
  const [node] = real.nodes;
  const statuses = ['running', 'running', 'running', 'booting', 'creating'];
  const nodes = Array.from({ length: 500 }, (_, index) => {
    const status = statuses[index % statuses.length];
    const isUp = status !== 'creating';
    return {
      ...{ ...node, index, label: `onebuck-${real.id}-${index}`, status },
      ...(index === 2
        ? { readyAt: null, agentReason: '<b id="injected">cloud-init</b>: error' }
        : {}),
      ...(isUp ? { ipv4: `192.0.${index >> 8}.${index & 255}` } : { ipv4: null, ipv6: null }),
      ...(isUp
        ? {}
        : { linodeId: null, createdAt: null, reason: 'Linode: no capacity in us-east' }),
    };
  });
  const p = await openSignedIn('#/launch', WIDE);
  await p.route(`**/clusters/${real.id}`, (route) =>
    route.fulfill({ json: { ...real, nodes, readyAt: null } }),
  );
  const ms = await drawn(p, '.nodes-table tbody tr', 500, () =>
    p.evaluate(`location.hash = '#/clusters/${real.id}'`),
  );
  const sorted = await redrawn(p, `document.querySelectorAll('.nodes-table .sort')[2].click()`);
  console.log(`     500 nodes drawn in ${ms.toFixed(0)} ms, sorted in ${sorted.toFixed(0)} ms`);
  assert.ok(Math.max(ms, sorted) < DRAW_MS_MAX);
  await p
    .getByRole('heading', { name: '400 of 500 nodes up' })
    .or(p.getByRole('heading', { name: '300 of 500 nodes up' }))
    .waitFor();
  await p.getByLabel('Status').selectOption('booting');
  await p.getByText('100 of 500 nodes').waitFor();
  await p.getByLabel('Status').selectOption('not ready');
  await p.getByText('1 of 500 nodes').waitFor();
  await p.getByText(/^Running, not yet ready: .+ 1 node failed to get ready\.$/).waitFor();
  await p.getByText('<b id="injected">cloud-init</b>: error', { exact: true }).waitFor();
  assert.equal(await p.locator('#injected').count(), 0, 'a reason is text');
  await p.getByLabel('Status').selectOption('');
  await looksRight(p, 'cluster-500');
  await close(p);
}

async function firstId(): Promise<string> {
  const [one] = (await clusters()).filter(({ status }) => status === 'running');
  assert.ok(one !== undefined, 'a running cluster');
  return one.id;
}

/** Milliseconds from the answer that has them until so many elements are drawn. */
async function drawn(
  p: Page,
  selector: string,
  count: number,
  go: () => Promise<unknown>,
): Promise<number> {
  await p.evaluate(`
    performance.clearResourceTimings();
    window.drawn = new Promise((resolve) => {
      new MutationObserver((_, observer) => {
        if (document.querySelectorAll(${JSON.stringify(selector)}).length < ${count}) return;
        observer.disconnect();
        requestAnimationFrame(() => setTimeout(() => resolve(performance.now())));
      }).observe(document, { childList: true, subtree: true });
    });
    0;
  `);
  await go();
  return p.evaluate<number>(`(async () => {
    const drawnAt = await window.drawn;
    const answers = performance.getEntriesByType('resource')
      .filter(({ name, responseEnd }) => /clusters/.test(name) && responseEnd < drawnAt);
    return drawnAt - Math.max(...answers.map(({ responseEnd }) => responseEnd));
  })()`);
}

/** Milliseconds until the browser has drawn what a script changes. */
const redrawn = (p: Page, script: string): Promise<number> =>
  p.evaluate<number>(`new Promise((resolve) => {
    const from = performance.now();
    ${script};
    requestAnimationFrame(() => setTimeout(() => resolve(performance.now() - from)));
  })`);
