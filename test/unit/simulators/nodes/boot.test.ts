import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { projectDir } from '../../../../build/project.ts';
import { dmidecodeScript, dmiOf } from '../../../../simulators/nodes/disk.ts';
import { lassieBoots } from '../../../../simulators/nodes/lassie.ts';
import { endingOf, launchArguments } from '../../../../simulators/nodes/launch.ts';
import { type Host, missingOn } from '../../../../simulators/nodes/requirements.ts';
import { mmdebstrapArguments, packagesIn } from '../../../../simulators/nodes/root-file-system.ts';

describe('the root file system', () => {
  const list = readFileSync(join(projectDir, 'simulators', 'nodes', 'packages.txt'), 'utf8');

  it('has the packages of the list, each once', () => {
    const packages = packagesIn(list);
    expect(packages).toContain('cloud-init');
    expect(packages).toEqual([...new Set(packages)]);
    for (const name of packages) expect(name).toMatch(/^[a-z0-9][a-z0-9+.-]+$/);
  });

  it('is made by way of the mirror', () => {
    const args = mmdebstrapArguments({
      packages: ['curl', 'rsync'],
      hook: '/repository/customise.sh',
      proxy: 'http://127.0.0.1:1234',
      target: '/repository/.nodes/root-1.unfinished',
    });
    expect(args).toContain('--aptopt=Acquire::http::Proxy "http://127.0.0.1:1234"');
    expect(args).toContain('--include=curl,rsync');
    expect(args).toContain(`--customize-hook=sh '/repository/customise.sh' "$1"`);
    expect(args.filter((arg) => arg.startsWith('deb '))).toHaveLength(3);
  });
});

describe('a boot', () => {
  it('puts the node into its groups, and ends it with the process that boots it', () => {
    const args = launchArguments({
      namespace: 'ob0-1',
      groups: ['/sys/fs/cgroup/onebuck-0/1', '/sys/fs/cgroup/memory/onebuck-0/1'],
      base: '/root-fs',
      folder: '/lab-0/1',
      uptimeSeconds: 99.9,
    });
    const [, , , ...words] = args;
    expect(words.join(' ')).toMatch(
      /^\S+\/onebuck-0\/1\/cgroup.procs \S+\/memory\/onebuck-0\/1\/cgroup.procs -- setpriv --pdeathsig KILL ip netns exec ob0-1 unshare .*--boottime -99 --monotonic -99 --kill-child=KILL sh \S+\/boot.sh \/root-fs \/lab-0\/1$/,
    );
  });

  it.each([
    [null, 'SIGHUP', 'reboot'],
    [129, null, 'reboot'],
    [null, 'SIGINT', 'powerOff'],
    [130, null, 'powerOff'],
    [1, null, 'failure'],
    [null, 'SIGKILL', 'failure'],
  ] as const)('that ends with %s or by %s is a %s', (code, signal, ending) => {
    expect(endingOf(code, signal)).toBe(ending);
  });

  it('by Lassie happens at most five times in fifteen minutes', () => {
    const minute = 60_000;
    const boots = [0, 1, 2, 3, 4].map((index) => index * minute);
    expect(lassieBoots(boots.slice(0, 4), 4 * minute)).toBe(true);
    expect(lassieBoots(boots, 5 * minute)).toBe(false);
    expect(lassieBoots(boots, 15 * minute)).toBe(true);
  });
});

it.each([
  ['system-manufacturer', 'Akamai'],
  ['system-serial-number', '90000001'],
  ['baseboard-serial-number', 'als=0;v6=0'],
  ['system-uuid', 'a-uuid'],
  ['bios-version', ''],
])('a host without DMI has the dmidecode of the node say of %s: %s', (key, value) => {
  const script = dmidecodeScript(dmiOf(90_000_001, 'a-uuid'));
  // cloud-init calls `dmidecode -q --string KEY`.
  const printed = execFileSync('sh', ['-s', '--', '-q', '--string', key], { input: script });
  expect(printed.toString().trim()).toBe(value);
});

describe('a machine on which nodes', () => {
  const host: Host = {
    isLinux: true,
    isRoot: true,
    lackingPackages: [],
    hasNamespaces: true,
    hasCgroups: true,
    mirrorFault: null,
  };

  it('can boot lacks nothing', () => {
    expect(missingOn(host)).toBeNull();
  });

  it.each([
    [{ isLinux: false }, 'on Linux only'],
    [{ isRoot: false }, 'run this as root'],
    [{ lackingPackages: ['iproute2', 'mmdebstrap'] }, 'apt-get install iproute2 mmdebstrap'],
    [{ hasNamespaces: false }, 'outside of a container'],
    [{ hasCgroups: false }, 'mount it at /sys/fs/cgroup'],
    [{ mirrorFault: "http://m.example can't be reached" }, "http://m.example can't be reached"],
  ] as const)("can't boot says in a sentence what to do: %o", (lack, advice) => {
    const sentence = missingOn({ ...host, ...lack });
    expect(sentence).toContain(advice);
    expect(sentence).toMatch(/^[A-Z][^.]*.*\.$/);
  });
});
