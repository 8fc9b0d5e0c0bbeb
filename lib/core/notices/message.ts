import { formatUsd, type MicroUsd, microUsd, toUsd } from '../base/money.ts';
import { between, minutes, toIso } from '../base/units.ts';
import { endReasons } from '../cluster/end-reasons.ts';
import { type JobEnd, nodesText } from '../cluster/record.ts';
import type { Digest } from './digest/digest.ts';
import { textsOfDigest } from './digest/message.ts';
import { type InvoiceNotice, textsOfInvoice } from './invoices.ts';
import { type EndNotice, keyOf, type LiveNotice, type Notice } from './notices.ts';
import { type RunNotice, textsOfRun } from './runs.ts';

export type Message = Notice | RunNotice | InvoiceNotice | Digest;

/** A notice as people and programs read it. */
export interface NoticeMessage {
  /** At most 100 ASCII characters on one line, as SNS wants the subject of a mail. */
  readonly subject: string;
  readonly text: string;
  readonly json: Readonly<Record<string, unknown>> & { readonly id: string; readonly text: string };
}

export function messageOf(notice: Message): NoticeMessage {
  if (notice.kind === 'digest') return textsOfDigest(notice);
  if (notice.kind === 'invoiceDiffers') return textsOfInvoice(notice);
  if ('scheduleId' in notice) return textsOfRun(notice);
  const { clusterId, nodes, type } = notice;
  const sentence = sentenceOf(notice);
  const text = `Cluster ${clusterId} (${nodes} × ${type}) ${sentence}`;
  const subject = `Onebuck ${notice.stage}: cluster ${clusterId} ${subjectOf(notice)}`;
  return { subject, text, json: { id: idOf(notice), text, ...jsonOf(notice) } };
}

/**
 * A notice that is delivered twice has the same id both times, so that a receiver can drop one. A
 * warning is sent again of a later teardown time, and then has another id.
 */
function idOf(notice: Notice): string {
  const id = `${notice.clusterId}/${keyOf(notice)}`;
  const { kind } = notice;
  const isWarning = kind === 'half' || kind === 'mostly' || kind === 'teardownSoon';
  return isWarning ? `${id}/${toIso(notice.teardownAt)}` : id;
}

function sentenceOf(notice: Notice): string {
  if ('detail' in notice) return notice.detail;
  return 'teardownAt' in notice ? liveText(notice) : endText(notice);
}

function subjectOf(notice: Notice): string {
  switch (notice.kind) {
    case 'launched':
      return 'is up';
    case 'half':
      return 'has spent half';
    case 'mostly':
      return `has spent ${percentSpent(notice)} %`;
    case 'teardownSoon':
      return `ends in ${minutesLeft(notice)} minutes`;
    case 'gone':
      return `is gone and cost ${formatUsd(notice.spent)}`;
    case 'failed':
      return `has failed and cost ${formatUsd(notice.spent)}`;
    case 'undeletable':
    case 'overBudget':
    case 'takenOver':
    case 'tagLost':
    case 'repriced':
    case 'transfer':
    case 'unmeasured':
      return notice.subject;
  }
}

function liveText(notice: LiveNotice): string {
  const bill = formatUsd(notice.bill);
  const limit = notice.limit === 'maxHours' ? 'its maxHours' : 'the budget';
  const why = notice.limit === 'done' ? ', as its job is over,' : '';
  const teardown =
    `Teardown at ${toIso(notice.teardownAt)}${why} unless you change ${limit}: ` +
    `PATCH /clusters/${notice.clusterId}`;
  switch (notice.kind) {
    case 'launched': {
      const { nodesUp, nodes, addresses } = notice;
      const up = `${nodesUp} of ${nodes} nodes with ${addresses} IPv4 addresses`;
      const cost = `it will have cost ${bill} of its budget of ${formatUsd(notice.budget)}`;
      return `is up: ${up}. ${teardown}. By then ${cost}.`;
    }
    case 'half':
      return `has spent half of ${bill}. ${teardown}.`;
    case 'mostly':
      return `has spent ${percentSpent(notice)} % of ${bill}. ${teardown}.`;
    case 'teardownSoon': {
      const left = `in ${minutesLeft(notice)} minutes`;
      return `ends ${left}. ${teardown}. ${formatUsd(notice.spent)} is spent.`;
    }
  }
}

function endText(notice: EndNotice): string {
  const cost = `${formatUsd(notice.spent)} of its budget of ${formatUsd(notice.budget)}`;
  const over =
    notice.overspent === 0 ? '' : ` That is ${formatUsd(notice.overspent)} over the budget.`;
  if (notice.kind === 'gone') {
    const taken = notice.takenOver;
    const left = taken.length === 0 ? '' : ` But ${nodesText(taken)}, taken over, lives on.`;
    const { job } = notice;
    const why = job === null ? endReasons[notice.endReason] : jobText(job);
    return `is gone: ${why}. It cost ${cost}.${over}${savedText(notice)}${left}`;
  }
  return `has failed and is gone: ${notice.failure ?? 'no node came up'}. It cost ${cost}.${over}`;
}

/** `its job failed with exit code 3 on node 2: out/ is missing` */
function jobText({ state, exitCode, node, reason }: JobEnd): string {
  const code = exitCode === null ? '' : ` with exit code ${exitCode}`;
  const where = node === null ? '' : ` on node ${node}`;
  const words = { done: 'is done', failed: 'failed', stopped: 'was stopped' };
  return `its job ${words[state]}${code}${where}${reason === null ? '' : `: ${reason}`}`;
}

/** What would have been billed until the teardown, beyond what was. */
const savedBy = ({ job, spent }: EndNotice): MicroUsd =>
  microUsd(job === null ? 0 : Math.max(0, job.billThen - spent));

function savedText(notice: EndNotice): string {
  const saved = savedBy(notice);
  return saved === 0 ? '' : ` Its end saved ${formatUsd(saved)}.`;
}

const percentSpent = ({ spent, bill }: LiveNotice): number => Math.floor((100 * spent) / bill);

const minutesLeft = ({ at, teardownAt }: LiveNotice): number =>
  Math.round(between(at, teardownAt) / minutes(1));

function jsonOf(notice: Notice) {
  const { kind, at, clusterId, owner, stage, name, nodes, type, spent, budget } = notice;
  return {
    kind,
    at: toIso(at),
    stage,
    clusterId,
    name,
    owner,
    nodes,
    type,
    budgetUsd: toUsd(budget),
    spentUsd: toUsd(spent),
    ...fieldsOf(notice),
  };
}

function fieldsOf(notice: Notice) {
  if ('detail' in notice) return { overspentUsd: toUsd(notice.overspent) };
  if ('teardownAt' in notice) {
    return {
      teardownAt: toIso(notice.teardownAt),
      limit: notice.limit,
      billUsd: toUsd(notice.bill),
      nodesUp: notice.nodesUp,
      addresses: notice.addresses,
    };
  }
  return {
    endReason: notice.endReason,
    failure: notice.failure,
    overspentUsd: toUsd(notice.overspent),
    ...(notice.job !== null && {
      jobState: notice.job.state,
      exitCode: notice.job.exitCode,
      savedUsd: toUsd(savedBy(notice)),
    }),
  };
}
