import type { Fault } from '../core/base/fault.ts';
import { formatUsd, microUsd, times, toUsd } from '../core/base/money.ts';
import {
  between,
  type DurationMs,
  type EpochMs,
  epochMs,
  latest,
  minutes,
  seconds,
} from '../core/base/units.ts';
import { firstHourCost } from '../core/billing/bill.ts';
import { sliceFor } from '../core/billing/transfer.ts';
import { CREATE_TIME } from '../core/caps/ledger.ts';
import { alternatives } from '../core/catalogue/alternatives.ts';
import { resolve, takesUserData, termsFor, warningsOf } from '../core/catalogue/choose.ts';
import { keyedFields, networkFor, roomWarnings } from '../core/catalogue/room.ts';
import type { Advice } from '../core/cluster/advice.ts';
import { newNodePrice } from '../core/cluster/kinds.ts';
import { type Quote, quoteOf } from '../core/cluster/quote.ts';
import type { Bought } from '../core/cluster/record.ts';
import { hasKeys, parseSpec, type Spec } from '../core/cluster/spec.ts';
import { bitsFor, type NetworkKind } from '../core/room/network.ts';
import { AppError } from '../errors.ts';
import type { AccountSettings, Clock, JobFiles, Secrets } from '../ports.ts';
import type { Settings } from '../settings.ts';
import { allEnded, type CatalogueCache, catalogueFor } from './catalogue-cache.ts';
import { noBucket } from './create-upload.ts';
import {
  isRoom,
  ownUserDataWarnings,
  plainUserData,
  type Room,
  userDataFaults,
} from './user-data.ts';

/** A spec with what Linode's catalogue offers for it. */
export interface Offer {
  readonly spec: Spec;
  readonly bought: Bought;
  readonly quote: Quote;
  readonly advice: Advice;
  /** null: the nodes get no private network. */
  readonly network: NetworkKind | null;
  /** Whether its nodes get an agent, which reaches the API. */
  readonly canReport: boolean;
}

export interface OfferDeps {
  readonly clock: Clock;
  readonly catalogue: CatalogueCache;
  readonly secrets: Pick<Secrets, 'passwordKey'>;
  readonly settings: Settings;
  /** null: the deployment has no bucket for jobs. */
  readonly files: JobFiles | null;
}

/**
 * Quotes a spec at today's prices, or throws AppError `invalid` with every fault, `refused` if Linode
 * manages the account, or `misconfigured` if the secret lacks a key that the spec needs. Buys nothing
 * and writes nothing. A budget below the cost of the first hour is no fault: `refuseWhatWouldOverspend`
 * refuses it. `nextTurn`: when the cluster could create its nodes; by default, at once.
 */
