import type { Api } from '../client/api.ts';
import { getQuote, listImages, listRegions, listTypes } from '../client/catalogue.ts';
import { listLive, listNewest, unreadableSentence } from '../client/clusters.ts';
import { troubleSentence } from '../client/end.ts';
import { dollars } from '../client/money.ts';
import { plural } from '../client/plural.ts';
import { readServerTime } from '../client/server-clock.ts';
import { fullTime } from '../client/times.ts';
import { readLogin } from './config.ts';
import { type Context, show } from './context.ts';
import { CliError, cliErrorOf } from './errors.ts';
import { printable, table } from './format.ts';
import { titleOf } from './fuse.ts';

interface Check {
  readonly what: string;
  readonly isGood: boolean;
  /** What was found; of a fault, also what to do. */
  readonly detail: string;
}

/** How far two clocks may be apart before the teardown times that people read mislead. */
const CLOCK_MS_MAX = 60_000;
const OPERATOR = 'Tell the operator of Onebuck, who runs "npm run doctor" for the deployment.';

/**
 * Checks what somebody who uses the command line needs, in order; what cannot be checked after a
 * fault is left out. `npm run doctor` checks the deployment itself.
 */
export async function doctor(context: Context): Promise<void> {
  const checks: Check[] = [];
  for (const check of [checkLogin, checkAddress, checkToken, checkLinode, checkClusters]) {
    const found = await check(context).catch(faultOf);
    checks.push(found);
    if (!found.isGood) break;
  }
  const rows = checks.map(({ what, isGood, detail }) => [isGood ? 'ok' : 'FAULT', what, detail]);
  show(context, { checks }, () => table(['', 'CHECK', 'FOUND'], rows));
  const fault = checks.find(({ isGood }) => !isGood);
  // In words, the fault is on stdout already.
  if (fault) throw new CliError('failed', context.json ? fault.detail : '', { checks });
}

class Fault extends Error {
  readonly what: string;
  constructor(what: string, detail: string) {
    super(detail);
    this.what = what;
  }
}

function faultOf(error: unknown): Check {
  if (!(error instanceof Fault)) throw error;
  return { what: error.what, isGood: false, detail: error.message };
}

/** What `look` finds; a failure of the API's is a fault. */
async function checked(what: string, look: () => Promise<string>, advice = ''): Promise<Check> {
  try {
    return { what, isGood: true, detail: await look() };
  } catch (error) {
    const known = cliErrorOf(error);
    if (known === null) throw error;
    throw new Fault(what, `${known.message} ${advice}`.trim());
  }
}

const checkLogin = ({ env }: Context) =>
  checked('login', async () => {
    const { url } = readLogin(env);
    return `${url}, ${env.ONEBUCK_URL ? 'by ONEBUCK_URL' : 'by onebuck login'}`;
  });

const checkAddress = (context: Context) =>
  checked('address', async () => {
    const { serverMs, localMs } = await readServerTime(context.api());
    const isApart = Math.abs(serverMs - localMs) > CLOCK_MS_MAX;
    const clock = `its clock shows ${fullTime(serverMs, localMs)}`;
    return `Onebuck answers; ${clock}${isApart ? ", which is not this machine's time" : ''}`;
  });

const checkToken = (context: Context) =>
  checked('token', async () => {
    await listNewest(context.api(), 1);
    return 'accepted';
  });

const checkLinode = (context: Context) =>
  checked('Linode', () => quoteSomething(context.api()), OPERATOR);

/** A quote needs all that a launch needs of Linode: prices, and the settings of the account. */
async function quoteSomething(api: Api): Promise<string> {
  const [{ types }, [region], [image]] = await Promise.all([
    listTypes(api, {}),
    listRegions(api),
    listImages(api),
  ]);
  const type = types.find(({ hourlyUsd }) => hourlyUsd !== null);
  if (type === undefined || region === undefined || image === undefined) {
    throw new CliError('failed', 'Linode lists nothing that could be launched.');
  }
  const spec = { nodes: 1, type: type.id, region: region.id, image: image.id, budgetUsd: 1 };
  const { warnings, hourlyUsd } = await getQuote(api, spec);
  const price = `${plural(types.length, 'type')}, from ${dollars(hourlyUsd)} an hour`;
  return [`answers: ${price}`, ...warnings.map((warning) => `Note: ${warning}`)].join('\n');
}

const checkClusters = (context: Context) =>
  checked('clusters', async () => {
    const { clusters, unreadable } = await listLive(context.api());
    const troubles = clusters.flatMap((cluster) => {
      const sentence = troubleSentence(cluster, (at) => at);
      const isOver = cluster.overspentUsd ? ['Linode bills more than its budget.'] : [];
      return [...(sentence === null ? [] : [sentence]), ...isOver].map(
        (trouble) => `${titleOf(cluster)}: ${printable(trouble)}`,
      );
    });
    const missing = unreadableSentence(unreadable);
    const faults = [...troubles, ...(missing === null ? [] : [missing])];
    if (faults.length > 0) throw new CliError('failed', [...faults, OPERATOR].join('\n'));
    return `${plural(clusters.length, 'live cluster')}, none in trouble`;
  });
