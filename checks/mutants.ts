import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { projectDir } from '../build/project.ts';
import { type Check, type Finding, simulation, testsOf } from './mutants/checks.ts';
import { broken, copyOf } from './mutants/copy.ts';
import { type Mutant, mutants } from './mutants/list.ts';

/**
 * `npm run mutants` puts one bug at a time into a copy of the tree, and runs the tests of the
 * module and the simulation, which should fail. Exits with 0 only if each bug is caught. `--only
 * <text>` tries only the bugs whose name or file has the text; `--no-simulate` runs only the tests.
 */
const { values } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    'no-simulate': { type: 'boolean', default: false },
    seeds: { type: 'string', default: '30' },
  },
});
const SIMULATION = 'simulation';
/** The time limit of a check without a bug. */
const UNBROKEN_LIMIT_MS = 300_000;
/** The least time limit of a check with a bug. */
const LEAST_LIMIT_MS = 20_000;

const chosen = mutants.filter(({ name, file }) => `${name} ${file}`.includes(values.only));
if (chosen.length === 0) throw new Error(`no mutant's name or file has ${values.only}`);
// Throws if a bug can't be put into its file any more: the list of mutants must then be mended.
for (const mutant of chosen) broken(readFileSync(join(projectDir, mutant.file), 'utf8'), mutant);

const copy = copyOf(projectDir);
process.once('exit', copy.remove);
// `on` and not `once`: on Ctrl-C, npm sends a second signal, which would end the process before the
// copy is removed. For the same reason package.json runs this file by node: tsx kills a process
// 60 ms after a signal.
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

/** The first test that fails, and the violation that the simulation finds; empty: neither. */
async function catchersOf({ tests }: Mutant): Promise<string[]> {
  const catchers: string[] = [];
  for (const file of tests) {
    if (catchers.length === 0) catchers.push(...catcherTexts(file, await check(file)));
  }
  if (!values['no-simulate']) catchers.push(...catcherTexts(SIMULATION, await check(SIMULATION)));
  return catchers;
}

function catcherTexts(name: string, finding: Finding): string[] {
  switch (finding.kind) {
    case 'passed':
      return [];
    case 'failed':
      return [`${name}: "${finding.failure}"`];
    case 'timedOut':
      return [`time-out of ${name}`];
  }
}

/**
 * Runs each check on the copy without a bug, and throws if one fails. Returns a function that runs
 * a check by its name. The time limit of a check is 20 s and five times the time of its first run,
 * so that a busy machine does not make a check seem to catch a bug by a time-out.
 */
async function checker(names: readonly string[]): Promise<(name: string) => Promise<Finding>> {
  const known = new Map<string, { run: Check; limitMs: number }>();
  for (const name of names) {
    const run = name === SIMULATION ? simulation(Number(values.seeds)) : testsOf(name);
    const startedAt = Date.now();
    const finding = await run(copy.dir, UNBROKEN_LIMIT_MS);
    if (finding.kind !== 'passed') throw new Error(`without a bug: ${catcherTexts(name, finding)}`);
    known.set(name, { run, limitMs: LEAST_LIMIT_MS + 5 * (Date.now() - startedAt) });
  }
  return (name) => {
    const found = known.get(name);
    if (found === undefined) throw new Error(`${name} was not run without a bug`);
    return found.run(copy.dir, found.limitMs);
  };
}