export async function offer(
  deps: OfferDeps,
  input: unknown,
  by: EpochMs,
  nextTurn: () => Promise<EpochMs> = async () => deps.clock.now(),
): Promise<Offer> {
  const { catalogue, settings, clock } = deps;
  const parsed = parseSpec(input, settings);
  const partial = parsed.ok ? parsed.spec : parsed.partial;
  const { lists, extras, transfer } = await catalogueFor(deps, partial, by);
  const [account, firewall] = await allEnded([
    catalogue.account(by),
    catalogue.defaultFirewall(extras.interfaces ?? 'legacy_config', by),
  ]);
  refuseManaged(account);
  const resolved = resolve(partial, lists, extras);
  const faults = [...(parsed.ok ? [] : parsed.faults), ...(resolved.ok ? [] : resolved.faults)];
  if (!parsed.ok || !resolved.ok) {
    throw invalidSpec(faults);
  }
  const { spec } = parsed;
  const { type, region, image } = resolved;
  const hasKey = await hasPasswordKey(deps.secrets);
  if (!hasKey) refuseWhatNeedsKey(spec);
  const network = networkFor(spec, image, region, hasKey);
  const { nodesMax, marginMs, publicUrl } = settings;
  const canHaveAgent = takesUserData(image, region);
  const canReport = canHaveAgent && publicUrl !== null && hasKey;
  if (spec.job !== null) refuseJobWithout({ publicUrl, files: deps.files });
  const isGuarded = isRoom({ agent: canReport, network: network.kind, spec });
  const terms = termsFor(type, region.id, transfer);
  if (isGuarded) {
    const slice = canReport && terms ? sliceFor(terms, spec.nodes) : null;
    refuseLargeUserData(spec, network.kind, { publicUrl: canReport ? publicUrl : null, slice });
  }
  const bought = {
    type: type.id,
    typeLabel: type.label,
    vcpus: type.vcpus,
    memoryMb: type.memoryMb,
    diskMb: type.diskMb,
    ...(resolved.imageMb === null ? {} : { imageMb: resolved.imageMb }),
    region: region.id,
    image: image.id,
    ...(extras.interfaces && { interfaces: extras.interfaces }),
    price: resolved.price.base,
    backupsPrice: resolved.price.backups,
    backupsAssumed: extras.backups,
    ...(terms && { transfer: terms }),
  };
  const now = clock.now();
  const from = latest(now, await nextTurn());
  const market = { catalogue: lists, extras, transfer, nodesMax, marginMs, from };
  const lacksHelper = account !== 'unreadable' && !account.networkHelper && !extras.interfaces;
  const warnings = [
    ...warningsOf(image),
    ...roomWarnings(spec, image, network),
    ...ownUserDataWarnings(spec),
    ...warningOfWait(between(now, from)),
    ...(account === 'unreadable' ? [UNREADABLE] : []),
    ...(spec.transferGb !== null && terms === null ? [UNCOUNTED] : []),
    ...(spec.transferGb === null && canReport && terms?.gb === 0 ? [bringsNothing(type.id)] : []),
    ...(firewall === null ? [] : [noFirewall(firewall, isGuarded)]),
    ...(lacksHelper && network.kind !== null ? [NO_HELPER] : []),
    ...(canHaveAgent && publicUrl === null ? [UNREACHABLE] : []),
  ];
  const advice = { warnings, alternatives: alternatives(spec, market) };
  const quote = quoteOf(spec, bought, marginMs, from);
  return { spec, bought, quote, advice, network: network.kind, canReport };
}

/** A key that can't be read refuses no launch that can do without it. */
const hasPasswordKey = (secrets: OfferDeps['secrets']): Promise<boolean> =>
  secrets.passwordKey().then(
    (key) => key !== null,
    () => false,
  );

/**
 * AppError `misconfigured`: host keys, the key by which the nodes log in to each other, and the
 * tokens by which they report are derived from the key that is missing.
 */
function refuseWhatNeedsKey(spec: Spec): void {
  const fields = keyedFields(spec).join(' and ');
  if (fields === '') return;
  throw new AppError(
    'misconfigured',
    `For ${fields}, the secret needs passwordKey, from which a cluster's keys are derived: ask the ` +
      `operator to add it, or leave ${fields} out.`,
  );
}

/** AppError `misconfigured` if the deployment lacks what jobs need. */
function refuseJobWithout({
  publicUrl,
  files,
}: {
  readonly publicUrl: string | null;
  readonly files: JobFiles | null;
}): void {
  if (files === null) throw noBucket('Jobs');
  if (publicUrl !== null) return;
  throw new AppError(
    'misconfigured',
    "A job's nodes must reach this Onebuck: ask the operator to set PUBLIC_URL to a URL that reaches " +
      'it, or leave job out.',
  );
}

/** All that is wrong with a spec. */
export const invalidSpec = (faults: readonly Fault[]): AppError =>
  new AppError('invalid', 'The spec has faults; each is listed with what to do.', { faults });

/**
 * AppError `invalid` if Linode would not take the user data of the nodes of a room. `publicUrl`: null:
 * they have no agent. Only the length of what
 * is not known yet counts here.
 */
function refuseLargeUserData(
  spec: Spec,
  network: NetworkKind | null,
  { publicUrl, slice }: { readonly publicUrl: string | null } & Pick<Room, 'slice'>,
): void {
  if (plainUserData(spec) === null) return;
  const subnet = network && { block: 0, bits: bitsFor(spec.nodes) };
  const far = epochMs(Date.UTC(9999, 11, 31));
  const facts = publicUrl === null ? null : { publicUrl, expiresAt: far, teardownAt: far };
  const faults = userDataFaults({ spec, subnet, agent: facts, slice });
  if (faults.length > 0) throw invalidSpec(faults);
}

