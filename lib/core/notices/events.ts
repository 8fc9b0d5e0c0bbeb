import { formatUsd } from '../base/money.ts';
import { ownershipTag } from '../base/names.ts';
import { type EpochMs, toIso } from '../base/units.ts';
import { overspentAt } from '../cluster/bills.ts';
import { kindPriceOf } from '../cluster/kinds.ts';
import { lifeOf } from '../cluster/life.ts';
import { keepsToLimit } from '../cluster/limited.ts';
import {
  type EventKind,
  type LiveRecord,
  type NoticeKey,
  nodesText,
  takenOverIn,
  troublesOf,
  troubleTexts,
} from '../cluster/record.ts';
import { unmeasuredSince } from '../cluster/sent.ts';
import { isMeasured, limitOf, transferOf } from '../cluster/transfer.ts';
import { baseOf, type EventNotice } from './notices.ts';

/** What happened to a cluster, though nobody planned it. */
interface Event {
  readonly kind: EventKind;
  /** How many nodes it has happened to; a notice is sent again when there are more. */
  readonly count: number;
  /** In words that read on from the cluster: `can't be rid of node 0`. */
  readonly subject: string;
  readonly detail: string;
}

/**
 * The notices that are due about what nobody planned, in any phase, and the record that notes them
 * as sent. `slowed`: whether nodes send slowly, as measured just now. Save the record first.
 */
export function withEventNotices<R extends LiveRecord>(
  record: R,
  now: EpochMs,
  { slowed }: { readonly slowed: boolean },
): { readonly record: R; readonly notices: readonly EventNotice[] } {
  const { notified = [] } = record;
  const due = eventsOf(record, now, slowed).filter(
    (event) => event.count > countSent(notified, event),
  );
  if (due.length === 0) return { record, notices: [] };
  const keys = due.map(keyOf);
  const kept = notified.filter((key) => !due.some(({ kind }) => kindOf(key) === kind));
  const noted = { ...record, notified: [...kept, ...keys] };
  const notices = due.map((event) => ({
    ...baseOf(record, now),
    ...event,
    key: keyOf(event),
    overspent: overspentAt(record, now),
  }));
  return { record: noted, notices };
}

const keyOf = ({ kind, count }: Pick<Event, 'kind' | 'count'>): NoticeKey => `${kind}/${count}`;

const kindOf = (key: NoticeKey): string => key.split('/')[0] ?? key;

function countSent(notified: readonly NoticeKey[], { kind }: Event): number {
  const sent = notified.find((key) => kindOf(key) === kind);
  return sent === undefined ? 0 : Number(sent.split('/')[1] ?? 1);
}

function eventsOf(record: LiveRecord, now: EpochMs, slowed: boolean): Event[] {
  return [
    ...tagLost(record),
    ...takenOver(record),
    ...repriced(record, now),
    ...transfer(record, now, slowed),
    ...unmeasured(record, now),
    ...undeletable(record),
    ...overBudget(record, now),
  ];
}

function tagLost({ tagLosses = 0, stage }: LiveRecord): Event[] {
  if (tagLosses === 0) return [];
  const tag = ownershipTag(stage);
  return [
    {
      kind: 'tagLost',
      count: tagLosses,
      subject: `has lost the tag ${tag}`,
      detail:
        `has lost the tag ${tag} on all its nodes at once. Onebuck takes that for an accident: it ` +
        'puts the tag back, and destroys the nodes in time. To keep a node, change its label, too.',
    },
  ];
}

function takenOver(record: LiveRecord): Event[] {
  const taken = takenOverIn(record);
  if (taken.length === 0) return [];
  const subject = `has ${taken.length} node${taken.length === 1 ? '' : 's'} taken over`;
  const lives = taken.length === 1 ? 'it lives on' : 'they live on';
  return [
    {
      kind: 'takenOver',
      count: taken.length,
      subject,
      detail:
        `has lost ${nodesText(taken)} to somebody who took the tag ` +
        `${ownershipTag(record.stage)} off: ${lives}, billed to you, and Onebuck will not destroy ` +
        `${taken.length === 1 ? 'it' : 'them'}.`,
    },
  ];
}

