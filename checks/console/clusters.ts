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

export async function extend(p: Page): Promise<void> {
  await p.getByRole('button', { name: /\+ 1 h/ }).click();
  await p.getByRole('img', { name: /of 14 hours/ }).waitFor();
  await p.getByText(/spent of \$1\.0[5-7]/).waitFor();
  await p.getByRole('button', { name: '+ $1' }).click();
  await p.getByRole('img', { name: /of 27 hours/ }).waitFor();
}

export async function inventory(p: Page): Promise<void> {
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

export async function lostContact(p: Page): Promise<void> {
  await failing(p, async () => {
    await p.context().setOffline(true);
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
  await p.getByText(/billed of \$2\.0[5-7]\d*, somebody asked for its end/).waitFor();
  await looksRight(p, 'clusters-gone');
}
