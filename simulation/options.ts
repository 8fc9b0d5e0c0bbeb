import type { FaultKind } from '../simulators/linode/faults.ts';
import { type LabelForm, labelForms } from '../simulators/linode/invoice-settings.ts';
import { Chance } from './chance.ts';

/**
 * Which killers work: all of them; only the reaper, the sweeper or the agents on the nodes; or none.
 * Passes are made by whoever nudges them.
 */
export type Killers = 'all' | 'reaper' | 'sweeper' | 'agents' | 'none';

export const refusalKinds = [
  'missingScope',
  'invalidToken',
  'status500',
  'maintenance503',
] as const satisfies FaultKind[];
/** In what an invoice differs from the records; `none`: it bills as the records assume. */
export const invoicePlans = [
  'none',
  'price',
  'backups',
  'hours',
  'missing',
  'cents',
  'taxes',
  'monthEnd',
  'transfer',
  'unknown',
  'corrected',
] as const;
export type InvoicePlan = (typeof invoicePlans)[number];

export type RefusalKind = (typeof refusalKinds)[number];

/**
 * Everything that varies from one simulated world to the next; drawn from the seed. Probabilities
 * are from 0 to 1: for each call, each invocation, or each visit of a person to Linode's console.
 */
export interface Options {
  // The requests to Onebuck.
  /** How many clusters people launch. */
  readonly clusters: number;
  readonly nodesMax: number;
  /** The most hours that a budget affords; no cluster has a higher `maxHours`. */
  readonly hoursMax: number;
  readonly marginSeconds: number;
  /** The cap on open budgets is three fifths of the budgets of all requests together. */
  readonly capped: boolean;
  /** Owners and the schedule have a cap of a day or of a week. */
  readonly windowCap: 'none' | 'day' | 'week';
  /** People change and delete their clusters, and send some requests twice. */
  readonly changes: boolean;
  /** One more owner has clusters on a schedule. */
  readonly schedule: boolean;
  /** The schedule tries runs again that failed for capacity. */
  readonly retries: boolean;
  /** The probability that an owner extends a cluster on the notice that its teardown is near. */
  readonly extensions: number;

  // Linode's API.
  /** Errors in place of an effect: 408, 5xx, HTML, busy, a lost connection. */
  readonly flaky: number;
  /** Writes that take effect and are answered with an error or not at all. */
  readonly lostReplies: number;
  readonly hangs: number;
  readonly throttled: number;
  /** Answers that take seconds. */
  readonly slow: number;
  readonly staleLists: number;
  readonly truncatedLists: number;
  readonly outages: 'none' | 'short' | 'long';
  /** The Linode token is replaced, and the old token is sometimes revoked too early. */
  readonly rotations: boolean;
  /** For most of an hour, this fault strikes every create, and nothing else. */
  readonly createsRefused: 'none' | RefusalKind;
  /** Linode lacks capacity for some creates, or the account has a limit of 8 Linodes. */
  readonly scarcity: 'none' | 'capacity' | 'limit';
  readonly bootSecondsMax: number;
  /** The node with index 1 of each cluster never leaves `provisioning`. */
  readonly stuckNodes: boolean;
  readonly lingerSeconds: number;
  /** `forcedUnseen`: the account forces backups on, and the token can't read that setting. */
  readonly backups: 'none' | 'forced' | 'forcedUnseen';
  /**
   * After an hour, Linode multiplies its prices: higher prices hold for Linodes that exist, too;
   * lower prices only for new Linodes.
   */
  readonly priceFactor: number;
  /**
   * Some Linodes can't be deleted for a while: Linode answers 200 and does nothing (`ignored`), or
   * refuses (`locked`).
   */
  readonly stubborn: 'none' | 'ignored' | 'locked';

  // The table.
  readonly indexLagMsMax: number;
  readonly tableErrors: number;
  readonly tableOutages: boolean;
  /** At some time the table is emptied, or from then on answers no call. */
  readonly tableLoss: 'none' | 'emptied' | 'unreachable';
  /** How many records of live clusters become unreadable, as if a later version wrote them. */
  readonly poisonedRecords: number;

  // The functions.
  /** How many invocations Lambda runs at once, of all functions together. */
  readonly functionsMax: number;
  readonly nudgesLost: number;
  readonly nudgesDoubled: number;
  readonly nudgeDelayMsMax: number;
  readonly ticksSkipped: number;
  readonly ticksDoubled: number;
  readonly tickDelayMsMax: number;
  readonly deaths: number;
  /** An invocation's clock is fast or slow by up to this; each invocation by another amount. */
  readonly clockErrorMsMax: number;
  readonly killers: Killers;

