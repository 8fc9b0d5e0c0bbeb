import assert from 'node:assert/strict';
import type { Page } from 'playwright-core';
import { until } from '../deploy/expect.ts';
import { looksRight, stack, wholeCluster } from './page.ts';

/** The admin adds a student, sets caps and revokes; the student's token shows only the own bars. */
export async function budgets(p: Page): Promise<void> {
  await p.getByRole('link', { name: 'Budget', exact: true }).click();
  await p.getByRole('heading', { name: 'This week' }).waitFor();
  await looksRight(p, 'budget');
  await p.getByRole('button', { name: 'Add an owner' }).click();
  const adding = p.getByRole('dialog', { name: 'Add an owner' });
  await adding.getByLabel('Owner', { exact: true }).fill('student-1');
  await adding.getByLabel('At most a week', { exact: true }).fill('2');
  await adding.getByLabel('Expires').fill('30d');
  await looksRight(p, 'budget-add');
  await adding.getByRole('button', { name: 'Add, and show the token' }).click();
  const shown = p.getByRole('dialog', { name: 'Token of student-1' });
  const token = (await shown.locator('code').textContent()) ?? '';
  assert.match(token, /^onebuck_student-1\.[\w-]{43}$/);
  await looksRight(p, 'budget-token');
  await shown.getByRole('button', { name: 'Done' }).click();
  const row = p.getByRole('listitem').filter({ hasText: 'student-1' });
  await row.getByText('$2.00 of $2.00 left').waitFor();
  assert.equal(await p.getByText(token).count(), 0);

  // What is open counts in full.
  const spec = { nodes: 1, type: 'g6-nanode-1', region: 'us-east', image: 'Ubuntu 24.04 LTS' };
  const launched = await fetch(`${stack.url}/clusters`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}` },
    body: JSON.stringify({ ...spec, budgetUsd: 1.25, name: 'homework' }),
  });
  assert.equal(launched.status, 202);
  await p.reload();
  await row.getByText('$0.75 of $2.00 left').waitFor();
  await looksRight(p, 'budget-owners');

  await p.getByRole('button', { name: 'Caps … student-1' }).click();
  const caps = p.getByRole('dialog', { name: 'Caps of student-1' });
  await caps.getByLabel('At most a week', { exact: true }).fill('much');
  await caps.getByRole('button', { name: 'Change the caps' }).click();
  await caps.getByText(/^At most a week must be an amount/).waitFor();
  await looksRight(p, 'budget-fault');
  await caps.getByLabel('At most a week', { exact: true }).fill('5');
  await caps.getByRole('button', { name: 'Change the caps' }).click();
  await row.getByText('$3.75 of $5.00 left').waitFor();

  const { id } = (await launched.json()) as { readonly id: string };
  const destroyed = await fetch(`${stack.url}/clusters/${id}`, {
    method: 'DELETE',
    headers: { authorization: `Bearer ${token}` },
  });
  assert.equal(destroyed.status, 202);
  await until(`${id} is gone`, 60, async () => (await wholeCluster(id)).status === 'deleted');

  await p.getByRole('button', { name: 'Revoke … student-1' }).click();
  const revoking = p.getByRole('dialog', { name: 'Revoke student-1?' });
  await revoking.getByText(/^No token works any more/).waitFor();
  await looksRight(p, 'budget-revoke');
  await revoking.getByRole('button', { name: 'Revoke', exact: true }).click();
  await row.getByText(/^revoked /).waitFor();
  const refused = await fetch(`${stack.url}/budget`, {
    headers: { authorization: `Bearer ${token}` },
  });
  assert.equal(refused.status, 403);
}
