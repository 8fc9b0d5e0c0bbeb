import { expect, it } from 'vitest';
import { startScript } from '../../../support/children.ts';

it('the simulated Linode runs as a process on its own clock, and stops on SIGTERM', async () => {
  const origin = Date.parse('2026-01-01T00:00:00Z');
  const env = { PORT: '0', LINODE_TOKEN: 'secret', CLOCK_RATE: '2', CLOCK_ORIGIN: `${origin}` };
  const { child, said, says, ended } = startScript(['simulators/linode/main.ts'], env);
  await says('/v4\n');
  const [line] = said.stdout.split('\n');
  expect(line).toMatch(/^Linode simulator on http:\/\/127\.0\.0\.1:\d+\/v4$/);

  const url = String(line).replace('Linode simulator on ', '');
  const headers = { Authorization: 'Bearer secret' };
  const virtual = () => origin + (Date.now() - origin) * 2;
  const [before, response, after] = [
    virtual(),
    await fetch(`${url}/profile`, { headers }),
    virtual(),
  ];
  expect(response.status).toBe(200);
  // The header Date has whole seconds.
  const shown = Date.parse(response.headers.get('Date') ?? '');
  expect(shown).toBeGreaterThan(before - 1_000);
  expect(shown).toBeLessThanOrEqual(after);

  child.kill('SIGTERM');
  expect((await ended).code).toBe(0);
});