  // The agents on the nodes.
  /** Whether nodes reach the API, so that they have agents. */
  readonly agents: boolean;
  /** Calls of agents that do not arrive, and as many whose answers do not. */
  readonly agentCallsLost: number;
  readonly agentCallsDoubled: number;
  readonly agentDelayMsMax: number;
  /**
   * Some agents lie: they call before anything is due, too often, about other nodes, and say that
   * their node has failed after it was ready. Somebody forges tokens.
   */
  readonly agentLies: boolean;

  // Jobs, which agents run.
  /** Whether some clusters have a job. */
  readonly jobs: boolean;
  /** Calls to the files of jobs that fail, and transfers of nodes. */
  readonly filesFail: number;
  /** Uploads, and results that have arrived, of which as many are lost. */
  readonly filesLost: number;
  /** Nodes with a job whose agents hang, for some minutes or for good. */
  readonly agentsHang: number;

  // Networks.
  /** Whether specs ask for all kinds of networks, not only for the default. */
  readonly networks: boolean;
  /** How many VLANs others have in us-east: of the ten that Linode allows. */
  readonly othersVlans: number;

  // People in Linode's console.
  /** The probability that a person who visits the console changes one of our Linodes. */
  readonly meddling: number;
  /**
   * A person deletes a tag in Linode's console, which takes it off every Linode: the ownership tag,
   * or the tags of clusters.
   */
  readonly untagging: 'none' | 'ownership' | 'cluster';
  /** People resize Linodes, or migrate them to another region. */
  readonly resizing: boolean;

  /**
   * What nodes send to the internet: each steadily from its creation on, from some hour on, or in
   * bursts. In `none`, the server knows no transfer.
   */
  readonly transfer: 'none' | 'steady' | 'late' | 'bursts';
  /** People take away the tables of firewalls that limit what nodes send. */
  readonly unlimiting: boolean;
  /** Nodes lose what their firewalls have counted, as when somebody rebuilds them. */
  readonly losingCounters: boolean;

  // Linode's invoice, at the end of the world.
  readonly invoice: InvoicePlan;
  readonly invoiceLabels: LabelForm;
}

export const NO_FAULTS: Options = {
  clusters: 1,
  nodesMax: 10,
  hoursMax: 14,
  marginSeconds: 180,
  capped: false,
  windowCap: 'none',
  changes: false,
  schedule: false,
  retries: false,
  extensions: 0,
  flaky: 0,
  lostReplies: 0,
  hangs: 0,
  throttled: 0,
  slow: 0,
  staleLists: 0,
  truncatedLists: 0,
  outages: 'none',
  rotations: false,
  createsRefused: 'none',
  scarcity: 'none',
  bootSecondsMax: 60,
  stuckNodes: false,
  lingerSeconds: 0,
  backups: 'none',
  priceFactor: 1,
  stubborn: 'none',
  indexLagMsMax: 0,
  tableErrors: 0,
  tableOutages: false,
  tableLoss: 'none',
  poisonedRecords: 0,
  functionsMax: 1_000,
  nudgesLost: 0,
  nudgesDoubled: 0,
  nudgeDelayMsMax: 0,
  ticksSkipped: 0,
  ticksDoubled: 0,
  tickDelayMsMax: 0,
  deaths: 0,
  clockErrorMsMax: 0,
  killers: 'all',
  agents: false,
  agentCallsLost: 0,
  agentCallsDoubled: 0,
  agentDelayMsMax: 0,
  agentLies: false,
  jobs: false,
  filesFail: 0,
  filesLost: 0,
  agentsHang: 0,
  networks: false,
  othersVlans: 0,
  meddling: 0,
  untagging: 'none',
  resizing: false,
  transfer: 'none',
  unlimiting: false,
  losingCounters: false,
  invoice: 'none',
  invoiceLabels: 'console',
};

/** The probability that a world with faults has a certain kind of fault. */
const USUAL = 0.3;
const SELDOM = 0.08;

