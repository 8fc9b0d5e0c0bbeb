import type { Call } from '../lib/adapters/linode/answer.ts';
import type { AgentClaim } from '../lib/app/agent-token.ts';
import {
  type ClusterId,
  clusterOfTags,
  ownershipTag,
  reapTimeOfTags,
} from '../lib/core/base/names.ts';
import { epochMs, toIso } from '../lib/core/base/units.ts';
import type { Ledger } from '../lib/core/caps/ledger.ts';
import { spentAt } from '../lib/core/cluster/bills.ts';
import { lifeOf } from '../lib/core/cluster/life.ts';
import { knownLabel } from '../lib/core/cluster/members.ts';
import {
  type ClusterRecord,
  type Deleting,
  type EndedRecord,
  isLive,
  type NodeRecord,
  type NoticeKey,
  troublesOf,
} from '../lib/core/cluster/record.ts';
import { keyOf, type Notice } from '../lib/core/notices/notices.ts';
import type { RunNotice } from '../lib/core/notices/runs.ts';
import { cidrOf, type Subnet } from '../lib/core/room/network.ts';
import type { AgentCall } from '../simulators/linode/agent-call.ts';
import type { Instance } from '../simulators/linode/instance.ts';
import {
  bytesBetween,
  bytesInMonth,
  countsSince,
  monthAt,
  monthNameAt,
  SLOWED_BYTES_PER_SECOND,
} from '../simulators/linode/sending.ts';
import { gbUsdIn } from '../simulators/linode/transfer.ts';
import {
  type Allowance,
  allowedBytes,
  areLimited,
  billIfAllSent,
  COUNTED,
  grantedTo,
  type Sender,
  slowedOf,
} from './allowances.ts';
import { createIn, type Watcher } from './linode.ts';
import type { Options } from './options.ts';
import { affordedHours, billUntil, Oracle, overageUntil, shownCreation } from './oracle.ts';
import { type Range, rangeOf, sharingIn } from './subnets.ts';
import { HOUR, MINUTE } from './time.ts';
import { capsPassed, type WindowCaps } from './windows.ts';

/**
 * The promises of docs/architecture.md that a simulated world can break, and ten more: a notice
 * is sent once (`noticedOnce`), its owner is warned of a teardown (`warned`), a launch that did not
 * come up in time says what kept each node from it (`reasonsSaid`), everything is in order some
 * time after the last fault (`recovered`), the recorded spend is the bill (`recordedSpend`), the
 * record of a cluster says that it is over its budget while it is (`saidSo`), no node ends long
 * before the teardown time (`earlyEnd`), deletions without effect are repeated at a bearable pace
 * (`pace`), no two clusters that may have a Linode share a subnet (`subnets`), a job ends once, and
 * its cluster with it in time and without another hour (`jobs`), and Linode's invoice is compared with
 * the records, each difference named (`invoices`).
 */
export type Promised =
  | 'budget'
  | 'caps'
  | 'intentFirst'
  | 'oneLinodePerNode'
  | 'strangers'
  | 'goneMeansGone'
  | 'sameRequest'
  | 'secrets'
  | 'failuresSeen'
  | 'noticedOnce'
  | 'warned'
  | 'reasonsSaid'
  | 'recovered'
  | 'recordedSpend'
  | 'saidSo'
  | 'earlyEnd'
  | 'agents'
  | 'jobs'
  | 'subnets'
  | 'invoices'
  | 'pace';

/** Whether Linode has raised its price; the record then counts the dearer of two readings. */
const isRaised = ({ raises = [] }: Instance): boolean => raises.length > 0;

export interface Violation {
  readonly promise: Promised;
  /** ISO time. */
  readonly at: string;
  readonly detail: string;
}

interface WatchedCluster {
  /** The last record that was saved. */
  record: ClusterRecord;
  /** Each budget that the cluster has had, in micro-dollars, and since when. */
  readonly budgets: { readonly from: number; readonly budget: number }[];
  /** Each `maxHours` that the cluster has had. */
  readonly maxHours: Set<number | null>;
  /** When the record first had the end of a node, by the Linode's id. */
  readonly endsSaved: Map<number, number>;
  /** The notices that have been sent: the kind, and for a warning the teardown time. */
  readonly noticed: Set<string>;
  /** When the last warning of a near teardown was sent; null: none was. */
  warnedAt: number | null;
  /** When the nodes were up, or the limits last changed after that; null: the nodes were not up. */
  limitsSince: number | null;
  /** How long the cluster ran within its last limits; null: it has not run to their end. */
  ranMs: number | null;
  /** Whether a person has changed the cluster's Linodes in Linode's console. */
  changedByHand: boolean;
  /** Whether Linode has not deleted one of the cluster's Linodes for a while. */
  stubborn: boolean;
  /** When somebody first resized or migrated one of the cluster's Linodes; null: nobody did. */
  resizedAt: number | null;
  /** Whether the bill has exceeded the budget. */
  overspent: boolean;
  /** When the bill exceeded the budget; null: it has not. */
  overspentAt: number | null;
  /** When the record first had the end of the job; null: it has not. */
  jobEndAt: number | null;
  /** When the cluster was to end at once because the job was over; null: it was not. */
  doneAt: number | null;
  /** What its nodes were last allowed to send, by their index. */
  readonly granted: Allowance[];
  /** Since when each node has said to count what it sends. */
  readonly countedSince: Set<number | undefined>[];
}

export interface Accounts {
  /** The clusters whose record has exactly the bill as its spend. */
  readonly exact: readonly ClusterId[];
  /** How many have a spend within the possible bills, as faults hid their ends. */
  readonly within: number;
}

