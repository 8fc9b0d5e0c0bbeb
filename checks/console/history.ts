import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { looksRight } from './page.ts';

export async function history(p: Page): Promise<void> {
  await p.getByRole('link', { name: 'History' }).click();
  await p.getByRole('row', { name: /render/ }).waitFor();
  await p.getByText('spent, by Onebuck’s reckoning').waitFor();
  await p
    .getByText(/^These amounts are Onebuck’s reckoning.+Linode’s invoice, which Onebuck/)
    .waitFor();
  await p.getByText('saved against leaving them on').waitFor();
  await looksRight(p, 'history');
  const saving = p.waitForEvent('download');
  await p.getByRole('button', { name: 'Download CSV' }).click();
  assert.match(readFileSync(await (await saving).path(), 'utf8'), /^id,name.*\r\nc\w{10},render,/);
  await p.locator('.months button').first().click();
  await p.getByText(/^No cluster launched in .* has ended\.$/).waitFor();
  // The month is in the address.
  assert.match(p.url(), /#\/history\?month=\d{4}-\d\d$/);
  await p.reload();
  await p.getByText(/^No cluster launched in .* has ended\.$/).waitFor();
  await p.locator('.months button').last().click();
  await p.getByRole('link', { name: 'render', exact: true }).click();
  await p.getByText(/^spent of \$1\.50, somebody asked for its end/).waitFor();
  await looksRight(p, 'cluster-ended');
  await p.goBack();
  await p.getByRole('heading', { name: 'History', level: 1 }).waitFor();
}