export function drawOptions(seed: number): Options {
  const chance = new Chance(seed).for('options');
  const faultless = chance.happens(0.2);
  const isOn = (probability: number) => chance.happens(probability) && !faultless;
  const often = (max: number) => (isOn(USUAL) ? chance.random() * max : 0);
  const upTo = (max: number) => (isOn(USUAL) ? chance.whole(1, max) : 0);
  // Generators of their own, so that these options change no other option of any seed.
  const poison = new Chance(seed).for('poison');
  const crowd = new Chance(seed).for('crowd');
  const tableLoss = isOn(SELDOM) ? chance.oneOf(['emptied', 'unreachable'] as const) : 'none';
  const drawn: Omit<
    Options,
    | LaterOptions
    | AgentOptions
    | JobOptions
    | NetworkOptions
    | InvoiceOptions
    | 'poisonedRecords'
    | TransferOptions
  > = {
    clusters: chance.whole(1, 8),
    nodesMax: chance.oneOf([2, 5, 12, 25]),
    hoursMax: chance.oneOf([1, 2, 3, 5, 8, 14, 26]),
    marginSeconds: chance.oneOf([120, 180, 180, 300, 600]),
    capped: chance.happens(0.2),
    windowCap: windowCapOf(seed),
    changes: chance.happens(0.5),
    schedule: chance.happens(0.15),
    retries: new Chance(seed).for('retries').happens(0.5),
    extensions: extensionsOf(seed),
    flaky: often(0.25),
    lostReplies: often(0.2),
    hangs: often(0.05),
    throttled: often(0.15),
    slow: often(0.2),
    staleLists: often(0.3),
    truncatedLists: often(0.2),
    outages: isOn(USUAL) ? (chance.happens(0.3) ? 'long' : 'short') : 'none',
    rotations: isOn(USUAL),
    createsRefused: faultless ? 'none' : refusalOf(seed),
    scarcity: isOn(SELDOM * 2) ? chance.oneOf(['capacity', 'limit'] as const) : 'none',
    bootSecondsMax: isOn(USUAL) ? chance.whole(60, 900) : 60,
    stuckNodes: isOn(SELDOM),
    lingerSeconds: upTo(90),
    backups: isOn(SELDOM * 2) ? chance.oneOf(['forced', 'forcedUnseen'] as const) : 'none',
    priceFactor: isOn(SELDOM * 2) ? chance.oneOf([0.8, 1.2, 2]) : 1,
    indexLagMsMax: upTo(5_000),
    tableErrors: often(0.05),
    tableOutages: isOn(USUAL),
    tableLoss,
    functionsMax:
      crowd.happens(SELDOM) && !faultless ? crowd.oneOf([5, 10]) : NO_FAULTS.functionsMax,
    nudgesLost: often(0.5),
    nudgesDoubled: often(0.5),
    nudgeDelayMsMax: upTo(20_000),
    ticksSkipped: often(0.3),
    ticksDoubled: often(0.3),
    tickDelayMsMax: upTo(15_000),
    deaths: often(0.2),
    clockErrorMsMax: upTo(8_000),
    // Without the table only the sweeper can destroy Linodes, so no killer may be dead besides.
    killers:
      tableLoss !== 'none' ? 'all' : isOn(SELDOM) ? chance.oneOf(['reaper', 'sweeper']) : 'all',
    meddling: often(0.5),
  };
  // Only the sweeper can destroy the nodes of a cluster whose record is unreadable.
  const mayPoison = !faultless && tableLoss === 'none' && drawn.killers === 'all';
  const poisonedRecords = mayPoison && poison.happens(SELDOM) ? poison.whole(1, 2) : 0;
  const options = { ...drawn, poisonedRecords };
  const rest = {
    ...options,
    ...drawLater(seed, options, faultless),
    ...withJobs(seed, drawAgents(seed, faultless), faultless),
    ...drawNetworks(seed, faultless),
    ...drawInvoice(seed),
    ...{ transfer: 'none' as const, unlimiting: false, losingCounters: false },
  };
  return { ...rest, ...drawTransfer(seed, rest, faultless) };
}

/** A generator of its own, so that no other option of any seed changes. */
function windowCapOf(seed: number): Options['windowCap'] {
  const chance = new Chance(seed).for('caps of days and weeks');
  return chance.happens(0.2) ? chance.oneOf(['day', 'week'] as const) : 'none';
}

type TransferOptions = 'transfer' | 'unlimiting' | 'losingCounters';

/**
 * Nodes with agents keep to what their cluster's budget pays, whatever goes wrong. Of others, passes
 * measure the transfer, and nobody else does: it is drawn where they work, and where an hour of a
 * node has one price.
 */
function drawTransfer(
  seed: number,
  options: Options,
  faultless: boolean,
): Pick<Options, TransferOptions> {
  const chance = new Chance(seed).for('transfer');
  const kind = chance.oneOf(['steady', 'steady', 'late', 'bursts'] as const);
  const { killers, tableLoss, poisonedRecords, outages, resizing, stubborn, meddling } = options;
  const passesWork = killers === 'all' && tableLoss === 'none' && poisonedRecords === 0;
  const isPlain = outages !== 'long' && !resizing && meddling === 0;
  // Of a Linode that is not deleted in time, nobody knows how long it has sent more than before.
  const isSeen = stubborn === 'none' || kind === 'steady';
  const { untagging, priceFactor } = options;
  const isMeasured = passesWork && isPlain && isSeen && untagging === 'none' && priceFactor === 1;
  const isDrawn = chance.happens(0.5) && (isMeasured || options.agents);
  const isOpen = isDrawn && isMeasured && options.agents && !faultless;
  const unlimiting = isOpen && chance.happens(USUAL);
  const losingCounters = isDrawn && options.agents && !faultless && chance.happens(USUAL);
  return { transfer: isDrawn ? kind : 'none', unlimiting, losingCounters };
}

