import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { projectDir } from '../build/project.ts';
import { type Check, type Finding, simulation, testsOf } from './mutants/checks.ts';
import { broken, copyOf } from './mutants/copy.ts';
import { type Mutant, mutants } from './mutants/list.ts';

/**
 * `npm run mutants`: puts one bug at a time into a copy of the tree, and sees that the tests of that
 * module fail, and whether the simulation does. Ends well only if each bug is caught. `--only` a
 * name or a file, or a part of one, tries those alone; `--no-simulate` leaves it to the tests.
 */
const { values } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    'no-simulate': { type: 'boolean', default: false },
    seeds: { type: 'string', default: '30' },
  },
});
const SIMULATION = 'simulation';
const UNBROKEN_LIMIT_MS = 300_000;
const LEAST_LIMIT_MS = 20_000;

const chosen = mutants.filter(({ name, file }) => `${name} ${file}`.includes(values.only));
if (chosen.length === 0) throw new Error(`no mutant's name or file has ${values.only}`);
// Before anything is run, since a list that has gone stale is to be mended first.
for (const mutant of chosen) broken(readFileSync(join(projectDir, mutant.file), 'utf8'), mutant);

const copy = copyOf(projectDir);
process.once('exit', copy.remove);
// Not `once`: npm passes a Ctrl-C on, and a second one must not cut the cleaning up short. For the
// same reason it is run by node: tsx kills what has not ended 60 ms after a signal.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(1));

const files = new Set(chosen.flatMap(({ tests }) => tests));
const check = await checker([...files, ...(values['no-simulate'] ? [] : [SIMULATION])]);
const survivors: Mutant[] = [];
let simulated = 0;
for (const mutant of chosen) {
  const startedAt = Date.now();
  const catchers = await copy.withBug(mutant, () => catchersOf(mutant));
  const seconds = ((Date.now() - startedAt) / 1_000).toFixed(1);
  if (catchers.length === 0) survivors.push(mutant);
  if (catchers.some((catcher) => catcher.includes(SIMULATION))) simulated += 1;
  const verdict = catchers.length === 0 ? 'SURVIVED' : `caught by ${catchers.join(' and by ')}`;
  console.log(`${mutant.name} (${mutant.file}): ${verdict} [${seconds} s]`);
}
const caught = chosen.length - survivors.length;
const rate = ((100 * caught) / chosen.length).toFixed(1);
const also = values['no-simulate'] ? '' : `, ${simulated} of them by the simulation`;
console.log(`${caught} of ${chosen.length} mutants caught (${rate} %)${also}`);
for (const { name, file } of survivors) console.log(`SURVIVED: ${name} (${file})`);
process.exit(survivors.length === 0 ? 0 : 1);

/** The first test that fails, and what the simulation finds. */
async function catchersOf({ tests }: Mutant): Promise<string[]> {
  const catchers: string[] = [];
  for (const file of tests) {
    if (catchers.length === 0) catchers.push(...told(file, await check(file)));
  }
  if (!values['no-simulate']) catchers.push(...told(SIMULATION, await check(SIMULATION)));
  return catchers;
}

function told(name: string, finding: Finding): string[] {
  switch (finding.kind) {
    case 'passed':
      return [];
    case 'failed':
      return [`${name}: "${finding.what}"`];
    case 'timedOut':
      return [`time-out of ${name}`];
  }
}

/**
 * Runs checks by their names, all of which the unbroken copy must pass. Each may then take many
 * times as long as that took: being slow on a busy machine must not count as being caught.
 */
async function checker(names: readonly string[]): Promise<(name: string) => Promise<Finding>> {
  const known = new Map<string, { run: Check; limitMs: number }>();
  for (const name of names) {
    const run = name === SIMULATION ? simulation(Number(values.seeds)) : testsOf(name);
    const startedAt = Date.now();
    const finding = await run(copy.dir, UNBROKEN_LIMIT_MS);
    if (finding.kind !== 'passed') throw new Error(`without a bug: ${told(name, finding)}`);
    known.set(name, { run, limitMs: LEAST_LIMIT_MS + 5 * (Date.now() - startedAt) });
  }
  return (name) => {
    const found = known.get(name);
    if (found === undefined) throw new Error(`${name} was not run without a bug`);
    return found.run(copy.dir, found.limitMs);
  };
}
