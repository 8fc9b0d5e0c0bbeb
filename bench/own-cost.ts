process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';

import { minutes, seconds } from '../lib/core/base/units.ts';
import { assumed } from './assumed.ts';
import { Counter, type Counts, plus, times, totalOf } from './counts.ts';
import { prices } from './prices.ts';
import { alarmsDeclared, dollars, sources, summary, table } from './report.ts';
import type { Life } from './scenarios.ts';

/**
 * `npm run cost`: what Onebuck itself costs on AWS, from the calls that its own functions make.
 * Ends with 1 if that is more than was aimed at.
 */
const LIFE_USD_MAX = 0.002;
const IDLE_MONTH_USD_MAX = 0.6;

async function main(): Promise<boolean> {
  // The SDK looks for the setting above when it is loaded.
  const { aLife, anIdleHour } = await import('./scenarios.ts');
  const idleHour = await anIdleHour();
  const month = plus(times(idleHour, assumed.hoursOfMonth), aSecret());
  // For how long reaper and sweeper wait for a cluster's end depends on when between two ticks that
  // falls.
  const sweeps = [0, 1, 2, 3, 4].map((minute) => minutes(minute) + seconds(6 + 12 * minute));
  const livesOf = (hasDashboard: boolean) =>
    Promise.all(sweeps.map((sweepAt) => aLife(idleHour, { sweepAt, hasDashboard })));
  const lives = await livesOf(false);
  const life = meanOf(lives);
  const costs = lives.map(({ counts }) => totalOf(counts));
  const [{ nodes, hours, billedUsd } = { nodes: 0, hours: 0, billedUsd: 0 }] = lives;

  console.log(`A life: ${nodes} nodes for ${hours} hours, for which Linode bills $${billedUsd}.`);
  console.log('Beside what the same hours cost without it; the mean of five.');
  console.log('An idle month: no cluster, no request.\n');
  console.log(`${table(life, month)}\n\n${summary(life, month)}\n`);
  console.log(`A life: $${dollars(totalOf(life))}; by when its end falls between two sweeps`);
  console.log(`  from $${dollars(Math.min(...costs))} to $${dollars(Math.max(...costs))}.`);
  console.log(`An idle month: $${dollars(totalOf(month))}.`);
  tellOfTheRest({ watched: meanOf(await livesOf(true)), month });
  return (
    isWithin('a life', totalOf(life), LIFE_USD_MAX) &&
    isWithin('an idle month', totalOf(month), IDLE_MONTH_USD_MAX)
  );
}

function meanOf(lives: readonly Life[]): Counts {
  const all = lives.reduce<Counts>((sum, { counts }) => plus(sum, counts), new Map());
  return times(all, 1 / lives.length);
}

function aSecret(): Counts {
  const counter = new Counter();
  counter.add('Secrets Manager, the secret', 'secretMonth');
  return counter.counts;
}

function tellOfTheRest({ watched, month }: { watched: Counts; month: Counts }): void {
  const alarms = alarmsDeclared();
  console.log(
    `Not in it: ${alarms} alarms, $${(alarms * prices.alarmMonth.usd).toFixed(2)} a month`,
  );
  console.log('  where the ten that every account has free are used up.');
  console.log('  The metrics, mails and messages of alarms and lost runs: nothing while none is.');
  const dashboard = totalOf(month) + prices.dashboardMonth.usd;
  console.log('With DASHBOARD=true, where the three dashboards are used up that every account has');
  console.log(
    `  free: a life $${dollars(totalOf(watched))}, an idle month $${dollars(dashboard)}.`,
  );
  console.log(`\nAssumed, as nothing here can measure it: ${JSON.stringify(assumed)}`);
  console.log(`Prices, to be checked:\n${sources()}\n`);
}

function isWithin(what: string, usd: number, most: number): boolean {
  const isGood = usd < most;
  console.log(`${isGood ? 'Within' : 'BEYOND'} what was aimed at: ${what} below $${most}.`);
  return isGood;
}

process.exitCode = (await main()) ? 0 : 1;