type InvoiceOptions = 'invoice' | 'invoiceLabels';

function drawInvoice(seed: number): Pick<Options, InvoiceOptions> {
  const chance = new Chance(seed).for('invoices');
  const invoice = chance.happens(0.4) ? 'none' : chance.oneOf(invoicePlans);
  return { invoice, invoiceLabels: chance.oneOf(labelForms) };
}

type NetworkOptions = 'networks' | 'othersVlans';

function drawNetworks(seed: number, faultless: boolean): Pick<Options, NetworkOptions> {
  const chance = new Chance(seed).for('networks');
  const networks = chance.happens(0.5);
  const isFull = chance.happens(USUAL) && networks && !faultless;
  return { networks, othersVlans: isFull ? chance.whole(8, 10) : 0 };
}

type JobOptions = 'jobs' | 'filesFail' | 'filesLost' | 'agentsHang';
type AgentOptions = 'agents' | Exclude<`agent${string}` & keyof Options, JobOptions>;

/** Only nodes with agents run jobs. */
function withJobs(
  seed: number,
  drawn: Pick<Options, AgentOptions>,
  faultless: boolean,
): Pick<Options, AgentOptions | JobOptions> {
  const chance = new Chance(seed).for('jobs');
  const jobs = chance.happens(0.5) && drawn.agents;
  const isOn = (probability: number) => chance.happens(probability) && jobs && !faultless;
  return {
    ...drawn,
    jobs,
    filesFail: isOn(0.5) ? chance.random() * 0.4 : 0,
    filesLost: isOn(0.4) ? chance.random() * 0.4 : 0,
    agentsHang: isOn(0.4) ? chance.random() * 0.4 : 0,
  };
}

/** As with the later options, worlds without agents stay as they were. */
function drawAgents(seed: number, faultless: boolean): Pick<Options, AgentOptions> {
  const chance = new Chance(seed).for('agents');
  const agents = chance.happens(0.35);
  const isOn = (probability: number) => chance.happens(probability) && agents && !faultless;
  return {
    agents,
    agentCallsLost: isOn(0.5) ? chance.random() * 0.6 : 0,
    agentCallsDoubled: isOn(0.5) ? chance.random() * 0.5 : 0,
    agentDelayMsMax: isOn(0.5) ? chance.whole(1, 90_000) : 0,
    agentLies: isOn(0.5),
  };
}

type LaterOptions = 'stubborn' | 'untagging' | 'resizing';

/**
 * Options that were added later. They have a generator of their own, so that worlds of before stay
 * as they were.
 */
function drawLater(
  seed: number,
  {
    tableLoss,
    killers,
    truncatedLists,
    poisonedRecords,
    priceFactor,
  }: Omit<
    Options,
    LaterOptions | AgentOptions | JobOptions | NetworkOptions | InvoiceOptions | TransferOptions
  >,
  faultless: boolean,
): Pick<Options, LaterOptions> {
  const chance = new Chance(seed).for('later options');
  const isSpared = faultless || tableLoss !== 'none' || killers !== 'all' || poisonedRecords > 0;
  const isOn = (probability: number) => chance.happens(probability) && !isSpared;
  const stubborn = isOn(SELDOM) ? chance.oneOf(['ignored', 'locked'] as const) : 'none';
  const untagging = isOn(SELDOM) ? chance.oneOf(['ownership', 'cluster'] as const) : 'none';
  // Nobody can tell a Linode that ignores its deletion from a deleted one by a list without it.
  const areListsTrue = truncatedLists === 0 && untagging === 'none';
  return {
    stubborn: stubborn === 'ignored' && !areListsTrue ? 'locked' : stubborn,
    untagging,
    // The simulated Linode bills a resized Linode at the prices of its creation.
    resizing: isOn(SELDOM) && priceFactor === 1,
  };
}

/*
 * Drawn apart from the options before them, so that these stay the same for each seed.
 */

function refusalOf(seed: number): Options['createsRefused'] {
  const chance = new Chance(seed).for('refusals');
  return chance.happens(SELDOM) ? chance.oneOf(refusalKinds) : 'none';
}

function extensionsOf(seed: number): number {
  const chance = new Chance(seed).for('extensions');
  return chance.happens(0.3) ? 0.7 : 0;
}

/** The options that differ from `NO_FAULTS`, for people to read: `flaky=0.25 outages=long`. */
export const optionsText = (options: Options): string =>
  Object.entries(options)
    .filter(([name, value]) => NO_FAULTS[name as keyof Options] !== value)
    .map(([name, value]) => `${name}=${typeof value === 'number' ? +value.toFixed(3) : value}`)
    .join(' ') || 'none';
