import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { localSettings } from '../dev/settings.ts';
import { startStack } from '../dev/stack.ts';
import { epochMs } from '../lib/core/base/units.ts';
import { type LinodeSimulator, startLinodeSimulator } from '../simulators/linode/simulator.ts';
import { freePort } from '../simulators/listen.ts';

export interface Bench {
  readonly simulator: LinodeSimulator;
  readonly linodeToken: string;
  call<T>(method: string, path: string, body?: unknown): Promise<T>;
}

/** Runs `measure` on a local stack in real time. The simulator keeps its account in memory. */
export async function withStack(
  latencyMs: number,
  measure: (bench: Bench) => Promise<void>,
): Promise<void> {
  const dataDir = mkdtempSync(join(tmpdir(), 'onebuck-bench-'));
  const linodeToken = 'token-of-the-bench';
  const simulator = await startLinodeSimulator({
    now: () => epochMs(Date.now()),
    tokens: { [linodeToken]: '*' },
  });
  simulator.updateSettings({ latencyMs });
  const settings = localSettings({
    DATA_DIR: dataDir,
    PORT: `${await freePort()}`,
    LINODE_API_URL: simulator.url,
    LINODE_TOKEN: linodeToken,
    MAX_OPEN_BUDGET_USD: 'none',
  });
  const stack = await startStack({ ...settings, onLog: () => {} });
  try {
    await measure({
      simulator,
      linodeToken,
      async call<T>(method: string, path: string, body?: unknown) {
        const response = await fetch(`${stack.url}${path}`, {
          method,
          headers: { authorization: `Bearer ${settings.apiToken}` },
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        });
        const text = await response.text();
        if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
        return JSON.parse(text) as T;
      },
    });
  } finally {
    await stack.close();
    await simulator.close();
    rmSync(dataDir, { recursive: true, force: true });
  }
}
