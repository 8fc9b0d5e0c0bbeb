import assert from 'node:assert/strict';
import type { Page } from 'playwright-core';
import { looksRight } from './page.ts';

export async function schedules(p: Page): Promise<void> {
  await p.getByRole('link', { name: 'Schedules' }).click();
  await p.getByText('Nothing is scheduled.').waitFor();
  await looksRight(p, 'schedules-none');
  await p.getByRole('button', { name: 'New schedule' }).click();
  await p.getByText('At 02:30, Monday through Friday').waitFor();
  await p.getByText('23 runs a month: up to $23.00.').waitFor();
  await p.getByLabel('Cron expression', { exact: true }).fill('0 4 1 * *');
  await p.getByText('At 04:00, on day 1 of the month').waitFor();
  await p.getByLabel('Cron expression', { exact: true }).fill('0 4 1 *');
  await p.locator('.fault', { hasText: /^Cron expression must have five fields/ }).waitFor();
  assert.ok(await p.getByRole('button', { name: 'Make it' }).isDisabled());
  // What may cost thousands a month needs a cap.
  await p.getByLabel('Cron expression', { exact: true }).fill('* * * * *');
  await p.getByText('44,640 runs a month: up to $44,640.').waitFor();
  await p
    .locator('.why', { hasText: /^At most a month must be given, as a month may cost more than/ })
    .waitFor();
  assert.ok(await p.getByRole('button', { name: 'Make it' }).isDisabled());
  await looksRight(p, 'schedule-dear');
  await p.getByLabel('At most a month', { exact: true }).fill('20');
  await p.getByText('44,640 runs a month: up to $20.00, its cap.').waitFor();
  await p.getByLabel('At most a month', { exact: true }).fill('');
  await p.getByLabel('Cron expression', { exact: true }).fill('0 4 1 * *');
  await p.getByLabel('Name', { exact: true }).fill('monthly');
  await p.getByLabel('SSH public keys').fill(KEY);
  await p.getByText('Private network, setup and open ports').click();
  await p.getByLabel('slurm', { exact: true }).check();
  await p.getByText(/^Each run has 10 × Nanode 1GB .+ for 13 hours/).waitFor();
  await looksRight(p, 'schedule-new');
  await p.getByRole('button', { name: 'Make it' }).click();
  await p.getByRole('heading', { name: 'monthly' }).waitFor();
  // Berlin is the zone of the browser, too.
  await p.getByText('Next, in Europe/Berlin', { exact: true }).waitFor();
  await p.getByText(/^10 × g6-nanode-1 with linode\/ubuntu24\.04 in us-east for \$1\.00/).waitFor();
  await p.getByText('1 run a month: up to $1.00.').waitFor();
  await looksRight(p, 'schedules');
  await p.getByRole('button', { name: 'Change … monthly' }).click();
  await p.getByRole('heading', { name: 'Change monthly' }).waitFor();
  await p.getByText('At 04:00, on day 1 of the month').waitFor();
  await p.getByLabel('Cron expression', { exact: true }).fill('0 5 1 * *');
  await p.getByLabel('At most a month', { exact: true }).fill('20');
  await p.getByLabel('At most a day', { exact: true }).fill('none');
  await p.locator('.why', { hasText: /^At most a day must be an amount/ }).waitFor();
  await p.getByLabel('At most a day', { exact: true }).fill('4');
  await p.getByLabel('At most a week', { exact: true }).fill('8');
  await p.getByLabel('Try again for', { exact: true }).fill('120');
  await p.getByLabel('Budget', { exact: true }).fill('2');
  await p.getByText(/^Each run has 10 × Nanode 1GB .+ for 26 hours/).waitFor();
  await looksRight(p, 'schedule-change');
  await p.getByRole('button', { name: 'Save' }).click();
  await p
    .getByText(/for \$2\.00 a run, at most \$4\.00 a day, \$8\.00 a week, \$20\.00 a month/)
    .waitFor();
  await p.getByText(/tries again every 15 minutes for 120 minutes/).waitFor();
  await copied(p);
  await runNow(p);
  await p.getByRole('button', { name: 'Pause monthly', exact: true }).click();
  await p.getByText('Paused', { exact: true }).waitFor();
  for (const name of ['monthly', 'monthly copy']) {
    await p.getByRole('button', { name: `Delete … ${name}`, exact: true }).click();
    await p.getByRole('button', { name: 'Delete', exact: true }).click();
    await p.getByRole('heading', { name, exact: true }).waitFor({ state: 'detached' });
  }
  await p.getByText('Nothing is scheduled.').waitFor();
}

/** The copy has the fields of the schedule, in another zone. */
async function copied(p: Page): Promise<void> {
  await p.getByRole('button', { name: 'Copy … monthly' }).click();
  await p.getByRole('heading', { name: 'Copy monthly' }).waitFor();
  assert.equal(await p.getByLabel('SSH public keys').inputValue(), KEY);
  assert.ok(await p.getByLabel('slurm', { exact: true }).isVisible());
  assert.ok(await p.getByLabel('slurm', { exact: true }).isChecked());
  for (const [label, usd] of [
    ['At most a day', '4'],
    ['At most a week', '8'],
    ['At most a month', '20'],
  ] as const) {
    assert.equal(await p.getByLabel(label, { exact: true }).inputValue(), usd);
  }
  await p.getByLabel('Time zone').fill('America/New_York');
  await p.getByText(/^Each run has 10 × Nanode 1GB/).waitFor();
  await p.getByRole('button', { name: 'Make it' }).click();
  const card = p.getByRole('article', { name: 'monthly copy' });
  // 05:00 in New York is 11:00 in Berlin.
  await card
    .getByText(/^Next, in America\/New_York: the first at .+ 1[01]:00 your time$/)
    .waitFor();
  await card
    .locator('time', { hasText: / 05:00$/ })
    .first()
    .waitFor();
  await looksRight(p, 'schedules-zones');
}

/** A run by hand says its price before it launches. */
async function runNow(p: Page): Promise<void> {
  await p.getByRole('button', { name: 'Run now … monthly', exact: true }).click();
  const dialog = p.getByRole('dialog', { name: 'Run monthly now?' });
  await dialog.getByText(/10 × Nanode 1GB .+ \$2\.00 lasts 26 hours/).waitFor();
  await looksRight(p, 'schedule-run-now');
  await dialog.getByRole('button', { name: 'Launch it' }).click();
  await p.getByRole('heading', { name: 'monthly', level: 1 }).waitFor();
  await p.locator('dl', { hasText: 'SSH public keys' }).getByText('1', { exact: true }).waitFor();
  await p.getByRole('button', { name: 'Destroy …' }).click();
  await p.getByRole('button', { name: 'Destroy now' }).click();
  await p.locator('.badge', { hasText: 'Gone' }).waitFor({ timeout: 30_000 });
  await p.getByRole('link', { name: 'Schedules' }).click();
  await p.getByRole('heading', { name: 'monthly', exact: true }).waitFor();
}

const KEY =
  'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJZ1uYr7o9Zt8Vg1yVq3l0Jm0f3l5v9y1dQ2m4zX8k7b me@home';