/** A shorter wait is not worth a warning. */
const WAIT_WORTH_A_WARNING = seconds(30);

function warningOfWait(wait: DurationMs): string[] {
  if (wait < WAIT_WORTH_A_WARNING) return [];
  const about = Math.ceil(wait / minutes(1));
  const nodes = Math.ceil(wait / CREATE_TIME);
  return [
    `The cluster starts in about ${about} min: ${nodes} nodes of other clusters are created before ` +
      'it, and Linode takes 80 a minute.',
  ];
}

const UNREADABLE =
  "the Linode token can not read the account's settings (scope account:read_only): backups are " +
  'counted as if the account forced them, and if Linode manages the account, each Linode costs ' +
  'about $100 a month more than this quote says';

/** The warning that the nodes will hardly send anything, as they bring nothing and have a limit. */
const bringsNothing = (type: string): string =>
  `nodes of ${type} bring no transfer: they slow down once they have sent what the budget has left ` +
  'besides their hours; plan transferGb for what they are to send, such as the results of a job';

const UNCOUNTED =
  'the server lists no prices of transfer, so transfer does not count, and transferGb has no effect';

const noFirewall = (id: number, isGuarded: boolean): string =>
  `the account's default firewall (${id}) is not attached to the nodes, since it could shut ssh ` +
  (isGuarded
    ? 'out: a firewall on each node guards it instead, which lets in ssh, ICMP and openPorts'
    : "out: nothing of Onebuck's guards them instead");

const NO_HELPER =
  "Network Helper is off in the Linode account, which sets up the nodes' private addresses: without " +
  'it the nodes never get ready; turn it on at https://cloud.linode.com/account/settings';

const UNREACHABLE =
  "the nodes can't reach this Onebuck, so none says when it is ready: the operator can set " +
  'PUBLIC_URL to a URL that reaches it';

/**
 * AppError `refused` if Linode manages the account: its list of prices does not have the extra
 * price of a managed Linode, so no budget could be kept.
 */
function refuseManaged(account: AccountSettings | 'unreadable'): void {
  if (account === 'unreadable' || !account.managed) return;
  throw new AppError(
    'refused',
    'Linode manages this account, which costs about $100 a month more for each Linode, and Onebuck ' +
      "can keep no budget with that. Cancel Linode Managed in Linode's console, or ask the operator " +
      'for a token of another account.',
  );
}

/** AppError `refused` if the budget does not pay the first started hour. */
export function refuseWhatWouldOverspend({
  spec,
  bought,
  quote: { smallestBudget, hourly, startsAt },
  advice,
}: Offer): void {
  if (spec.budget >= smallestBudget) return;
  const cluster = `${spec.nodes} × ${bought.type} in ${bought.region}`;
  const twice =
    firstHourCost(newNodePrice({ bought }), spec.nodes, startsAt) > hourly
      ? ', and the hour now starting runs into the next month, where it may be billed again'
      : '';
  const gbPrice = bought.transfer?.gbPrice ?? microUsd(0);
  const planned = spec.transferGb
    ? `, and ${spec.transferGb} GB of transfer up to ${formatUsd(times(gbPrice, spec.transferGb))}`
    : '';
  throw new AppError(
    'refused',
    `${cluster} cost ${formatUsd(hourly)} a started hour${twice}${planned}. The smallest budget that would ` +
      `do is ${formatUsd(smallestBudget)}; you gave ${formatUsd(spec.budget)}.`,
    {
      members: { smallestBudgetUsd: toUsd(smallestBudget) },
      alternatives: advice.alternatives,
    },
  );
}

/** AppError `misconfigured` if the nodes would have neither a key nor a password to log in with. */
export async function refuseWhatCouldNotLogIn(secrets: Secrets, spec: Spec): Promise<void> {
  if (hasKeys(spec) || (await secrets.passwordKey()) !== null) return;
  throw new AppError(
    'misconfigured',
    'Give authorizedKeys or authorizedUsers, or ask the operator to add passwordKey to the secret: without either, ' +
      'nobody could log in.',
  );
}
