import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { withNodes } from '../../../dev/nodes.ts';
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
