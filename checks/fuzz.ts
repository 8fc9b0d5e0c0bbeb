import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { localSettings } from '../dev/settings.ts';
import { startStack } from '../dev/stack.ts';
import { freePort } from '../simulators/listen.ts';
import { type TriedRow, tryDocumentedErrors } from './api-errors.ts';
import { pythonProgramsFor } from './python.ts';

/**
 * `npm run fuzz`: schemathesis reads /openapi.json of a local stack, and sends the stack thousands
 * of requests that fit the description or violate it. Exits with 0 only if no answer is a 5xx, each
 * answer's status, headers and body are described, each violation is refused, schemathesis made at
 * least `--calls` calls, and the errors of docs/api.md are problems as the page says.
 */
const { values } = parseArgs({
  options: { calls: { type: 'string', default: '2000' }, seed: { type: 'string', default: '1' } },
});
const CHECKS = [
  'not_a_server_error',
  'status_code_conformance',
  'content_type_conformance',
  'response_headers_conformance',
  'response_schema_conformance',
  'negative_data_rejection',
];

/** What a request that breaks the description may be answered with: 413 where it is too long, too. */
const CONFIG = `[checks.negative_data_rejection]
expected-statuses = [400, 401, 403, 404, 405, 406, 409, 413, 415, 422, 428, 429]
`;

const bin = pythonProgramsFor('schemathesis');
const dataDir = mkdtempSync(join(tmpdir(), 'onebuck-fuzz-'));
const settings = localSettings({ DATA_DIR: dataDir, PORT: `${await freePort()}` });
const stack = await startStack({ ...settings, onLog: (line) => console.error(line) });
const asDocumented = await errorsAreAsDocumented();
const passed = (await fuzz(bin, stack.url, settings.apiToken)) && asDocumented;
await stack.close();
rmSync(dataDir, { recursive: true, force: true });
// Without this, the process would live until the next ticks of EventBridge's stand-in.
process.exit(passed ? 0 : 1);

/** Runs the curl commands of the errors in docs/api.md, after the commands before them. */
async function errorsAreAsDocumented(): Promise<boolean> {
  const spec = JSON.stringify({
    ...{ nodes: 10, vcpus: 1, memoryMb: 1024, region: 'us-east' },
    ...{ image: 'Ubuntu 24.04 LTS', budgetUsd: 1 },
  });
  const linode = stack.simulator?.url.replace(/\/v4$/, '') ?? '';
  const env = {
    API: stack.url,
    AUTH: `Authorization: Bearer ${settings.apiToken}`,
    LINODE: linode,
    SPEC: spec,
  };
  const tried = await tryDocumentedErrors(env, {
    beforeEach: () => stack.simulator?.setFaults([]),
    setUp: `curl -s -H "$AUTH" "$API/clusters" -d "$SPEC" -H 'Idempotency-Key: my-job-1'`,
  });
  const isRight = ({ status, answered, type }: TriedRow) =>
    answered === status && (status < 400 || type === 'application/problem+json');
  for (const row of tried) {
    const { status, answered, type, curl } = row;
    console.log(`${isRight(row) ? 'ok  ' : 'BAD '} ${status} ${answered} ${type}  ${curl}`);
  }
  return tried.length >= 10 && tried.every(isRight);
}

async function fuzz(programs: string, url: string, token: string): Promise<boolean> {
  writeFileSync(join(dataDir, 'schemathesis.toml'), CONFIG);
  const child = spawn(
    join(programs, 'schemathesis'),
    [
      ...['run', `${url}/openapi.json`, '--header', `Authorization: Bearer ${token}`],
      ...['--checks', CHECKS.join(','), '--phases', 'examples,coverage,fuzzing,stateful'],
      ...['--max-examples', '150', '--seed', values.seed, '--continue-on-failure', '--no-color'],
    ],
    { stdio: ['ignore', 'pipe', 'inherit'], cwd: dataDir },
  );
  let generated = 0;
  createInterface({ input: child.stdout }).on('line', (line) => {
    console.log(line);
    generated = Number(/(\d+) generated/.exec(line)?.[1] ?? generated);
  });
  const code = await new Promise((resolve) => child.once('close', resolve));
  console.log(`${generated} calls; at least ${values.calls} were required`);
  return code === 0 && generated >= Number(values.calls);
}
