import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';

const root = fileURLToPath(new URL('../../../..', import.meta.url));

it('runs as a process on its own clock, and stops on SIGTERM', { timeout: 30_000 }, async () => {
  const origin = Date.parse('2026-01-01T00:00:00Z');
  const child = spawn(process.execPath, ['--import', 'tsx', 'simulators/linode/main.ts'], {
    cwd: root,
    env: {
      ...process.env,
      PORT: '0',
      LINODE_TOKEN: 'secret',
      CLOCK_RATE: '2',
      CLOCK_ORIGIN: String(origin),
    },
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const [line] = await once(createInterface(child.stdout), 'line');
  expect(line).toMatch(/^Linode simulator on http:\/\/127\.0\.0\.1:\d+\/v4$/);

  const url = String(line).replace('Linode simulator on ', '');
  const headers = { Authorization: 'Bearer secret' };
  const response = await fetch(`${url}/profile`, { headers });
  expect(response.status).toBe(200);
  const expected = origin + (Date.now() - origin) * 2;
  const shown = Date.parse(response.headers.get('Date') ?? '');
  expect(Math.abs(shown - expected)).toBeLessThan(10_000);

  child.kill('SIGTERM');
  expect(await once(child, 'exit')).toEqual([0, null]);
});
