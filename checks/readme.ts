import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { projectDir } from '../build/project.ts';
import { startLinodeSimulator } from '../simulators/linode/simulator.ts';
import { blocksBelow, runLines } from './deploy/commands.ts';
import { LINODE_TOKEN } from './deploy/deployment.ts';
import { startEmulator } from './deploy/emulator.ts';
import { expect } from './deploy/expect.ts';
import { copyOf } from './mutants/copy.ts';
import { pythonProgramsFor } from './python.ts';
import { startReport } from './report.ts';

/**
 * `npm run test:readme` takes the way from an empty AWS account to a removed stage as the pages say
 * it: it reads their blocks of commands and runs them by bash, in a copy of the project, on an AWS
 * emulator and the simulated Linode.
 *
 * 1. "Deploy" in README.md: doctor, setup, deploy, and a request of the deployed API.
 * 2. "Use it over HTTP" in README.md, on the deployed API: quote, launch, read, change, destroy.
 * 3. "Uninstall" in docs/operate.md: drain and remove. The lines for AWS's own command line are left
 *    out, since it need not be installed.
 *
 * A command that fails ends the check, as does a request that is refused.
 */
const bin = pythonProgramsFor('the AWS emulator');
const report = startReport();

const read = (path: string) => readFileSync(join(projectDir, path), 'utf8');
const [readme, operate] = [read('README.md'), read('docs/operate.md')];
const simulator = await startLinodeSimulator({
  now: Date.now,
  tokens: { [LINODE_TOKEN]: '*' },
});
const emulator = await startEmulator(bin);
const copy = copyOf(projectDir);
const curlHome = mkdtempSync(join(tmpdir(), 'onebuck-curl-'));
try {
  const remove = await Promise.race([run(), emulator.recorder.refusal]);
  // A pass meanwhile may find its role gone, so that a function's refusal counts no more.
  await remove();
  report('passed');
} catch (error) {
  report(`FAILED: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
} finally {
  await emulator.close();
  await simulator.close();
  copy.remove();
  rmSync(curlHome, { recursive: true });
}
process.exit();

/** Does all but the removal of the stage, which the returned function does. */
async function run(): Promise<() => Promise<void>> {
  writeFileSync(join(curlHome, '.curlrc'), 'fail-with-body\n');
  const options = { cwd: copy.dir, env: environment() };
  // The functions serve the console, which `npm ci` builds.
  await runLines(['npm run -s build:web'], options);

  const [deploy = []] = blocksBelow(readme, 'Deploy');
  const isFilledIn = (line: string) => line.includes('…');
  const commands = deploy.filter((line) => !isFilledIn(line));
  const printed = await runLines(commands.flatMap(withSettings), options);
  const { token, url } = resultsIn(printed);
  report(`deployed: ${url}`);
  const [asked = '', ...others] = deploy.filter(isFilledIn);
  expect(others.length === 0 && asked !== '', `one line is to be filled in, not: ${asked}`);
  const answer = await runLines(
    [asked.replace('onebuck_…', token).replace('https://…', url)],
    options,
  );
  const { types } = JSON.parse(answer) as { readonly types: readonly unknown[] };
  expect(types.length > 0, `the API offers no type: ${answer}`);
  report('the deployed API answers, with the token of setup');

  const [use = []] = blocksBelow(readme, 'Use it over HTTP');
  const local = ['http://127.0.0.1:3000', 'onebuck-local'];
  const [first = '', ...rest] = use;
  expect(
    local.every((text) => first.includes(text)),
    `the first line does not have ${local.join(' and ')}: ${first}`,
  );
  const onAws = first.replace('http://127.0.0.1:3000', url).replace('onebuck-local', token);
  await runLines([onAws, ...rest], options);
  const launched = simulator.instances('onebuck-prod');
  expect(launched.length === 10, `${launched.length} Linodes were launched, not 10`);
  report('launched, changed and destroyed a cluster of 10 nodes');

  const uninstall = blocksBelow(operate, 'Uninstall').flat();
  const ours = uninstall.filter((line) => /^(npm|npx) /.test(line));
  expect(ours.length === 2, `drain and remove are two commands, not: ${ours.join('; ')}`);
  // It is the shell of the deploy, or one like it: the page says so.
  const exports = deploy.filter((line) => line.startsWith('export '));
  const [drain = '', remove = ''] = ours;
  await runLines([...exports, drain], options);
  return async () => {
    await runLines([...exports, remove], options);
    const left = simulator.instances().filter(({ deleted }) => deleted === null);
    expect(left.length === 0, `${left.length} Linodes are left`);
    const doctors = deploy.filter((line) => line.startsWith('npm run doctor '));
    const doctor = await runLines([...exports, ...doctors], options);
    expect(doctor.includes('prod is not yet deployed'), `the doctor says:\n${doctor}`);
    report('drained and removed the stage: no Linode is left');
  };
}

/** Sets in the copied file what the page says to set, and what the emulator needs. */
function withSettings(line: string): string[] {
  const [, file] = /^cp \S+ (settings\.\S+)/.exec(line) ?? [];
  if (file === undefined) return [line];
  const added = [`LINODE_API_URL: ${simulator.url}`, 'AWS_BUDGET_USD: none'];
  return [
    line,
    `sed -i 's/^ALARM_EMAIL:.*/ALARM_EMAIL: ann@example.org/' ${file}`,
    // The emulator does not have AWS's budgets.
    ...added.map((setting) => `echo '${setting}' >>${file}`),
  ];
}

/** The token that setup prints, and the address that the deploy prints, in the emulator. */
function resultsIn(printed: string): { readonly token: string; readonly url: string } {
  const [token = ''] = /\bonebuck_\S{43}/.exec(printed) ?? [];
  const [, apiId = ''] = /https:\/\/([a-z0-9]+)\.execute-api/.exec(printed) ?? [];
  expect(token !== '' && apiId !== '', `no token, or no address, was printed:\n${printed}`);
  // A $ would be a variable to bash.
  return { token, url: `${emulator.endpoint}/_aws/execute-api/${apiId}/%24default` };
}

/** What a person's shell need not have; the pages themselves set all else. */
function environment(): Record<string, string> {
  const { AWS_REGION: _, ...env } = emulator.env;
  return {
    ...env,
    LINODE_TOKEN,
    // For doctor and setup.
    LINODE_API_URL: simulator.url,
    CURL_HOME: curlHome,
  };
}
