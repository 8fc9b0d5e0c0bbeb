import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { looksRight, SHOTS } from './page.ts';

export async function history(p: Page): Promise<void> {
  await p.getByRole('link', { name: 'History', exact: true }).click();
  await p.getByRole('row', { name: /render/ }).waitFor();
  for (const figure of ['by the quotes at launch', 'by Onebuck’s reckoning']) {
    await p.getByText(figure).waitFor();
  }
  await p.getByText('Linode’s invoice does not cover it yet').waitFor();
  await p.getByText('saved against leaving them on').waitFor();
  await looksRight(p, 'history');
  const saving = p.waitForEvent('download');
  await p.getByRole('button', { name: 'Export CSV' }).click();
  assert.match(
    readFileSync(await (await saving).path(), 'utf8'),
    /^date,owner,id,.*\r\n(.*\r\n)*\d{4}-\d\d-\d\d,admin,c\w{10},render,/,
  );
  await printsWell(p);
  await p.locator('.months button').first().click();
  await p.getByText(/^No cluster was billed in .*\.$/).waitFor();
  // The month is in the address.
  assert.match(p.url(), /#\/history\?month=\d{4}-\d\d$/);
  await p.reload();
  await p.getByText(/^No cluster was billed in .*\.$/).waitFor();
  // A month from before the bars has its own bars.
  await p.getByLabel('Month', { exact: true }).selectOption({ index: 10 });
  await p.getByText(/^No cluster was billed in .*\.$/).waitFor();
  await p.getByLabel('Month', { exact: true }).selectOption({ index: 0 });
  await p.getByRole('link', { name: 'render', exact: true }).click();
  await p.getByText(/^spent of \$1\.50, somebody asked for its end/).waitFor();
  await looksRight(p, 'cluster-ended');
  await p.goBack();
  await p.getByRole('heading', { name: 'History', level: 1 }).waitFor();
}

/** A month is one page of A4, with its figures and its clusters, and without what only a screen needs. */
async function printsWell(p: Page): Promise<void> {
  await p.emulateMedia({ media: 'print' });
  await p.getByText(/^Onebuck at 127\.0\.0\.1:\d+, as of /).waitFor();
  for (const onScreen of ['Export CSV', 'Print', 'Sign out']) {
    assert.ok(await p.getByRole('button', { name: onScreen }).isHidden(), `${onScreen} is printed`);
  }
  await p.emulateMedia({ media: null });
  const pdf = await p.pdf({ preferCSSPageSize: true, path: join(SHOTS, 'history.pdf') });
  const pages = pdf.toString('latin1').match(/\/Type\s*\/Page\b/g) ?? [];
  assert.equal(pages.length, 1, `the month is printed on ${pages.length} pages`);
}
