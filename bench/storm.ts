import { type DueOutcome, dueStorm, launchStorm } from '../simulation/storm.ts';
import { markdown } from './report.ts';

/**
 * `npm run storm` lets 100 to 4,000 clusters of one node fall due within a minute, on the
 * simulation's clock: with 10 to 1,000 functions at once and Linode's rate limits, without and with
 * an outage of Linode. The sweeper does not run. With the safety margin of 180 s, a lead of 180 s
 * is a deletion at the teardown time; a greater lead is paid time that was given up.
 *
 * Then launches 20 to 100 clusters within a second, 2,000 nodes in all: "limit" is the time that
 * Linode's rate limit of 20 creates in 15 s takes at least.
 */
const CLUSTERS = [100, 400, 1_000, 4_000];
const FUNCTIONS = [10, 100, 1_000];
const OUTAGES_S = [0, 60];

const LAUNCHES = [
  { clusters: 20, nodes: 100 },
  { clusters: 40, nodes: 50 },
  { clusters: 100, nodes: 20 },
];

const row = (outcome: DueOutcome) => [
  `${outcome.overspent}`,
  outcome.lead.most.toFixed(0),
  outcome.lead.least.toFixed(0),
  `${outcome.invocations.started}`,
  `${outcome.invocations.peak}`,
  `${outcome.calls.lists}`,
  `${outcome.calls.deletions}`,
  `${outcome.calls.others}`,
];

const rows: string[][] = [];
for (const clusters of CLUSTERS) {
  for (const functionsMax of FUNCTIONS) {
    for (const outageSeconds of OUTAGES_S) {
      const outcome = await dueStorm({ clusters, nodes: 1, functionsMax, outageSeconds });
      const { dueWithin } = outcome;
      const heads = [
        `${outcome.clusters}`,
        dueWithin.toFixed(0),
        `${functionsMax}`,
        `${outageSeconds}`,
      ];
      rows.push([...heads, ...row(outcome)]);
    }
  }
}
const heads = [
  'clusters',
  'due within, s',
  'functions',
  'outage, s',
  'overspent',
  'earliest lead, s',
  'latest lead, s',
  'invocations',
  'at once',
  'lists',
  'deletions',
  'other calls',
];
console.log(markdown([heads, ...rows]));

const launches: string[][] = [];
for (const { clusters, nodes } of LAUNCHES) {
  for (const functionsMax of [10, 100]) {
    const outcome = await launchStorm({ clusters, nodes, functionsMax });
    launches.push([
      `${clusters} × ${nodes}`,
      `${functionsMax}`,
      `${outcome.failed.clusters}`,
      `${outcome.failed.usd}`,
      outcome.lastNodeAfter.toFixed(0),
      `${outcome.floor}`,
      outcome.ratio.toFixed(2),
      `${outcome.invocations.started}`,
      `${outcome.invocations.peak}`,
    ]);
  }
}
const launchHeads = [
  'launches',
  'functions',
  'failed',
  'spent for nothing, $',
  'last node, s',
  'limit, s',
  'ratio',
  'invocations',
  'at once',
];
console.log(`\n${markdown([launchHeads, ...launches])}`);
