import { expect, it } from 'vitest';
import event from '../../../events/invoices.json' with { type: 'json' };
import { hours, plus } from '../../../lib/core/base/units.ts';
import { monthName, monthNamed } from '../../../lib/core/billing/bill.ts';
import { EMPTY_BOOK } from '../../../lib/core/invoices/invoice.ts';
import { aContext, startWorld } from '../../support/handler-world.ts';
import { callLinode } from '../../support/simulated-linode.ts';

it('reads the invoices of the account into the table of the deployment', async () => {
  const world = await startWorld();
  const { handler } = await import('../../../handlers/invoices.ts');
  const body = { type: 'g6-nanode-1', region: 'us-east', label: 'onebuck-cabcdefg234-0' };
  expect((await callLinode(world.simulator, 'POST', '/linode/instances', { body })).status).toBe(
    200,
  );
  const { invoices } = world;
  await handler(event, aContext(300_000));
  expect(await invoices.book()).toEqual({ ...EMPTY_BOOK, revision: 1, access: 'granted' });
  const month = monthName(world.clock.now());
  world.clock.set(plus(monthNamed(month).end, hours(1)));
  await handler(event, aContext(300_000));
  expect(await invoices.month(month)).toMatchObject({
    differences: [{ kind: 'unknownLinode', count: 1 }],
  });
});
