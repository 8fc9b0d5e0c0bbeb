import { setTimeout as delay } from 'node:timers/promises';
import { createClock } from '../lib/adapters/clock.ts';
import { newId } from '../lib/app/ids.ts';
import { microUsd } from '../lib/core/base/money.ts';
import { plus, seconds } from '../lib/core/base/units.ts';
import type { LedgerStore } from '../lib/ports.ts';
import { createMemoryTable } from '../simulators/aws/memory-table.ts';
import { markdown } from './report.ts';
import { aKeeper } from './servers.ts';
import { quantile } from './times.ts';

/**
 * `npm run bench:caps` measures how long launches take to reserve their budgets in the caps' ledger
 * at the same time. Each launch has its own keeper of the caps, as in its own process on Lambda, so
 * that only the ledger's revision keeps launches apart. Launches come at random, at RATES a second
 * on average. The table is in memory: a read or a save takes 3 to 7 ms, and the measured times
 * leave out the packing of the ledger and DynamoDB's capacity.
 */
const RATES = [20, 50, 80, 120];
const SECONDS = 20;
const PATIENCE = seconds(20);

const clock = createClock({ originMs: 0, rate: 1 });

function createStore() {
  const { clusters, ledger, owners } = createMemoryTable();
  let conflicts = 0;
  const call = () => delay(3 + 4 * Math.random());
  const store: LedgerStore = {
    async read() {
      await call();
      return ledger.read();
    },
    async save(next) {
      await call();
      const outcome = await ledger.save(next);
      if (outcome === 'conflict') conflicts += 1;
      return outcome;
    },
  };
  return {
    store,
    clusters,
    owners: { ...owners, get: (owner: string) => call().then(() => owners.get(owner)) },
    conflicts: () => conflicts,
  };
}

async function measure(rate: number): Promise<string[]> {
  const { store: ledger, clusters, owners, conflicts } = createStore();
  const times: number[] = [];
  let failed = 0;

  async function reserve(): Promise<void> {
    const caps = aKeeper(clock, { ledger, owners, store: clusters });
    const claim = {
      id: newId('c'),
      owner: 'ann',
      scheduleId: null,
      budget: microUsd(1_000),
      nodes: 1,
      subnetBits: 24 as const,
      scheduleCaps: null,
    };
    const from = performance.now();
    await caps.reserve(claim, plus(clock.now(), PATIENCE)).then(
      () => times.push(performance.now() - from),
      () => {
        failed += 1;
      },
    );
  }

  const launches: Promise<void>[] = [];
  let next = performance.now();
  for (let index = 0; index < rate * SECONDS; index += 1) {
    next -= (Math.log(1 - Math.random()) * 1_000) / rate;
    await delay(Math.max(0, next - performance.now()));
    launches.push(reserve());
  }
  await Promise.all(launches);
  const ms = (at: number) => quantile(times, at).toFixed(0);
  return [rate, times.length, failed, conflicts(), ms(0.5), ms(0.99), ms(1)].map(String);
}

const rows: string[][] = [];
for (const rate of RATES) rows.push(await measure(rate));
const heads = ['a second', 'counted', 'failed', 'conflicts', 'p50, ms', 'p99, ms', 'longest, ms'];
console.log(markdown([heads, ...rows]));
