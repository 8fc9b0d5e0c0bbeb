import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { images, regions, types } from '../../simulators/linode/catalogue.ts';
import { type LinodeSimulator, startLinodeSimulator } from '../../simulators/linode/simulator.ts';
import { startProgram } from '../support/children.ts';

/*
 * Linode's own client for Python against the simulator. The fuzzer's step of CI installs the
 * client; setup.ts checks the simulator's answers against the contract.
 */

const NOW = Date.parse('2026-11-22T12:00:00.250Z');
const script = fileURLToPath(new URL('linode_api4_drive.py', import.meta.url));

const isInstalled = spawnSync('python3', ['-c', 'import linode_api4']).status === 0;
const skipped = isInstalled ? '' : ' (skipped: python3 has no linode_api4)';

describe.skipIf(!isInstalled)(`the simulator, for linode_api4,${skipped}`, () => {
  let simulator: LinodeSimulator;
  // biome-ignore lint/suspicious/noExplicitAny: the assertions say what is in it
  let seen: any;

  beforeAll(async () => {
    simulator = await startLinodeSimulator({
      now: () => NOW,
      tokens: { all: '*', few: 'linodes:read_only' },
      settings: {
        backupsForced: true,
        rateLimits: { createInstance: { count: 100, seconds: 15 } },
        soldOut: [{ type: 'g6-nanode-1', region: 'us-sea' }],
        defaultFirewall: 7,
      },
    });
    const command = ['python3', script, simulator.url, 'all', 'few'];
    const env = { PATH: process.env.PATH ?? '' };
    const { code, stdout, stderr } = await startProgram(command, env).ended;
    if (code !== 0) throw new Error(`linode_api4_drive.py ended with ${code}: ${stderr}`);
    seen = JSON.parse(stdout);
  });
  afterAll(() => simulator.close());

  it('has types, regions, images and availability', () => {
    expect(seen.catalogue).toEqual({
      types: [...types.keys()],
      nanode: [1, 0.0075, 0.009],
      one_cpu: ['g6-nanode-1', 'g6-standard-1'],
      regions: Object.fromEntries(
        [...regions.values()].map(({ id, capabilities }) => [id, capabilities]),
      ),
      images: [...images.keys()],
      debian: 'Debian 12',
      sold_out: [['g6-nanode-1', 'us-sea']],
    });
  });

  it('creates, shows, tags and deletes a Linode', () => {
    expect(seen.life).toEqual({
      made: ['web-1', 'provisioning', ['blue'], true, 1],
      created: '2026-11-22T12:00:00',
      loaded: ['web-1', 'g6-nanode-1', 'us-east', 'linode/debian12'],
      saved: true,
      tags: ['blue', 'last'],
      empty: null,
      deleted: true,
      gone: [404, [{ reason: 'Not found' }]],
    });
    const empty = simulator.instances().find(({ label }) => label === 'empty');
    expect(empty).toMatchObject({ image: null, deleted: NOW });
  });

  it('filters and orders lists', () => {
    expect(seen.filters).toEqual({
      tag: ['web-1', 'web-3'],
      label: ['web-2'],
      both: ['web-3'],
      either: ['web-1', 'web-2'],
      nested: ['web-3'],
      part: ['web-1', 'web-2', 'web-3'],
      not: ['web-3'],
      ordered: ['web-3', 'web-2', 'web-1'],
      none: [],
    });
  });

  it('lists all items over several pages', () => {
    const labels = Array.from({ length: 30 }, (_, index) => `page-${index}`);
    expect(seen.paging).toEqual({ total: 30, last: 'page-29', labels });
  });

  it('has tags; the deletion of a tag takes it off all Linodes', () => {
    expect(seen.tags).toEqual({
      all: ['blue', 'last', 'a/b c'],
      put_on: ['a/b c'],
      objects: ['web-1', 'web-3'],
      deleted: true,
      left: [],
    });
  });

  it('creates Linodes in a VLAN, with interfaces of both generations', () => {
    expect(seen.networks).toEqual({
      generations: ['legacy_config', 'linode'],
      vlans: [['lab', 'us-east', 2]],
      default_firewall: 7,
      deleted: true,
    });
    const made = simulator.instances().filter(({ label }) => label.startsWith('net-'));
    const vlan = { purpose: 'vlan', label: 'lab' };
    expect(made).toMatchObject([
      { interfaces: [{ purpose: 'public' }, { ...vlan, address: '10.0.0.1/24' }] },
      { interfaces: [{ purpose: 'public' }, { ...vlan, address: '10.0.0.2/24' }] },
    ]);
    expect(made.map(({ firewallId }) => firewallId)).toEqual([null, null]);
  });

  it('has a profile, an account, its settings and events', () => {
    expect(seen.account).toEqual({
      username: 'simulator',
      backups_enabled: true,
      country: 'US',
      events: ['linode_boot', 'linode_create', 'linode_update'],
    });
  });

  it('answers errors as Linode does', () => {
    expect(seen.errors).toEqual({
      fields: [
        400,
        [
          { reason: 'A valid plan type by that ID was not found', field: 'type' },
          { reason: 'region is not valid', field: 'region' },
        ],
      ],
      label: [400, [{ reason: 'Label must be unique among your linodes', field: 'label' }]],
      invalid: [401, [{ reason: 'Invalid Token' }]],
      scope: [401, [{ reason: 'Your OAuth token is not authorized to use this endpoint.' }]],
      page_size: [400, [{ reason: 'Must be 25-500', field: 'page_size' }]],
      rate: [429, [{ reason: 'Too many requests' }]],
    });
  });
});
