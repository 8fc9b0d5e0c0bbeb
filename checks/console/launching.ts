import assert from 'node:assert/strict';
import type { Page, Request } from 'playwright-core';
import { clusters, failing, looksRight } from './page.ts';

export async function quote(p: Page): Promise<void> {
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

export async function types(p: Page): Promise<void> {
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

export async function refusal(p: Page): Promise<void> {
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

/** What makes one room of the nodes is left shut until it is used; its faults lead to its fields. */
export async function room(p: Page): Promise<void> {
  const ports = p.getByLabel('Open ports', { exact: true });
  const users = p.getByLabel('Users of the Linode account', { exact: true });
  assert.ok(!(await ports.isVisible()));
  await p.getByText('Private network, setup and open ports').click();
  await p.getByLabel('Private network', { exact: true }).selectOption('isolated');
  await p.getByLabel('nfs', { exact: true }).check();
  await p.getByLabel('mpi', { exact: true }).check();
  await failing(p, async () => {
    await users.fill('x');
    await ports.fill('80 http');
    await p.locator('.fault', { hasText: /^Open ports, item 2, must be a port/ }).waitFor();
    await p.locator('.fault', { hasText: /^Users of the .+, item 1, must be the name/ }).waitFor();
    await looksRight(p, 'launch-room-fault');
    await users.fill('');
    await ports.fill('80 8000-8100, 53/udp');
    await p.locator('.fault').first().waitFor({ state: 'detached' });
  });
  await p.reload();
  await p.locator('.quote:not(.stale) .price').waitFor();
  assert.ok(await p.getByLabel('mpi', { exact: true }).isChecked());
  assert.ok(await ports.isVisible(), 'what is used is open');
  await looksRight(p, 'launch-room');
}

export async function launch(p: Page): Promise<void> {
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

/**
 * Whatever is typed, a price is shown only for fields that can be launched, and the button says why
 * not.
 */
export async function truth(p: Page): Promise<void> {
  const button = p.getByRole('button', { name: /^Launch/ });
  const why = p.locator('#why-ticket');
  const [nodes, budget] = [
    p.getByLabel('Nodes', { exact: true }),
    p.getByLabel('Budget', { exact: true }),
  ];
  for (const [field, text, says] of [
    [budget, '1,000', 'Budget must have no comma: write 1000 or 1.000.'],
    [budget, 'much', 'Budget must be an amount above 0, such as 2.50, with at most 6 decimals.'],
    [budget, '', 'Budget must be an amount above 0, such as 2.50, with at most 6 decimals.'],
    [nodes, '1,000', 'Nodes must have no comma: write 1000.'],
    [nodes, '1.5', 'Nodes must be a whole number from 1 on, such as 10.'],
  ] as const) {
    await field.fill(text);
    await why.getByText(says, { exact: true }).waitFor();
    assert.equal(await field.getAttribute('aria-invalid'), 'true', text);
    assert.equal(await p.locator('.price').count(), 0, `a price beside ${text}`);
    assert.ok(await button.isDisabled(), `a launch with ${text}`);
    // The keyboard reaches the button, which leads to the field.
    await button.focus();
    await p.keyboard.press('Enter');
    assert.equal(await field.evaluate((input) => input === document.activeElement), true);
    if (text === '1,000' && field === budget) await looksRight(p, 'launch-comma');
    await field.fill('10');
    await p.locator('.quote:not(.stale) .price').waitFor();
  }
  await failing(p, async () => {
    await nodes.fill('5000');
    await why.getByText(/^Nodes must be a whole number from 1 to \d+\.$/).waitFor();
    assert.equal(await p.locator('.price').count(), 0, 'a price beside 5000 nodes');
    await nodes.fill('10');
    await p.locator('.quote:not(.stale) .price').waitFor();
  });
  await nodes.fill('1');
  await budget.fill('100');
  await p.getByText(/\$100\.00 lasts until \w+ \d+ \w+ 20\d\d \d\d:\d\d your time/).waitFor();
  await p
    .getByRole('row', { name: /Nanode/ })
    .getByText(/^until \w{3} 20\d\d$/)
    .waitFor();
  await looksRight(p, 'launch-years');
  await p.getByLabel('Name', { exact: true }).fill('half typed');
  await p.reload();
  await p.getByText(/lasts until/).waitFor();
  assert.equal(await p.getByLabel('Name', { exact: true }).inputValue(), 'half typed');
  await nodes.fill('10');
}
