import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { drawOptions, optionsText } from './options.ts';
import { simulate } from './run.ts';
import { add, merge, noTotals, summaryOf, type Totals } from './totals.ts';

/**
 * `npm run simulate -- --seeds 10000` runs a simulated world for each seed from 1 to 10000, and
 * checks the promises in each world. `--seeds 500-999` runs only these seeds; `--seed 7` runs one
 * seed and prints its trace; `--jobs 2` uses two processes. If a world breaks a promise, the
 * command prints the options and the trace of that world, and exits with 1.
 */
const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1000' },
    seed: { type: 'string' },
    jobs: { type: 'string', default: '1' },
    traceLines: { type: 'string', default: '120' },
  },
});

/** A process stops after this many violations. */
const VIOLATIONS_MAX = 5;

function rangeOf(text: string): { first: number; last: number } {
  const match = /^(?:(\d{1,9})-)?(\d{1,9})$/.exec(text);
  const last = Number(match?.[2]);
  const first = Number(match?.[1] ?? 1);
  if (match !== null && first <= last) return { first, last };
  throw new TypeError(`--seeds must be a number such as 1000, or a range such as 500-999`);
}

async function run({ first, last }: { first: number; last: number }): Promise<Totals> {
  const totals = noTotals();
  for (let seed = first; seed <= last; seed += 1) {
    const outcome = await simulate(seed);
    add(totals, outcome);
    // The summary comes only at the end of a run, which may be hours away.
    if (outcome.violation !== null)
      console.error(`seed ${seed}: ${totals.violations.at(-1)?.text}`);
    if (totals.violations.length >= VIOLATIONS_MAX) break;
  }
  return totals;
}

/** Splits the range of seeds between `jobs` processes, and adds up their totals. */
async function runIn(jobs: number, { first, last }: { first: number; last: number }) {
  const totals = noTotals();
  const size = Math.ceil((last - first + 1) / jobs);
  const starts = Array.from({ length: jobs }, (_, job) => first + job * size);
  const parts = starts
    .filter((start) => start <= last)
    .map(async (start) => {
      const range = `${start}-${Math.min(last, start + size - 1)}`;
      const child = fork(fileURLToPath(import.meta.url), ['--seeds', range]);
      const [part] = (await Promise.race([once(child, 'message'), failed(child)])) as [Totals];
      merge(totals, part);
    });
  await Promise.all(parts);
  return totals;
}

async function failed(child: ReturnType<typeof fork>): Promise<never> {
  const [code] = await once(child, 'exit');
  // The message with the process's totals may still be on its way.
  if (code === 0) return new Promise(() => {});
  throw new Error(`a process of the simulation ended with ${code}`);
}

async function showOne(seed: number): Promise<boolean> {
  console.log(`seed ${seed}: ${optionsText(drawOptions(seed))}`);
  const { trace, violation } = await simulate(seed, { trace: true });
  console.log(trace.slice(-Number(values.traceLines)).join('\n'));
  if (violation === null) return true;
  console.log(`violation: ${violation.promise} at ${violation.at}: ${violation.detail}`);
  return false;
}

async function main(): Promise<boolean> {
  if (values.seed !== undefined) return showOne(Number(values.seed));
  const range = rangeOf(values.seeds);
  if (process.send !== undefined) {
    process.send(await run(range));
    process.disconnect();
    return true;
  }
  const from = performance.now();
  const totals = await runIn(Math.max(1, Number(values.jobs)), range);
  const wallMs = performance.now() - from;
  const [worst] = totals.violations;
  if (worst !== undefined) await showOne(worst.seed);
  console.log(summaryOf(totals, wallMs));
  for (const { seed, text } of totals.violations) {
    console.log(`seed ${seed}: ${text}\n  replay: npm run simulate -- --seed ${seed}`);
  }
  return worst === undefined;
}

process.exitCode = (await main()) ? 0 : 1;
