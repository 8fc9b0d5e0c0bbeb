import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { clusters, failing, looksRight, stack } from './page.ts';

const COUNTDOWN = '.figure.big .value';

export async function noClusters(p: Page): Promise<void> {
  await p.getByText('Nothing burns.').waitFor();
  await looksRight(p, 'clusters-none');
  await p.getByRole('link', { name: 'Launch one' }).click();
  await p.getByRole('heading', { name: 'Launch', level: 1 }).waitFor();
  await p.locator('h1:focus').waitFor();
}

export async function comeUp(p: Page): Promise<void> {
  await p.getByRole('heading', { name: '10 of 10 nodes up' }).waitFor({ timeout: 20_000 });
  await p.getByRole('heading', { name: '10 of 10 nodes up, 10 ready' }).waitFor();
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

/** A click that costs money asks, and says what it comes to; any amount will do, also a lower one. */
export async function extend(p: Page): Promise<void> {
  const dialog = p.getByRole('dialog', { name: 'Limits of render' });
  const outlook = dialog.getByText(/^Teardown .+\.$/);
  await p.getByRole('button', { name: /\+ 1 h/ }).click();
  await outlook.getByText(/^Teardown \w+ \d\d:\d\d instead of .+, for \$0\.075 more\.$/).waitFor();
  await looksRight(p, 'limits');
  assert.equal((await clusters())[0]?.budgetUsd, 1, 'nothing is bought by a first click');
  await dialog.getByRole('button', { name: /^Raise to \$1\.0[5-7]/ }).click();
  await p.getByRole('img', { name: /of 14 hours/ }).waitFor();
  await p.getByText(/spent of \$1\.0[5-7]/).waitFor();
  await p.getByRole('button', { name: '+ $1' }).click();
  await dialog.getByRole('button', { name: /^Raise to \$2\.0[5-7]/ }).click();
  await p.getByRole('img', { name: /of 27 hours/ }).waitFor();

  await p.getByRole('button', { name: 'Limits …' }).click();
  await dialog.getByText('Nothing is changed.').waitFor();
  await dialog.getByLabel('Hours more').fill('2');
  await outlook.getByText(/for \$0\.15 more/).waitFor();
  await dialog.getByLabel('Budget').fill('1,000');
  await dialog.locator('.why', { hasText: 'Budget must have no comma' }).waitFor();
  await looksRight(p, 'limits-fault');
  await dialog.getByLabel('Budget').fill('0.01');
  await dialog.getByText('That is spent already: to end it now, destroy it.').waitFor();
  await failing(p, async () => {
    await dialog.getByRole('button', { name: 'Lower to $0.01' }).click();
    await dialog.getByText(/smallest budget/).waitFor();
  });
  await looksRight(p, 'limits-refused');
  await dialog.getByLabel('Budget').fill('1.50');
  const said = (await outlook.textContent()) ?? '';
  await dialog.getByRole('button', { name: 'Lower to $1.50' }).click();
  await dialog.waitFor({ state: 'detached' });
  await p.getByRole('img', { name: /of 20 hours/ }).waitFor();
  assert.match(said, / less\.$/);
  const shown = (await p.locator('.figure.big .label').textContent()) ?? '';
  const [, promised] = /Teardown (.+) instead of/.exec(said) ?? [];
  assert.ok(promised !== undefined && shown.includes(promised), `${said} ${shown}`);
  await plannedTransfer(p);
}

/** What is planned is shown until it is taken away; how many hours it costs depends on the month. */
async function plannedTransfer(p: Page): Promise<void> {
  const dialog = p.getByRole('dialog', { name: 'Limits of render' });
  await p.getByRole('button', { name: 'Limits …' }).click();
  const transfer = dialog.getByLabel('Transfer in GB');
  assert.match(await transfer.inputValue(), /^\d+$/, 'what the nodes bring is shown');
  await transfer.fill('280');
  await dialog.getByText(/^The budget holds back what the transfer costs/).waitFor();
  await looksRight(p, 'limits-transfer');
  await dialog.getByRole('button', { name: 'Set limits' }).click();
  await dialog.waitFor({ state: 'detached' });
  await p.getByRole('button', { name: 'Limits …' }).click();
  assert.equal(await transfer.inputValue(), '280');
  await transfer.fill('');
  await dialog.getByRole('button', { name: 'Set limits' }).click();
  await dialog.waitFor({ state: 'detached' });
  await p.getByRole('img', { name: /of 20 hours/ }).waitFor();
}

/** The page of a cluster has its nodes, its inventory and its history. */
export async function page(p: Page): Promise<void> {
  await p.getByRole('link', { name: 'render', exact: true }).click();
  await p.getByRole('heading', { name: 'render', level: 1 }).waitFor();
  await p.locator('h1:focus').waitFor();
  assert.match(await p.title(), /^render · Onebuck$/);
  await p.getByRole('heading', { name: '10 of 10 nodes up, 10 ready' }).waitFor();
  await p.getByText(/^Ready since .+\d\d:\d\d\.$/).waitFor();
  await p.getByLabel('Search').fill('-7');
  await p.getByText('1 of 10 nodes', { exact: true }).waitFor();
  await p.getByLabel('Search').fill('');
  await p.getByRole('button', { name: 'Node', exact: true }).click();
  assert.match((await p.locator('.nodes-table tbody tr').first().textContent()) ?? '', /^9/);

  const preview = p.locator('pre.preview');
  await preview.getByText(/HostName/).waitFor();
  await p.getByLabel('Ansible').check();
  await preview.getByText(/ansible_host/).waitFor();
  await p.getByLabel('JSON').check();
  await preview.getByText(/"ipv4"/).waitFor();
  await p.getByLabel('/etc/hosts').check();
  await preview.getByText(/\d+\.\d+\.\d+\.\d+\s+onebuck-/).waitFor();
  await p.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  await p.getByRole('button', { name: 'Copy the /etc/hosts of render' }).click();
  await p.getByRole('button', { name: 'Copied the /etc/hosts of render' }).waitFor();
  const copied = await p.evaluate<string>(`navigator.clipboard.readText()`);
  assert.equal(copied, await preview.textContent());
  const saving = p.waitForEvent('download');
  await p.getByRole('button', { name: 'Download' }).click();
  const download = await saving;
  assert.equal(download.suggestedFilename(), 'render-hosts.txt');
  assert.equal(readFileSync(await download.path(), 'utf8'), copied);

  await p.locator('.story li', { hasText: 'budget lowered' }).waitFor();
  const asked = p.locator('dl', { hasText: 'linode/ubuntu24.04' });
  await asked.getByText(/^10\.\d+\.\d+\.0\/24, on the VLAN onebuck-c/).waitFor();
  await asked.getByText('mpi, nfs', { exact: true }).waitFor();
  await asked.getByText('80, 8000-8100, 53/udp', { exact: true }).waitFor();
  await looksRight(p, 'cluster');
  await p.getByRole('button', { name: 'Root passwords' }).click();
  await p
    .getByText(/^root@/)
    .first()
    .waitFor();
  await looksRight(p, 'passwords');
  await p.keyboard.press('Escape');
  await p.locator('button:focus', { hasText: 'Root passwords' }).waitFor();

  await p.reload();
  await p.getByRole('heading', { name: 'render', level: 1 }).waitFor();
  await p.goBack();
  await p.getByRole('heading', { name: 'Clusters', level: 1 }).waitFor();
  await failing(p, async () => {
    await p.evaluate(`location.hash = '#/clusters/caaaaaaaaaa'`);
    await p.locator('.problem').waitFor();
    await looksRight(p, 'cluster-none');
    // Until it is left, the page asks again for the cluster that is not there.
    await p.goBack();
    await p.getByRole('heading', { name: 'render', level: 2 }).waitFor();
  });
}

export async function lostContact(p: Page): Promise<void> {
  await failing(p, async () => {
    await p.context().setOffline(true);
    // The page looks again when it comes into view.
    await p.evaluate(`document.dispatchEvent(new Event('visibilitychange'))`);
    await p.getByText('Lost contact.').waitFor({ timeout: 15_000 });
    await countedOn(p);
    await looksRight(p, 'clusters-lost');
    await p.context().setOffline(false);
    await p.getByText('Lost contact.').waitFor({ state: 'detached', timeout: 15_000 });
  });
}

export async function destroy(p: Page): Promise<void> {
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
  await p.getByText(/spent of \$1\.50, somebody asked for its end/).waitFor();
  await looksRight(p, 'clusters-gone');
}
