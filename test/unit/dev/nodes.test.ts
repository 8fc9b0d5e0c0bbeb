import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { placesFor, withNodes } from '../../../dev/nodes.ts';
import { localSettings } from '../../../dev/settings.ts';

function settingsIn(env: Readonly<Record<string, string>>) {
  const dataDir = mkdtempSync(join(tmpdir(), 'nodes-'));
  onTestFinished(() => rmSync(dataDir, { recursive: true }));
  return localSettings({ DATA_DIR: dataDir, ...env });
}

it.each([
  [{ LINODE_API_URL: 'http://127.0.0.1:1/v4', LINODE_TOKEN: 'token' }, 'unset LINODE_API_URL'],
  [{ CLOCK_RATE: '60' }, 'CLOCK_RATE 1 only'],
] as const)('nodes do not boot with %o', async (env, advice) => {
  await expect(withNodes(settingsIn(env), () => {})).rejects.toThrow(advice);
});

it('nodes reach the API and the files of jobs by the gateway, on the same ports', async () => {
  const led: number[] = [];
  const lead = async (port: number) => void led.push(port);
  const { publicUrl, leadToFiles } = await placesFor({ gateway: '10.0.0.1', lead }, 3000);
  expect(publicUrl).toBe('http://10.0.0.1:3000');
  expect(await leadToFiles?.(15_000)).toBe('10.0.0.1');
  expect(led).toEqual([3000, 15_000]);
});