export interface InvariantsOptions {
  readonly stage: string;
  readonly now: () => number;
  readonly instances: () => readonly Instance[];
  /** The Linode with this id, if the account ever had it. */
  readonly instance: (id: number) => Instance | undefined;
  /** The cap on the sum of open budgets, in micro-dollars; null: no cap. */
  readonly openBudgetMax: number | null;
  /** null: there are none, or the ledger is lost. */
  readonly windowCaps: WindowCaps | null;
  /** When the table was lost; null: it is not lost. */
  readonly lostAt: () => number | null;
  /** Since when the cluster's record is unreadable; null: it is readable. */
  readonly unreadableSince: (id: ClusterId) => number | null;
  /** Whether Linode refused all deletions before that instant for longer than the margin. */
  readonly isExcused: (at: number) => boolean;
  readonly clockErrorMsMax: number;
  /** The safety margin of each cluster. */
  readonly marginMs: number;
  /** Whether the killers work that end the clusters of jobs that are over. */
  readonly jobsEndInTime: boolean;
  /** Whether Linode's lists are always complete and up to date. */
  readonly listsAreTrue: boolean;
  /** Whether passes read prices about each hour: the reaper works, and Linode is never out long. */
  readonly pricesAreRead: boolean;
  /** Whether anything goes wrong in the world. */
  readonly hasFaults: () => boolean;
  /** Whether the table answers every call. */
  readonly recordsCanBeRead: boolean;
  readonly transfer: Options['transfer'];
  /** The longest time in which a node boots. */
  readonly bootMs: number;
}

/** The longest time between two looks at the nodes of a running cluster, and some. */
const RESIZE_SEEN_MS = 32 * MINUTE;
/** The longest time between two readings of prices, and some. */
const RISE_SEEN_MS = 65 * MINUTE;
/** How long after the nodes are up the first measure comes, and the longest time between two, and some. */
const FIRST_MEASURE_MS = 8 * MINUTE;
const MEASURE_MS = 9 * MINUTE;
/** The longest time between two measures of nodes that are trusted to keep to their limit, and some. */
const TRUSTED_MEASURE_MS = 34 * MINUTE;
/** How soon after a cluster has passed its budget its record must say so. */
const SAID_WITHIN_MS = 15 * MINUTE;
/** How long the tags may still have the old teardown time after a change of the budget. */
const TAGS_FOLLOW_MS = 30 * MINUTE;
/** The owner of a cluster that runs for so long within its limits is warned of its teardown. */
const WARNED_OF_MS = 25 * MINUTE;

/**
 * Watches a simulated world from outside: the calls that reach Linode, the records that are saved,
 * and the bill by the oracle. Keeps the first violation.
 */
export class Invariants implements Watcher {
  readonly #options: InvariantsOptions;
  readonly #oracle = new Oracle();
  readonly #clusters = new Map<ClusterId, WatchedCluster>();
  /** The cluster and the label of each Linode that the functions created, by the Linode's id. */
  readonly #creations = new Map<number, { readonly cluster: ClusterId; readonly label: string }>();
  /** The ids of the Linodes that the functions created for each cluster. */
  readonly #linodeIds = new Map<ClusterId, number[]>();
  /** The notices of runs that have been sent. */
  readonly #runsNoticed = new Set<string>();
  /** The ids of Linodes that a person created, or took the ownership tag off. */
  readonly #ofPeople = new Set<number>();
  /** When Linode raised the prices of Linodes that existed; null: it did not. */
  #raisedAt: number | null = null;
  violation: Violation | null = null;

  constructor(options: InvariantsOptions) {
    this.#options = options;
  }

