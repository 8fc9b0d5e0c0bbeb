process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';

import { minutes, seconds } from '../lib/core/base/units.ts';
import { assumed } from './assumed.ts';
import { Counter, type Counts, plus, times, totalOf } from './counts.ts';
import { hammered } from './hammered.ts';
import { freeAlarms, prices } from './prices.ts';
import { alarmsDeclared, dollars, sources, summary, table } from './report.ts';
import type { Life } from './scenarios.ts';

/**
 * `npm run cost` reckons what Onebuck itself costs on AWS, from the calls that its functions make.
 * Exits with 1 if a cost is not below its target.
 */
const LIFE_USD_MAX = 0.002;
/** Of ten nodes that run a job of 41 minutes. */
const JOB_LIFE_USD_MAX = 0.003;
const IDLE_MONTH_USD_MAX = 0.61;
const HAMMERED_MONTH_USD_MAX = 300;

async function main(): Promise<boolean> {
  // The SDK looks for the setting above when it is loaded.
  const { aJobLife, aLife, anIdleHour } = await import('./scenarios.ts');
  const idleHour = await anIdleHour({ books: false });
  const month = plus(times(await anIdleHour({ books: true }), assumed.hoursOfMonth), monthly());
  // The reaper and the sweeper wait for a cluster's end if it comes soon after a tick, and AWS
  // bills the wait. So the life is reckoned five times, with its end at five times between two
  // sweeps.
  const sweeps = [0, 1, 2, 3, 4].map((minute) => minutes(minute) + seconds(6 + 12 * minute));
  const livesOf = (hasDashboard: boolean) =>
    Promise.all(sweeps.map((sweepAt) => aLife(idleHour, { sweepAt, hasDashboard })));
  const lives = await livesOf(false);
  const jobsOf = async (followed: boolean) =>
    meanOf(await Promise.all(sweeps.map((sweepAt) => aJobLife(idleHour, { sweepAt, followed }))));
  const [job, followed] = [await jobsOf(false), await jobsOf(true)];
  const life = meanOf(lives);
  const costs = lives.map(({ counts }) => totalOf(counts));
  const [{ nodes, hours, billedUsd } = { nodes: 0, hours: 0, billedUsd: 0 }] = lives;

  console.log(`A life: ${nodes} nodes for ${hours} hours, for which Linode bills $${billedUsd}.`);
  console.log(
    'Its cost is that of these hours, less that of as many idle hours; mean of five lives.',
  );
  console.log(
    'A job: 10 nodes for 41 minutes, of which one prints all the time; an input of 100 KB',
  );
  console.log(
    'that each fetches, and results of 10 MB, which are kept for 30 days and fetched once.',
  );
  console.log(
    'An idle month: no cluster, no request; Linode’s invoices are read, and digests are on.\n',
  );
  const columns = { 'a life': life, 'a job': job, 'an idle month': month };
  console.log(`${table(columns)}\n\n${summary(columns)}\n`);
  console.log(`A life costs $${dollars(totalOf(life))}:`);
  console.log(`  from $${dollars(Math.min(...costs))} to $${dollars(Math.max(...costs))},`);
  console.log('  depending on when between two sweeps the cluster ends.');
  console.log(
    `A life with a job costs $${dollars(totalOf(job))}, and $${dollars(totalOf(followed))}`,
  );
  console.log('  if somebody follows its log all the time.');
  console.log(`An idle month costs $${dollars(totalOf(month))}.`);
  const strangers = hammered();
  printHammered(strangers);
  printOtherCosts({ watched: meanOf(await livesOf(true)), month });
  return (
    isWithin('a life', totalOf(life), LIFE_USD_MAX) &&
    isWithin('a life with a job', totalOf(job), JOB_LIFE_USD_MAX) &&
    isWithin('an idle month', totalOf(month), IDLE_MONTH_USD_MAX) &&
    isWithin(
      "a month of strangers' requests",
      totalOf(plus(strangers.open, strangers.refused)),
      HAMMERED_MONTH_USD_MAX,
    )
  );
}

function meanOf(lives: readonly Life[]): Counts {
  const all = lives.reduce<Counts>((sum, { counts }) => plus(sum, counts), new Map());
  return times(all, 1 / lives.length);
}

/** What is there all month: the secret, and the alarms that an account has to pay. */
function monthly(): Counts {
  const counter = new Counter();
  counter.add('Secrets Manager, the secret', 'secretMonth');
  const paid = Math.max(0, alarmsDeclared().always - freeAlarms);
  counter.add(`CloudWatch, alarms beyond ${freeAlarms}`, 'alarmMonth', paid);
  return counter.counts;
}

function printHammered({ open, refused }: ReturnType<typeof hammered>): void {
  const usd = (counts: Counts) => `$${totalOf(counts).toFixed(0)}`;
  console.log(
    'A month in which strangers send requests day and night, as fast as the limits admit,',
  );
  console.log(
    `costs ${usd(open)} by the routes without a token, and ${usd(refused)} by all others, with`,
  );
  console.log('wrong tokens.');
}

/** `watched`: the counts of a life with the dashboard. */
function printOtherCosts({ watched, month }: { watched: Counts; month: Counts }): void {
  const { always, all } = alarmsDeclared();
  const usdOf = (alarms: number) => (alarms * prices.alarmMonth.usd).toFixed(2);
  console.log('These costs leave out:');
  console.log(`  - $${usdOf(Math.min(always, freeAlarms))} a month, if other alarms use up the`);
  console.log(`    ${freeAlarms} alarms that every account has free;`);
  console.log(`  - the ${all - always} alarms of MORE_ALARMS: $${usdOf(all - always)} a month;`);
  console.log('  - the metrics and messages of alarms and failures, which come only with these.');
  const dashboard = totalOf(month) + prices.dashboardMonth.usd;
  console.log('With DASHBOARD, if other dashboards use up the three that every account has');
  console.log(`  free, a life costs $${dollars(totalOf(watched))}, and an idle month`);
  console.log(`  $${dollars(dashboard)}.`);
  console.log(`\nAssumed, since only AWS could measure these: ${JSON.stringify(assumed)}`);
  console.log(`Prices, which you should check:\n${sources()}\n`);
}

function isWithin(subject: string, usd: number, most: number): boolean {
  const isGood = usd < most;
  console.log(`Target ${isGood ? 'met' : 'MISSED'}: ${subject} costs less than $${most}.`);
  return isGood;
}

process.exitCode = (await main()) ? 0 : 1;
