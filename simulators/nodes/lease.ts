import {
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { LABS_MAX, type LabName, labName } from './lab-name.ts';
import { cleanUp, isAlive, type ProcessMark, processMark } from './leftovers.ts';
import { run } from './run.ts';

/** Says which process has the lab of a number, and what to take away when that process is dead. */
interface Lease {
  readonly owner: ProcessMark;
  readonly folder: string;
}

/** For all of the host: labs of several checkouts share the host's names. */
const LEASES = '/run/onebuck-nodes';
const LEASE_FILE = /^(\d+)\.json(\.cleaning-\d+)?$/;

const leasePath = (number: number): string => join(LEASES, `${number}.json`);

/**
 * Takes the lowest number that no live process has, and whose addresses lead nowhere on this host
 * yet. `folderOf` gives the lab's folder. Takes away before what dead processes have left, of any
 * number.
 */
export async function takeLab(folderOf: (name: LabName) => string): Promise<LabName> {
  mkdirSync(LEASES, { recursive: true });
  await cleanUpDead();
  const routes = await run('ip', ['-4', 'route', 'show']);
  const mark = join(LEASES, `new-${process.pid}`);
  try {
    for (let number = 0; number < LABS_MAX; number += 1) {
      const name = labName(number);
      if (leadsTo(routes, name.subnet)) continue;
      const lease: Lease = { owner: processMark(process.pid), folder: folderOf(name) };
      writeFileSync(mark, JSON.stringify(lease));
      if (linked(mark, leasePath(number))) return name;
    }
  } finally {
    rmSync(mark, { force: true });
  }
  throw new Error('no subnet of 10.77.0.0/16 is free on this host; stop another lab');
}

/** Gives the number back. Call it after the lab has been taken away. */
export const returnLab = ({ number }: LabName): void => rmSync(leasePath(number));

/** Whether any lab stands. */
export const anyLab = (): boolean => readdirSync(LEASES).some((file) => LEASE_FILE.test(file));

async function cleanUpDead(): Promise<void> {
  for (const file of readdirSync(LEASES)) {
    const [, number] = LEASE_FILE.exec(file) ?? [];
    if (number === undefined) continue;
    const lease = leaseIn(join(LEASES, file));
    if (lease === null || isAlive(lease.owner)) continue;
    // Of two starts at the same time, the one whose rename succeeds cleans up.
    const cleaning = `${leasePath(Number(number))}.cleaning-${process.pid}`;
    const claimed: Lease = { ...lease, owner: processMark(process.pid) };
    if (!renamed(join(LEASES, file), cleaning)) continue;
    writeFileSync(cleaning, JSON.stringify(claimed));
    await cleanUp(labName(Number(number)), lease.folder);
    rmSync(cleaning);
  }
}

/** null: the file is gone. */
function leaseIn(path: string): Lease | null {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Lease;
  } catch {
    return null;
  }
}

/** Whether a line of `ip route show` is about the subnet. */
export const leadsTo = (routes: string, subnet: string): boolean =>
  routes.split('\n').some((line) => line.split(' ').includes(subnet));

const linked = (from: string, to: string): boolean => succeeds(() => linkSync(from, to), 'EEXIST');
const renamed = (from: string, to: string): boolean =>
  succeeds(() => renameSync(from, to), 'ENOENT');

/** False if the call fails with the code. */
function succeeds(call: () => void, failure: string): boolean {
  try {
    call();
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === failure) return false;
    throw error;
  }
}
