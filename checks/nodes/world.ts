import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { placesFor } from '../../dev/nodes.ts';
import { localSettings } from '../../dev/settings.ts';
import { type Stack, startStack } from '../../dev/stack.ts';
import { epochMs } from '../../lib/core/base/units.ts';
import { type LinodeSimulator, startLinodeSimulator } from '../../simulators/linode/simulator.ts';
import { freePort } from '../../simulators/listen.ts';
import { startMachines } from '../../simulators/nodes/machines.ts';
import { expect, until } from '../deploy/expect.ts';
import type { Cluster } from './cluster.ts';
import { createShell, type Shell } from './shell.ts';

export const LINODE_IS_BEHIND_MS = 55 * 60_000;

export interface World extends Shell {
  readonly report: (text: string) => void;
  readonly stack: Stack;
  readonly simulator: LinodeSimulator;
  /** Calls the API. Throws if the answer is a problem. */
  call<T>(method: string, path: string, body?: object): Promise<T>;
  /** Launches a cluster that the check can log in to. */
  launch(spec: object): Promise<Cluster>;
  cluster(id: string): Promise<Cluster>;
  destroy(id: string): Promise<void>;
  /** Waits until each node has said that it is ready. */
  ready(id: string, seconds: number): Promise<Cluster>;
  /** Has nodes reach the port of 127.0.0.1; returns the address at which they do. */
  lead(port: number): Promise<string>;
  /** Destroys what the check has left alive, and expects that no Linode and no machine is left. */
  expectNothingLeft(): Promise<void>;
  close(): Promise<void>;
}

const LINODE_TOKEN = 'token-of-the-simulator';

export async function startWorld(report: (text: string) => void): Promise<World> {
  const folder = mkdtempSync(join(tmpdir(), 'onebuck-nodes-'));
  const key = join(folder, 'key');
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'check', '-f', key]);
  const publicKey = readFileSync(`${key}.pub`, 'utf8').trim();
  const machines = await startMachines(report);
  report('the root file system is there, and the lab stands');
  const simulator = await startLinodeSimulator({
    now: () => epochMs(Date.now() - LINODE_IS_BEHIND_MS),
    tokens: { [LINODE_TOKEN]: '*' },
    machines,
  });
  const settings = localSettings({
    DATA_DIR: join(folder, 'data'),
    PORT: `${await freePort()}`,
    LINODE_API_URL: simulator.url,
    LINODE_TOKEN,
  });
  const places = await placesFor(machines, settings.port);
  const stack = await startStack({ ...settings, ...places, onLog: () => {} });
  report(`Onebuck runs; its nodes reach it at ${places.publicUrl}`);

  const call = async <T>(method: string, path: string, body?: object): Promise<T> => {
    const response = await fetch(`${stack.url}${path}`, {
      method,
      headers: { authorization: `Bearer ${settings.apiToken}` },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    expect(response.ok, `${method} ${path}: ${response.status} ${text}`);
    return (text === '' ? undefined : JSON.parse(text)) as T;
  };
  const cluster = (id: string) => call<Cluster>('GET', `/clusters/${id}`);
  const living = () => simulator.instances().filter(({ deleted }) => deleted === null);

  return {
    report,
    stack,
    simulator,
    ...createShell(key),
    call,
    launch: (spec) =>
      call('POST', '/clusters', {
        ...{ type: 'g6-nanode-1', region: 'us-east', image: 'Debian 13', budgetUsd: 1 },
        ...{ authorizedKeys: [publicKey], ...spec },
      }),
    cluster,
    async destroy(id) {
      await call('DELETE', `/clusters/${id}`);
      await until(`${id} is deleted`, 60, async () => (await cluster(id)).status === 'deleted');
    },
    async ready(id, seconds) {
      let shown = await cluster(id);
      await until(`all nodes of ${id} are ready`, seconds, async () => {
        shown = await cluster(id);
        const failed = shown.nodes.find(({ agentReason }) => agentReason !== undefined);
        expect(failed === undefined, `n${failed?.index} of ${id}: ${failed?.agentReason}`);
        return shown.readyAt !== null;
      });
      return shown;
    },
    async lead(port) {
      await machines.lead(port);
      return machines.gateway;
    },
    async expectNothingLeft() {
      expect(living().length === 0, `${living().length} Linodes are left`);
      await until('every machine is gone', 30, () => machines.standing() === 0);
      report('no Linode and no machine is left');
    },
    async close() {
      await stack.close();
      await simulator.close();
      await machines.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
