import { reasonOf } from '../lib/errors.ts';
import { exampleSpec } from '../lib/http/operations.ts';
import { assertFree } from '../simulators/listen.ts';
import { oldNodeWarning } from './node-version.ts';
import { type NodeSettings, withNodes } from './nodes.ts';
import { type LocalSettings, localSettings, takeDataDir } from './settings.ts';
import { startStack } from './stack.ts';

/**
 * `npm start` runs Onebuck on this machine until Ctrl-C. docs/local.md lists the settings. With
 * --build-console, it builds the console before; with --nodes, the simulated Linodes boot.
 */
const warning = oldNodeWarning(process.versions.node);
if (warning !== null) console.error(warning);
const settings = await settingsOrEnd();
if (process.argv.includes('--build-console')) await import('../build/web.ts');
const stack = await startStack({ ...settings, onLog: (line) => console.error(line) });

const { apiToken, clock, dataDir } = settings;
const machines = 'machines' in settings ? settings.machines : null;
const linode = stack.simulator?.url ?? settings.linodeUrl;
const nodesText =
  settings.publicUrl === null
    ? "can't reach this API, so none says when it is ready: set PUBLIC_URL to a URL that reaches it"
    : `${machines === null ? '' : 'boot, and '}report to ${settings.publicUrl}`;
const pace = clock.rate === 1 ? 'real time' : `${clock.rate} × real time`;
console.log(`
Onebuck runs at ${stack.url} (Ctrl-C stops it): open it in a browser for the console.
  Token     ${apiToken}
  Linode    ${linode}${stack.simulator ? ' (simulated: nothing costs money)' : ''}
  Clock     ${pace}
  Nodes     ${nodesText}
  Data      ${dataDir} (with the functions' log, functions.log)

Launch ten nodes for a dollar:
  curl -s -H 'Authorization: Bearer ${apiToken}' -H 'Prefer: wait=10' \\
    ${stack.url}/clusters -d '${JSON.stringify(exampleSpec)}'

See them:
  curl -s -H 'Authorization: Bearer ${apiToken}' ${stack.url}/clusters
`);

/** What is wrong with the settings or with this machine is a sentence, before anything starts. */
async function settingsOrEnd(): Promise<LocalSettings | NodeSettings> {
  try {
    await takeDataDir(process.env);
    const found = localSettings(process.env);
    await assertFree(found.port);
    return process.argv.includes('--nodes') ? await withNodes(found, console.error) : found;
  } catch (error) {
    console.error(reasonOf(error));
    process.exit(1);
  }
}

let stopping = false;
async function stop(code: number): Promise<void> {
  if (stopping) return;
  stopping = true;
  console.log('Stopping. The records of all clusters are kept for the next start.');
  if (!stack.simulator) {
    console.log('Until the next start nothing destroys live clusters, and Linode bills them on.');
  }
  await stack.close();
  await machines?.close();
  process.exit(code);
}
process.on('SIGINT', () => void stop(0));
process.on('SIGTERM', () => void stop(0));
void stack.ended.then((code) => {
  if (!stopping) console.error(`The functions ended with ${code}; see ${dataDir}/functions.log.`);
  return stop(1);
});