  report(promise: Promised, detail: string): void {
    this.violation ??= { promise, at: toIso(epochMs(this.#options.now())), detail };
  }

  get records(): ClusterRecord[] {
    return [...this.#clusters.values()].map(({ record }) => record);
  }

  get ended(): EndedRecord[] {
    return this.records.flatMap((record) => (isLive(record) ? [] : [record]));
  }

  /** How many clusters have been billed more than their budgets. */
  overspentCount(): number {
    return [...this.#clusters.values()].filter((watched) => watched.overspent).length;
  }

  /** For a Linode that a person has created, or has taken the ownership tag off. */
  belongsToPeople(linodeId: number): void {
    this.#ofPeople.add(linodeId);
  }

  /** Linodes with a label that no record has, when they lose the ownership tag, too. */
  strangelyNamedBelongToPeople(): void {
    const labels = new Map(
      this.records.flatMap(({ nodes }) =>
        nodes.flatMap((node) => ('linodeId' in node ? [[node.linodeId, knownLabel(node)]] : [])),
      ),
    );
    for (const { id, label } of this.alive()) {
      if (labels.has(id) && labels.get(id) !== label) this.#ofPeople.add(id);
    }
  }

  noteChangeByHand(cluster: ClusterId): void {
    const watched = this.#clusters.get(cluster);
    if (watched !== undefined) watched.changedByHand = true;
  }

  /** From now on the bill may pass the budget before a pass looks; but the record must say so. */
  noteResize(cluster: ClusterId): void {
    const watched = this.#clusters.get(cluster);
    if (watched !== undefined) watched.resizedAt ??= this.#options.now();
  }

  /** What the node was granted before, its firewall lets through no more. */
  noteCounterLost(linodeId: number): void {
    for (const [id, { granted }] of this.#clusters) {
      const sender = this.#sendersOf(id).find(({ linode }) => linode.id === linodeId);
      if (sender !== undefined) delete granted[sender.index];
    }
  }

  /** Linode raises its prices: a cluster that ends before they are read may pass its budget. */
  noteRise(): void {
    this.#raisedAt = this.#options.now();
  }

  noteStubborn(cluster: ClusterId): void {
    const watched = this.#clusters.get(cluster);
    if (watched !== undefined) watched.stubborn = true;
  }

  /** Promises 3 and 5: intent first, and no stranger's Linode. */
  arrives(call: Call): void {
    const create = createIn(call);
    if (create !== null) this.#checkIntent(create.label, create.tags);
    if (call.method === 'DELETE' || call.method === 'PUT') this.#checkOwnership(call);
    if (call.method === 'DELETE') this.#checkInTime(call);
  }

  answered(call: Call): void {
    const create = createIn(call);
    if (create === null) return;
    const id = clusterOfTags(create.tags);
    const newest = this.#options.instances().at(-1);
    if (id === null || newest?.label !== create.label || this.#creations.has(newest.id)) return;
    if (this.#ofPeople.has(newest.id)) return;
    this.#creations.set(newest.id, { cluster: id, label: create.label });
    this.#linodeIds.set(id, [...(this.#linodeIds.get(id) ?? []), newest.id]);
    this.#checkNetworks();
    const alive = this.linodesOf(id).filter((instance) => instance.deleted === null);
    const twins = alive.filter(
      (instance) => this.#creations.get(instance.id)?.label === create.label,
    );
    if (twins.length > 1) {
      this.report('oneLinodePerNode', `${create.label} is ${twins.map((twin) => twin.id)}`);
    }
  }

  /** The subnets that the ledger has handed out, and those of the live records. */
  ledgerSaved({ open }: Ledger): void {
    if (this.#options.lostAt() !== null) return;
    const handedOut = [...open].flatMap(([id, { subnet }]) => rangesOf(id, subnet));
    this.#checkSubnets('the ledger', handedOut);
    const recorded = this.#recordedSubnets();
    this.#checkSubnets('ledger and records', [...handedOut, ...recorded]);
  }

  #recordedSubnets(): Range[] {
    return this.records.filter(isLive).flatMap(({ id, network }) => rangesOf(id, network?.subnet));
  }

  /** What Linodes got counts as long as they exist, whatever the records say of them. */
  #checkNetworks(): void {
    if (this.#options.lostAt() !== null) return;
    const assigned = this.alive().flatMap(({ id, interfaces }) => {
      const cluster = this.#creations.get(id)?.cluster;
      if (cluster === undefined) return [];
      return interfaces.flatMap((one) =>
        one.purpose === 'vlan' && one.address !== null ? rangeOf(cluster, one.address) : [],
      );
    });
    this.#checkSubnets('Linodes and records', [...assigned, ...this.#recordedSubnets()]);
  }

  #checkSubnets(where: string, ranges: readonly Range[]): void {
    const sharing = sharingIn(ranges);
    if (sharing !== null) {
      this.report('subnets', `${sharing.join(' and ')} share a subnet, by ${where}`);
    }
  }

  saved(record: ClusterRecord): void {
    const now = this.#options.now();
    const watched = this.#clusters.get(record.id) ?? this.#watch(record);
    const before = watched.record;
    watched.record = record;
    watched.maxHours.add(record.maxHours);
    if (watched.budgets.at(-1)?.budget !== record.budget) {
      watched.budgets.push({ from: now, budget: record.budget });
    }
    noteLimits(watched, before, record, now);
    if (record.phase === 'deleting' && before.phase !== 'deleting') {
      this.#checkHours(watched, record);
    }
    this.#noteJob(watched, before, record);
    for (const node of record.nodes) {
      const old = before.nodes[node.index];
      if (endOf(node) !== null && endOf(node) !== (old ? endOf(old) : null)) {
        if ('linodeId' in node) watched.endsSaved.set(node.linodeId, now);
      }
    }
    if (!isLive(record) && isLive(before)) {
      this.#checkGone(record);
      this.#checkPaidHour(watched, record);
      this.#checkTrust(watched, record);
    }
    if (record.phase === 'deleting' && before.phase === 'provisioning') this.#checkReasons(record);
  }

  /** What the record has once of the end of a job, it has for good. */
  #noteJob(watched: WatchedCluster, before: ClusterRecord, record: ClusterRecord): void {
    const { id, jobEnd, jobStopAt } = record;
    const now = this.#options.now();
    if (before.jobEnd !== undefined && JSON.stringify(before.jobEnd) !== JSON.stringify(jobEnd)) {
      this.report('jobs', `the job of ${id} ended twice: ${JSON.stringify(jobEnd)}`);
    }
    if (jobEnd !== undefined) watched.jobEndAt ??= now;
    const { onDone, onFailure } = record.spec.job ?? {};
    const then = jobEnd?.state === 'failed' ? onFailure : onDone;
    if (jobEnd !== undefined && then === 'destroy') watched.doneAt ??= now;
    const isDone = 'endReason' in record && record.endReason === 'done';
    if (!isDone) return;
    watched.doneAt ??= now;
    if (jobEnd === undefined && jobStopAt === undefined) {
      this.report('jobs', `${id} ends as done, and its job goes on`);
    }
  }

  /**
   * Onebuck has answered each node of the job that told its end: the record has the end, unless it
   * can't be read.
   */
  jobTold(id: ClusterId): void {
    const { lostAt, unreadableSince } = this.#options;
    const record = this.#clusters.get(id)?.record;
    if (record === undefined || lostAt() !== null || unreadableSince(id) !== null) return;
    if (record.jobEnd !== undefined || !isLive(record) || record.phase === 'deleting') return;
    this.report('jobs', `every node of ${id} has told the end of its job, and it goes on`);
  }

  /**
   * A cluster whose job is over is gone within two minutes, and the time for which faults may keep
   * Onebuck from its work.
   */
  #checkDone(id: ClusterId, { doneAt, stubborn, changedByHand }: WatchedCluster): void {
    const { now, lostAt, unreadableSince, isExcused, marginMs, jobsEndInTime } = this.#options;
    const { hasFaults } = this.#options;
    if (doneAt === null || !jobsEndInTime || lostAt() !== null) return;
    if (stubborn || changedByHand || unreadableSince(id) !== null || isExcused(now())) return;
    const by = doneAt + 2 * MINUTE + (hasFaults() ? marginMs : 0);
    const left = this.linodesOf(id).find(({ deleted }) => deleted === null);
    if (now() > by && left !== undefined) {
      this.report(
        'jobs',
        `${left.label} is there, and its job is over since ${toIso(epochMs(doneAt))}`,
      );
    }
  }

  /** What is kept after a failed job, is kept in hours that are paid anyway. */
  #checkPaidHour(watched: WatchedCluster, record: EndedRecord): void {
    const { jobEndAt, changedByHand, stubborn, resizedAt, limitsSince, doneAt } = watched;
    const { lostAt, unreadableSince, isExcused, marginMs, clockErrorMsMax, now } = this.#options;
    const isKept =
      record.jobEnd?.state === 'failed' && record.spec.job?.onFailure === 'keepPaidHour';
    if (!isKept || jobEndAt === null || doneAt === null || !this.#options.jobsEndInTime) return;
    const isOdd = changedByHand || stubborn || resizedAt !== null || this.#isRaised(record.id);
    const isChanged = (limitsSince ?? 0) > jobEndAt;
    if (isOdd || isChanged || lostAt() !== null || unreadableSince(record.id) !== null) return;
    if (isExcused(now())) return;
    const linodes = this.linodesOf(record.id);
    const then = jobEndAt + marginMs + 2 * clockErrorMsMax;
    const paid = bill(linodes, (linode) => Math.min(ended(linode), then));
    const billed = bill(linodes, ended);
    if (billed <= paid) return;
    this.report('jobs', `${record.id} is billed ${billed}, and was ${paid} at the end of its job`);
  }

  /**
   * Each kind of notice is sent once for a cluster at most, a warning once for each teardown time,
   * and after the record has the kind.
   */
  noticeArrives(notice: Notice): void {
    const { clusterId, kind } = notice;
    const key = keyOf(notice);
    const watched = this.#clusters.get(clusterId);
    if (watched === undefined) return;
    const isWarning = kind === 'half' || kind === 'mostly' || kind === 'teardownSoon';
    const sent = isWarning ? `${kind} of ${toIso(notice.teardownAt)}` : key;
    if (watched.noticed.has(sent)) {
      this.report('noticedOnce', `the notice ${sent} of ${clusterId} is sent again`);
    }
    // A later notice about more nodes takes the place of an earlier one.
    const isNoted = (noted: NoticeKey) => noted.split('/')[0] === kind;
    // A later teardown time, as of a node that is gone, may bring the warning back meanwhile.
    const isWarned =
      isWarning && (watched.record.warnedOf?.[kind] ?? 0) >= Number(notice.teardownAt);
    if (!isWarned && !watched.record.notified?.some(isNoted)) {
      this.report('noticedOnce', `the notice ${kind} of ${clusterId} is not in the record`);
    }
    watched.noticed.add(sent);
    if (kind === 'teardownSoon') watched.warnedAt = this.#options.now();
  }

  /** A run of a schedule has one notice of each kind at most. */
  runNoticeArrives({ scheduleId, kind, occurrence }: RunNotice): void {
    const sent = `${kind} of ${scheduleId} at ${toIso(occurrence)}`;
    if (this.#runsNoticed.has(sent)) {
      this.report('noticedOnce', `the notice ${sent} is sent again`);
    }
    this.#runsNoticed.add(sent);
  }

  /** Without faults, each ended cluster has its last notice. */
  checkEndsNoticed(): void {
    for (const { record, noticed } of this.#clusters.values()) {
      if (isLive(record) || noticed.has('gone') || noticed.has('failed')) continue;
      this.report('noticedOnce', `${record.id} is ${record.phase}, and has no notice of its end`);
    }
  }

  /**
   * Without faults, the owner of a cluster that its limits end is warned of the near teardown, unless
   * the nodes began to send so much that it was due at once, or was told that nodes are slowed: what
   * they may send slowly by the next measure may be more than is left.
   */
  checkTeardownsWarned(): void {
    if (!['none', 'steady'].includes(this.#options.transfer)) return;
    for (const { record, warnedAt, limitsSince, ranMs, noticed } of this.#clusters.values()) {
      if (ranMs === null || ranMs < WARNED_OF_MS || limitsSince === null) continue;
      if (warnedAt !== null && warnedAt > limitsSince) continue;
      if ([...noticed].some((notice) => notice.startsWith('transfer'))) continue;
      const limits = `the limits that it has since ${toIso(epochMs(limitsSince))}`;
      this.report('warned', `${record.id} is ended by ${limits}, and nobody was warned`);
    }
  }

  /** Promises 1 and 2, at any time: the budgets, and the cap on open budgets. */
  tick(): void {
    const { now, instances, openBudgetMax } = this.#options;
    this.#oracle.advance(instances(), now());
    for (const [id, watched] of this.#clusters) {
      this.#checkBudget(id, watched);
      this.#checkDone(id, watched);
    }
    this.#checkNetworks();
    this.#checkWindowCaps();
    if (openBudgetMax === null) return;
    const open = this.records.filter(isLive).reduce((total, { budget }) => total + budget, 0);
    if (open > openBudgetMax) this.report('caps', `${open} of ${openBudgetMax} are open`);
  }

  /** Caps of a day or a week, as far as what was launched passes them. */
  #checkWindowCaps(): void {
    const { now, windowCaps, clockErrorMsMax } = this.#options;
    if (windowCaps === null) return;
    for (const passed of capsPassed(this.records, windowCaps, epochMs(now()), clockErrorMsMax)) {
      this.report('caps', passed);
    }
  }

  /**
   * The Linodes that exist and have this deployment's ownership tag, or were created by it and lost
   * the tag by accident.
   */
  alive(): Instance[] {
    const tag = ownershipTag(this.#options.stage);
    const isOurs = ({ id, tags }: Instance) =>
      tags.includes(tag) || (this.#creations.has(id) && !this.#ofPeople.has(id));
    return this.#options
      .instances()
      .filter((instance) => instance.deleted === null && isOurs(instance));
  }

  /**
   * The recorded spend of each ended cluster is its bill. Faults may hide from Onebuck when a node
   * ended; the recorded spend must then lie within the bills of all possible ends. `exact`: the
   * clusters for which all these bills are equal; `within`: the other clusters.
   */
  checkAccounts(): Accounts {
    const exact: ClusterId[] = [];
    let within = 0;
    for (const [id, watched] of this.#clusters) {
      const { record } = watched;
      if (isLive(record) || watched.changedByHand || watched.resizedAt !== null) continue;
      const linodes = [...this.linodesOf(id), ...this.#adoptedCopiesIn(record)];
      if (linodes.some(isRaised)) continue;
      const error = 2 * this.#options.clockErrorMsMax + 2_000;
      const earlier = linodes.map((instance) => ({
        ...instance,
        created: instance.created - error,
      }));
      const late = (linode: Instance) =>
        (watched.endsSaved.get(linode.id) ?? ended(linode)) + error;
      const truth = bill(linodes, ended);
      const shortest = bill(linodes, (instance) => ended(instance) - error);
      // A life that begins earlier may be cheaper, as it may have no hour across a month's end.
      const possible = [shortest, truth, bill(linodes, late), bill(earlier, late)];
      const sent = this.#sentRange(id, linodes, late);
      const least = Math.min(...possible) + sent.least;
      const most = Math.max(...possible) + sent.most;
      const spent = record.spent;
      if (
        spent < least ||
        spent > most ||
        record.overspent !== Math.max(0, spent - record.budget)
      ) {
        const range = least === most ? `${truth}` : `${least} to ${most}`;
        this.report('recordedSpend', `${id} recorded ${spent} where the bill was ${range}`);
      }
      if (least === most) exact.push(id);
      else within += 1;
    }
    return { exact, within };
  }

  /** The least and the most that a cluster may record for its transfer, in micro-dollars. */
  #sentRange(id: ClusterId, linodes: readonly Instance[], late: (linode: Instance) => number) {
    const { hasFaults, transfer } = this.#options;
    if (transfer === 'none') return { least: 0, most: 0 };
    const truth = overageUntil(linodes, ended);
    // After the last measure, the nodes count as if they sent at the highest rate seen.
    const isUnsure = hasFaults() || transfer !== 'steady';
    const span = isUnsure ? 2 * measureMs(linodes) : MINUTE;
    const unsure = Math.min(transferOfAll(linodes, span), this.#allowedCost(id, linodes, span));
    const most = Math.max(overageUntil(linodes, late), truth) + unsure;
    return { least: isUnsure ? Math.max(0, truth - unsure) : truth, most };
  }

  /**
   * What the Linodes of the cluster cost in that time if each sends all that it may, and goes on slowly.
   * No bound without limits, nor where a month's end is in its life, as grants of two months count then.
   */
  #allowedCost(id: ClusterId, linodes: readonly Instance[], ms: number): number {
    const granted = this.#clusters.get(id)?.granted ?? [];
    const months = linodes.flatMap(({ created, deleted }) =>
      [created, deleted ?? created].map(monthNameAt),
    );
    if (!areLimited(linodes) || haveLostCounters(linodes)) return Number.POSITIVE_INFINITY;
    if (new Set(months).size > 1) return Number.POSITIVE_INFINITY;
    const senders = this.#sendersOf(id);
    if (senders.length < linodes.length) return Number.POSITIVE_INFINITY;
    return costOf(linodes, allowedBytes(senders, granted, ms));
  }

  /** The sum of all overspends by the bill, in micro-dollars. */
  overspentTotal(): number {
    return [...this.#clusters].reduce((total, [id, { record }]) => {
      const linodes = this.linodesOf(id);
      const billed = bill(linodes, ended) + overageUntil(linodes, ended);
      return total + Math.max(0, billed - record.budget);
    }, 0);
  }

  /** The Linodes that the functions created for the cluster, without those that people took. */
  linodesOf(id: ClusterId): Instance[] {
    const ids = this.#linodeIds.get(id) ?? [];
    return ids
      .filter((linodeId) => !this.#ofPeople.has(linodeId))
      .flatMap((linodeId) => this.#options.instance(linodeId) ?? []);
  }

  /**
   * The copies that a person made of a node, and that Onebuck adopted: a copy has the node's tags,
   * so Onebuck takes it for the Linode of a create without an answer.
   */
  #adoptedCopiesIn({ nodes }: ClusterRecord): Instance[] {
    const ids = new Set(nodes.flatMap((node) => ('linodeId' in node ? node.linodeId : [])));
    return this.#options.instances().filter(({ id }) => this.#ofPeople.has(id) && ids.has(id));
  }

  #watch(record: ClusterRecord): WatchedCluster {
    const watched = {
      record,
      budgets: [],
      maxHours: new Set<number | null>(),
      endsSaved: new Map(),
      noticed: new Set<string>(),
      warnedAt: null,
      limitsSince: null,
      ranMs: null,
      changedByHand: false,
      stubborn: false,
      resizedAt: null,
      overspent: false,
      overspentAt: null,
      jobEndAt: null,
      doneAt: null,
      granted: [] as Allowance[],
      countedSince: [] as Set<number | undefined>[],
    };
    this.#clusters.set(record.id, watched);
    return watched;
  }

  #checkIntent(label: string, tags: readonly string[]): void {
    const id = clusterOfTags(tags);
    const record = id === null ? undefined : this.#clusters.get(id)?.record;
    const node = record?.nodes.find((candidate) => candidate.label === label);
    if (node === undefined || node.state === 'planned') {
      this.report('intentFirst', `${label} is created, and its record says ${node?.state}`);
    }
    const isMarked =
      tags.includes(ownershipTag(this.#options.stage)) && reapTimeOfTags(tags) !== null;
    if (!isMarked) this.report('intentFirst', `${label} is created with ${tags}`);
  }

  /** Promise 5: no call changes or deletes a Linode that never had the ownership tag. */
  #checkOwnership({ method, path }: Call): void {
    const id = Number(/^\/linode\/instances\/(\d+)$/.exec(path)?.[1]);
    const linode = this.#options.instance(id);
    if (linode === undefined) return;
    const tag = ownershipTag(this.#options.stage);
    if (linode.tags.includes(tag) || linode.tagsAtCreation.includes(tag)) return;
    this.report('strangers', `${method} of ${linode.label}, which has the tags ${linode.tags}`);
  }

  #checkReasons({ id, failure }: Deleting): void {
    if (failure?.endsWith('time to come up ended')) {
      this.report('reasonsSaid', `${id} has failed, as ${failure}`);
    }
  }

  /** No node of a running cluster is destroyed long before its teardown time. */
  #checkInTime({ path }: Call): void {
    if (this.#options.lostAt() !== null || !this.#options.recordsCanBeRead) return;
    const id = Number(/^\/linode\/instances\/(\d+)$/.exec(path)?.[1]);
    const cluster = this.#creations.get(id)?.cluster;
    const record = cluster === undefined ? undefined : this.#clusters.get(cluster)?.record;
    if (record?.phase !== 'running') return;
    // Without the record, the sweeper goes by the tags, which may be as of an earlier budget.
    if (this.#options.unreadableSince(record.id) !== null) return;
    const node = record.nodes.find((one) => 'linodeId' in one && one.linodeId === id);
    const now = epochMs(this.#options.now());
    if (node?.state !== 'created' || lifeOf(record, now).teardownAt < now + MINUTE) return;
    this.report('earlyEnd', `${node.label} is deleted, and its cluster runs`);
  }

  /** Promise 6: when the record ends, none of the Linodes that the functions created exists. */
  #checkGone(record: ClusterRecord): void {
    const { now, listsAreTrue } = this.#options;
    const left = this.linodesOf(record.id).filter(({ deleted }) => deleted === null);
    if (left.length > 0) {
      this.report('goneMeansGone', `${record.id} is ${record.phase}; ${left[0]?.label} exists`);
    }
    const shown = this.linodesOf(record.id).find(({ goneAt }) => (goneAt ?? 0) > now());
    if (listsAreTrue && shown !== undefined) {
      this.report('goneMeansGone', `${record.id} is ${record.phase}; ${shown.label} is shown`);
    }
  }

  #checkBudget(id: ClusterId, watched: WatchedCluster): void {
    const linodes = this.linodesOf(id);
    const hours = this.#oracle.billOf(linodes.map((instance) => instance.id));
    const now = this.#options.now();
    const total = hours + overageUntil(linodes, ({ deleted }) => deleted ?? now);
    const budget = this.#budgetOf(id, watched);
    if (total <= budget) return;
    this.#checkSaid(id, watched, total);
    if (watched.overspent) return;
    watched.overspent = true;
    watched.overspentAt = this.#options.now();
    if (watched.stubborn || watched.resizedAt !== null) return;
    if (this.#options.isExcused(this.#options.now())) return;
    if (this.#isRaised(id) && !this.#countsRise(id, this.#options.now())) return;
    const unseen = areLimited(linodes)
      ? slicesUnasked(linodes) + this.#slowlyUnseen(linodes)
      : this.#unseenTransfer(linodes);
    if (total <= budget + unseen) return;
    this.report('budget', `${id} is billed ${total} and has ${budget}`);
  }

  /**
   * Hours come first: whatever its nodes send, a limited cluster is not ended long before the last
   * whole hour that its budget affords all of its nodes, beside what slowed nodes send.
   */
  #checkHours({ budgets, maxHours: allMaxHours }: WatchedCluster, record: Deleting): void {
    const { id, budget, maxHours, endReason, endBy } = record;
    const { hasFaults, marginMs, now, transfer } = this.#options;
    const linodes = this.linodesOf(id);
    if (transfer === 'none' || endReason !== 'budget' || linodes.length === 0) return;
    if (hasFaults() || !areLimited(linodes) || endBy !== undefined) return;
    if (haveLostCounters(linodes)) return;
    // What was granted before may be sent after the budget is lowered, or hours are added for which
    // it has left too little, as the answer to that change says.
    if (budgets.some((one) => one.budget > budget) || allMaxHours.size > 1) return;
    const slowed = linodes.map((linode) => slowedOf({ ...linode, deleted: null }, now() + HOUR));
    const hours = affordedHours(slowed, { budget, maxHours });
    const created = Math.min(...linodes.map(shownCreation));
    // What was granted before the budget was raised knew nothing of the hours in another month.
    if (budgets.length > 1 && monthNameAt(created) !== monthNameAt(now() + HOUR)) return;
    const by = created + hours * HOUR - marginMs - 2 * MINUTE;
    if (now() >= by) return;
    this.report('earlyEnd', `${id} is ended, and its budget affords ${hours} hours of its nodes`);
  }

  /**
   * Onebuck has let a node send so much: the bill of its cluster stays within the budget until the
   * teardown time if all nodes send what they may at once.
   */
  allowed({ clusterId: id, rank, call }: AgentClaim & { call: AgentCall }, allowance: Allowance) {
    const watched = this.#clusters.get(id);
    const senders = this.#sendersOf(id);
    if (watched === undefined) return;
    watched.countedSince[rank] ??= new Set();
    watched.countedSince[rank].add(call.countedSince);
    const linode = senders.find(({ index }) => index === rank)?.linode;
    // The counter that it was granted to is lost.
    if (linode?.limit?.lostAt !== undefined && countsSince(linode) !== call.countedSince) return;
    const before = watched.granted[rank];
    const isMore = before?.month !== allowance.month || before.bytes < allowance.bytes;
    if (isMore) watched.granted[rank] = allowance;
    if (!areLimited(senders.map(({ linode }) => linode))) return;
    const now = this.#options.now();
    if (watched.stubborn || watched.resizedAt !== null) return;
    const slice = linode?.limit?.slice ?? 0;
    // An outage may end a cluster late, but nothing is granted then that its budget does not pay.
    if (this.#options.isExcused(now) && !(isMore && allowance.bytes > slice)) return;
    if (this.#isRaised(id) && !this.#countsRise(id, now)) return;
    const { record } = watched;
    if (!isLive(record) || record.phase === 'deleting') return;
    const budget = this.#budgetOf(id, watched);
    const teardownAt = lifeOf(record, epochMs(now)).teardownAt;
    const billAt = billIfAllSent(senders, watched.granted, now);
    for (const at of [now + 1, Math.max(now + 1, teardownAt)]) {
      const billed = billAt(at);
      const linodes = senders.map((sender) => sender.linode);
      if (billed <= budget + slicesUnasked(linodes) + this.#slowlyUnseen(linodes)) continue;
      const when = toIso(epochMs(at));
      this.report('budget', `${id} may send what costs ${billed} by ${when}, and has ${budget}`);
    }
  }

  /** The record says that a node does not keep to its limit, if two measures show that. */
  #checkTrust({ granted, countedSince }: WatchedCluster, { id, limited, sent }: EndedRecord): void {
    const { recordsCanBeRead, transfer, now } = this.#options;
    const linodes = this.linodesOf(id);
    if (transfer === 'none' || !recordsCanBeRead) return;
    if (limited !== true || areLimited(linodes)) return;
    const at = now() - 3 * TRUSTED_MEASURE_MS;
    const month = monthNameAt(at);
    const isNew = linodes.some(({ created, deleted }) => created > at || (deleted ?? at) < at);
    if (isNew || month !== monthNameAt(now()) || this.#options.isExcused(now())) return;
    const start = monthAt(at).start;
    const beyond = this.#sendersOf(id).find(({ index, linode }) => {
      const slowed = SLOWED_BYTES_PER_SECOND * ((at - Math.max(start, linode.created)) / 1_000);
      const allowance = Math.max(grantedTo(granted, index, at), linode.limit?.slice ?? 0);
      // Of a node that is or claims to be rebuilt, Onebuck takes it that all was sent before.
      const isRebuilt = linode.limit?.lostAt !== undefined || (countedSince[index]?.size ?? 0) > 1;
      return !isRebuilt && bytesInMonth(linode, at) > 1.5 * allowance + slowed + 2e9;
    });
    if (beyond === undefined || sent?.unlimited === true) return;
    const node = `node ${beyond.index} of ${id}`;
    this.report('saidSo', `${node} keeps to no limit, and the record does not say so`);
  }

  #sendersOf(id: ClusterId): Sender[] {
    return this.linodesOf(id).map((linode) => {
      const label = this.#creations.get(linode.id)?.label ?? '';
      return { index: Number(/\d+$/.exec(label)?.[0] ?? 0), linode };
    });
  }

  /**
   * What Linodes without a limit may send before a measure shows that they send more: until the first
   * one, or where they begin to send later, until the next one. Nothing keeps a budget from that.
   */
  #unseenTransfer(linodes: readonly Instance[]): number {
    const { hasFaults, transfer, bootMs } = this.#options;
    const next = measureMs(linodes);
    const unseen = (transfer === 'steady' ? bootMs + FIRST_MEASURE_MS : next) + MINUTE;
    return transferOfAll(linodes, hasFaults() ? unseen + next : unseen);
  }

  /**
   * What nodes send slowly without the reaper, which starts the passes that measure it: more than
   * they bring only before their first hour is over.
   */
  #slowlyUnseen(linodes: readonly Instance[]): number {
    if (this.#options.pricesAreRead) return 0;
    const slow = SLOWED_BYTES_PER_SECOND * 3_600 * COUNTED * linodes.length;
    return startedGbCost(linodes, freeBytes(linodes) + slow);
  }

  /** Some time after a cluster has passed its budget, its record says so, as long as it lives. */
  #checkSaid(id: ClusterId, watched: WatchedCluster, total: number) {
    const { record, overspentAt, stubborn, resizedAt } = watched;
    // Whoever deletes a Linode by hand may hide what it was.
    const isSeen = resizedAt !== null && !watched.changedByHand && !isLive(record);
    const lastLook = isSeen ? record.endedAt - RESIZE_SEEN_MS : 0;
    const isRiseSeen =
      this.#isRaised(id) && !isLive(record) && this.#countsRise(id, record.endedAt);
    if (isRiseSeen && !watched.changedByHand && record.spent < total) {
      this.report('saidSo', `${id} costs more, is billed ${total}, and says ${record.spent}`);
    }
    const isLate = this.linodesOf(id).every(({ past = [] }) =>
      past.every(({ until }) => until < lastLook),
    );
    if (isSeen && isLate && record.spent < total) {
      this.report('saidSo', `${id} is resized and billed ${total}, and says ${record.spent}`);
    }
    const now = epochMs(this.#options.now());
    const isAlive = this.linodesOf(id).some(({ deleted }) => deleted === null);
    if (!stubborn || !isAlive || overspentAt === null) return;
    // What a resize or a rise costs shows at the next look.
    const seenAt = Math.max(
      overspentAt,
      resizedAt === null ? 0 : resizedAt + RESIZE_SEEN_MS,
      this.#isRaised(id) ? (this.#raisedAt ?? 0) + RISE_SEEN_MS : 0,
    );
    // Until some time after a long outage, no answer tells the reason.
    if (now < seenAt + SAID_WITHIN_MS || this.#options.isExcused(now)) return;
    const spent = spentAt(record, now);
    const isNoted = isLive(record) && record.overBudgetAt !== undefined;
    // In an outage, Linode answers no deletion, so that only the cluster has a trouble.
    const isReasonSaid = troublesOf(record).length > 0 || (isLive(record) && record.trouble);
    if (spent > record.budget && isNoted && isReasonSaid) return;
    this.report('saidSo', `${id} is billed ${total} of ${record.budget}, and says ${spent}`);
  }

  /** Whether Linode has raised the price of one of the cluster's Linodes. */
  #isRaised = (id: ClusterId): boolean => this.linodesOf(id).some(isRaised);

  /** Whether the cluster had to keep its budget at the higher price at that instant. */
  #countsRise(id: ClusterId, at: number): boolean {
    const { lostAt, unreadableSince, pricesAreRead } = this.#options;
    // The tags, by which the sweeper goes without a record or a pass, are as of the lower price.
    const isRead = pricesAreRead && lostAt() === null && unreadableSince(id) === null;
    return isRead && this.#raisedAt !== null && at > this.#raisedAt + RISE_SEEN_MS;
  }

  /**
   * The budget that the bill must keep. With the table lost, or the record unreadable, the sweeper
   * goes by the nodes' tags, which may be as of an earlier budget: then the largest budget of the
   * last `TAGS_FOLLOW_MS`.
   */
  #budgetOf(id: ClusterId, { budgets }: WatchedCluster): number {
    const lostAt = this.#options.lostAt() ?? this.#options.unreadableSince(id);
    if (lostAt === null) return budgets.at(-1)?.budget ?? 0;
    const possible = budgets.filter((_, index) => {
      const until = budgets[index + 1]?.from ?? Number.POSITIVE_INFINITY;
      return until > lostAt - TAGS_FOLLOW_MS;
    });
    return Math.max(0, ...possible.map(({ budget }) => budget));
  }
}

function noteLimits(
  watched: WatchedCluster,
  before: ClusterRecord,
  record: ClusterRecord,
  now: number,
): void {
  const isChanged = record.budget !== before.budget || record.maxHours !== before.maxHours;
  if (record.phase === 'running' && (before.phase !== 'running' || isChanged)) {
    watched.limitsSince = now;
  }
  if (record.phase !== 'deleting' || before.phase === 'deleting') return;
  const isByLimit = record.endReason === 'budget' || record.endReason === 'maxHours';
  if (isByLimit && watched.limitsSince !== null) watched.ranMs = now - watched.limitsSince;
}

const endOf = (node: NodeRecord): number | null =>
  'billedUntil' in node ? node.billedUntil : null;

/**
 * What the Linodes cost in that time if each sent at the highest rate of all, as those count that
 * could not be measured.
 */
function transferOfAll(linodes: readonly Instance[], ms: number): number {
  const rates = linodes.flatMap(({ sends = [] }) =>
    sends.map(({ bytesPerSecond }) => bytesPerSecond),
  );
  return costOf(linodes, (Math.max(0, ...rates) * linodes.length * ms) / 1_000);
}

/** What so many bytes cost where they cost most, with a started GB for each of two months. */
function costOf(linodes: readonly Instance[], bytes: number): number {
  return bytes === 0 ? 0 : startedGbCost(linodes, bytes + 2e9);
}

function startedGbCost(linodes: readonly Instance[], bytes: number): number {
  const dearest = Math.max(0, ...linodes.map(({ region }) => gbUsdIn(region)));
  return Math.round(Math.ceil(bytes / 1e9) * dearest * 1e6);
}

const haveLostCounters = (linodes: readonly Instance[]): boolean =>
  linodes.some(({ limit }) => limit?.lostAt !== undefined);

/**
 * What it costs that nodes let their slices through once more for each lost counter, without asking:
 * with what their cluster may send without a cost, all of which counts as soon as it sends more.
 */
function slicesUnasked(linodes: readonly Instance[]): number {
  const unasked = linodes.flatMap((linode) => {
    const { slice = 0, lostAt = [] } = linode.limit ?? {};
    const sentBefore = (from: number, to: number | undefined) =>
      to === undefined ? Number.POSITIVE_INFINITY : bytesBetween(linode, from, to);
    return lostAt.map((from, index) =>
      Math.min(slice * COUNTED, sentBefore(from, lostAt[index + 1])),
    );
  });
  if (unasked.length === 0) return 0;
  return startedGbCost(
    linodes,
    unasked.reduce((total, each) => total + each, freeBytes(linodes)),
  );
}

/** What a cluster may send without a cost at most; all of it counts as soon as it sends more. */
const freeBytes = (linodes: readonly Instance[]): number => Math.max(1e9, linodes.length * 1e8);

const measureMs = (linodes: readonly Instance[]): number =>
  linodes.some(({ limit }) => limit !== undefined) ? TRUSTED_MEASURE_MS : MEASURE_MS;

const ended = (instance: Instance): number => instance.deleted ?? Number.NaN;

const rangesOf = (id: ClusterId, subnet: Subnet | undefined): Range[] =>
  subnet === undefined ? [] : [rangeOf(id, cidrOf(subnet))];

const bill = (linodes: readonly Instance[], end: (instance: Instance) => number): number =>
  linodes.reduce((total, instance) => total + billUntil(instance, end(instance)), 0);
