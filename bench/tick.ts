process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';

import { forEachAtMost } from '../lib/app/at-most.ts';
import { newId } from '../lib/app/ids.ts';
import { reap } from '../lib/app/reap.ts';
import { type EpochMs, hours, plus } from '../lib/core/base/units.ts';
import { markdown } from './report.ts';
import { countRequests } from './requests.ts';
import { median } from './times.ts';

/**
 * `npm run bench:tick` measures a tick of the reaper, for each number of live clusters in LIVE and
 * of due clusters in DUE: its time, its requests, and the items that it reads. DynamoDB and Lambda
 * answer at once.
 */
const LIVE = [1_000, 10_000, 100_000];
const DUE = [0, 10, 1_000];
const ROUNDS = 15;
const WRITERS = 32;

const { startRunning } = await import('./running.ts');
const { clock, servers, deps, aRunningCluster } = await startRunning();
const template = await aRunningCluster(1);

/**
 * After `n` hours, for each `n` of DUE, exactly `n` clusters are due: those with an index below
 * `n`. All other clusters are due much later.
 */
const start = clock.now();
const dueAfter = (index: number): EpochMs => {
  const at = DUE.find((due) => index < due);
  return plus(start, hours(at ?? 1_000_000));
};

await deps.store.save({ ...template, dueAt: dueAfter(LIVE[0] ?? 0) });

let written = 0;
async function writeUntil(live: number): Promise<void> {
  const indexes = Array.from({ length: live - written }, (_, index) => written + index);
  await forEachAtMost(WRITERS, indexes, (index) =>
    deps.store.insert({ ...template, id: newId('c'), dueAt: dueAfter(index) }),
  );
  written = live;
}

const dynamoDb = countRequests(servers.dynamoDb);
const lambda = countRequests(servers.lambda);

async function tick(due: number) {
  const at = plus(start, hours(due));
  const before = [dynamoDb.requests, lambda.requests, dynamoDb.items] as const;
  const from = performance.now();
  const { nudged } = await reap({ ...deps, clock: { now: () => at, sleep: async () => {} } });
  const ms = performance.now() - from;
  if (nudged !== due) throw new Error(`${nudged} of ${due} were nudged`);
  const [reads, nudges, items] = before;
  return {
    ms,
    reads: dynamoDb.requests - reads,
    nudges: lambda.requests - nudges,
    items: dynamoDb.items - items,
  };
}

const rows: string[][] = [];
for (const live of LIVE) {
  await writeUntil(live);
  for (const due of DUE) {
    const ticks = [];
    for (let round = 0; round < ROUNDS; round += 1) ticks.push(await tick(due));
    const ms = median(ticks.map((tick) => tick.ms)).toFixed(1);
    const [{ reads, nudges, items } = { reads: 0, nudges: 0, items: 0 }] = ticks;
    rows.push([live.toLocaleString('en'), `${due}`, ms, `${reads}`, `${items}`, `${nudges}`]);
  }
}
await servers.close();
const heads = ['live', 'due', 'ms', 'reads', 'items read', 'nudges'];
console.log(`Medians of ${ROUNDS} ticks each.\n\n${markdown([heads, ...rows])}`);