function repriced(record: LiveRecord, now: EpochMs): Event[] {
  const { priceRises = [] } = record;
  const changed = record.nodes.filter(
    (node) => 'changes' in node && node.changes?.every((kind) => kindPriceOf(record, kind)),
  );
  const count = changed.reduce(
    (sum, node) => sum + (('changes' in node ? node.changes?.length : undefined) ?? 0),
    priceRises.length,
  );
  if (count === 0) return [];
  const nodes = nodesText(changed.map(({ index }) => index));
  const types = [...new Set(priceRises.map(({ type }) => type))].join(', ');
  const reasons = [
    ...(changed.length > 0 ? [`somebody resized or migrated ${nodes}`] : []),
    ...(priceRises.length > 0 ? [`Linode has raised the price of ${types}`] : []),
  ].join(', and ');
  const until = toIso(lifeOf(record, now).teardownAt);
  return [
    {
      kind: 'repriced',
      count,
      subject: `has nodes of another price`,
      detail:
        `has another price now: ${reasons}. Its nodes count at the dearest price seen, and the ` +
        `budget lasts until ${until}.`,
    },
  ];
}

/** The part of the limit of the transfer at which the owner is told. */
const TRANSFER_PERCENT = 80;

function transfer(record: LiveRecord, now: EpochMs, slowed: boolean): Event[] {
  const totals = record.sent === undefined ? null : transferOf(record, now);
  if (totals === null) return [];
  const life = lifeOf(record, now);
  const limitGb = limitOf(record, life);
  const { sentGb, cost } = totals;
  if (sentGb === 0) return [];
  if (!slowed && sentGb * 100 < limitGb * TRANSFER_PERCENT) return [];
  const of =
    record.transferGb === undefined ? 'that its nodes bring' : 'that it is planned to send';
  const spent = cost === 0 ? '' : ` ${formatUsd(cost)} of its spend is for transfer beyond that.`;
  return [
    {
      kind: 'transfer',
      // A limit that somebody raises is told of again; what nodes bring changes from hour to hour.
      count: 1 + (record.transferGb ?? 0),
      subject: `${slowed ? 'is slowed: it ' : ''}has sent ${sentGb} of ${limitGb} GB`,
      detail:
        `has sent ${sentGb} GB of the ${limitGb} GB ${of} until its teardown.${spent} What it sends ` +
        `beyond what its nodes bring counts as spend: the budget lasts until ` +
        `${toIso(life.teardownAt)}.${slowed || keepsToLimit(record) ? slowText(slowed) : ''}`,
    },
  ];
}

/** What becomes of nodes with a limit, and what to do. */
function slowText(slowed: boolean): string {
  const how = slowed
    ? 'Nodes are slowed down to 96 kB/s, as they have used what the budget lets them send by now'
    : 'Its nodes slow themselves down to 96 kB/s before they pass the budget';
  return (
    ` ${how}: PATCH a larger transferGb to let them send more. A larger budgetUsd is spent on hours ` +
    'first, unless maxHours ends them.'
  );
}

function unmeasured(record: LiveRecord, now: EpochMs): Event[] {
  const since = unmeasuredSince(record, now);
  if (since === null) return [];
  const counts = isMeasured(record.sent)
    ? 'and what they send counts at the highest rate seen lately'
    : 'and what they send beyond what they bring counts as nothing';
  return [
    {
      kind: 'unmeasured',
      count: 1,
      subject: 'sends what can not be measured',
      detail:
        `has nodes of which Linode has not said since ${toIso(since)} what they send, ${counts}: its ` +
        "bill may pass its budget. See the transfer of its Linodes in Linode's console, and destroy " +
        "it if that is much. The log has the reason, at 'transfer not measured'.",
    },
  ];
}

function undeletable(record: LiveRecord): Event[] {
  const troubles = troublesOf(record);
  if (troubles.length === 0) return [];
  return [
    {
      kind: 'undeletable',
      count: troubles.length,
      subject: `can not get rid of ${troubles.length} node${troubles.length === 1 ? '' : 's'}`,
      detail:
        `can not get rid of ${troubleTexts(troubles).join('; ')}. Linode bills on, and Onebuck ` +
        "goes on trying. See what keeps the Linode in Linode's console, and delete it there.",
    },
  ];
}

function overBudget(record: LiveRecord, now: EpochMs): Event[] {
  if (record.overBudgetAt === undefined) return [];
  const over = formatUsd(overspentAt(record, now));
  const budget = formatUsd(record.budget);
  const texts = troubleTexts(troublesOf(record));
  const because = texts.length === 0 ? (record.trouble?.reason ?? null) : texts.join('; ');
  const why = because === null ? '' : ` Its nodes can not be deleted: ${because}.`;
  const detail = `is ${over} over its budget of ${budget}, and Linode bills on.${why}`;
  return [{ kind: 'overBudget', count: 1, subject: `is ${over} over its budget`, detail }];
}
