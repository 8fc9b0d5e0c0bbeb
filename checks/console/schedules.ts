import type { Page } from 'playwright-core';
import { looksRight } from './page.ts';

export async function schedules(p: Page): Promise<void> {
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
