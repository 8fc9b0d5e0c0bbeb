import { csvLines } from '../../base/csv.ts';
import { formatUsd, type MicroUsd, toUsd } from '../../base/money.ts';
import { plural } from '../../base/plural.ts';
import { durationMs, minus, toIso } from '../../base/units.ts';
import type { MonthTotals } from '../../cluster/month-totals.ts';
import type { CapUse, Digest, NextRun, OwnerShare } from './digest.ts';
import { fairShare } from './fair-share.ts';
import { capMonthOf, type Period } from './period.ts';

const REASONS_SHOWN_MAX = 10;
const OWNERS_SHOWN_MAX = 20;
/**
 * SNS takes 262,144 bytes: the JSON, as a text within JSON, and the text for mail; the text for phones
 * and the attributes have the rest.
 */
const BYTES_MAX = 250_000;

/**
 * A digest as people and programs read it. The text has at most about 6,000 characters; the lists of
 * owners and clusters in the JSON are as long as SNS takes.
 */
export function textsOfDigest(digest: Digest) {
  const bare = formsOf(digest, { owners: [], lines: [] });
  const room = BYTES_MAX - bytesOf({ ...bare, json: JSON.stringify(bare.json) });
  // The owners get half of the room at most, the clusters what is left.
  const owners = fairShare(digest.byOwner ?? [], room / 2, (one) => sizeOf(ownerJson(one))).kept;
  const used = owners.reduce((total, one) => total + sizeOf(ownerJson(one)), 0);
  const rows = linesOfRows(digest);
  const lines = fairShare(rows, room - used, ({ line }) => sizeOf(line)).kept;
  return formsOf(digest, { owners, lines });
}

/** What the JSON has of the lists of a digest. */
interface Lists {
  readonly owners: readonly OwnerShare[];
  readonly lines: readonly { readonly line: string }[];
}

function formsOf(digest: Digest, lists: Lists) {
  const { owner, stage, period, byOwner, rows, tally } = digest;
  const whose = byOwner === null ? owner : 'all owners';
  const csvLeftOut = tally.rowsLeftOut + rows.length - lists.lines.length;
  const text = linesOf(digest, { whose, csvLeftOut }).join('\n');
  return {
    subject: `Onebuck ${stage}: ${period.name} of ${whose}`,
    text,
    // A digest that is delivered twice has the same id both times.
    json: { id: `digest/${keyOfDigest(digest)}`, text, ...jsonOf(digest, lists), csvLeftOut },
  };
}

/** The bytes in UTF-8 of a value as JSON. */
const bytesOf = (value: unknown): number => new TextEncoder().encode(JSON.stringify(value)).length;

/** The bytes that a part of the JSON takes in a message to SNS, in which the JSON is a text. */
const sizeOf = (part: unknown): number => bytesOf(JSON.stringify(part));

/** The period, and for whom the digest of it is. */
export const keyOfDigest = ({ period, owner, byOwner }: Digest): string =>
  `${period.name}/${byOwner === null ? `owner/${owner}` : 'all'}`;

/** The lines of the CSV have the names of the fields of `GET /report`. */
const COLUMNS = [
  ...['date', 'owner', 'id', 'name', 'type', 'region', 'nodes', 'nodeHours'],
  ...['hourlyUsd', 'billedUsd'],
] as const;

const CSV_HEAD = csvLines(COLUMNS, [])
  .map((line) => `${line}\r\n`)
  .join('');

function linesOfRows({ rows }: Digest) {
  const cells = rows.map((row) => [
    ...[row.date, row.owner, row.id, row.name, row.type, row.region, row.nodes, row.nodeHours],
    ...[toUsd(row.hourly), toUsd(row.billed)],
  ]);
  const [, ...lines] = csvLines(COLUMNS, cells);
  return rows.map(({ owner }, index) => ({ owner, line: `${lines[index]}\r\n` }));
}

interface Around {
  /** Whom the digest is for, in words. */
  readonly whose: string;
  /** How many clusters the CSV lacks. */
  readonly csvLeftOut: number;
}

function linesOf(digest: Digest, { whose, csvLeftOut }: Around): string[] {
  const { tally, period, cap } = digest;
  const { totals, running, ended } = tally;
  return [
    `${titleOf(digest)}: ${whose}`,
    '',
    `${plural(totals.clusters, 'cluster')}, ${plural(totals.nodeHours, 'node hour')}, ` +
      `${formatUsd(totals.billed)} billed. ${plural(ended, 'cluster')} ended.`,
    ...(period.kind === 'week' && totals.clusters > 0
      ? [
          'An hour counts in the week in which it started, transfer in that in which a cluster ended.',
        ]
      : []),
    ...(totals.overspent === 0
      ? []
      : [`${formatUsd(totals.overspent)} of it is over the budgets of clusters.`]),
    ...savedLines(digest),
    ...(running.clusters === 0
      ? []
      : [
          `Still running at its end: ${plural(running.clusters, 'cluster')}, ` +
            `so far ${formatUsd(running.billed)}.`,
        ]),
    ...(cap === null ? [] : [`Cap of ${cap.month}: ${capText(cap)}.`]),
    ...failureLines(digest),
    ...nextLines(digest),
    ...ownerLines(digest),
    ...unreadableLines(digest),
    ...leftOutLines(digest, csvLeftOut),
  ];
}

function titleOf({ stage, period }: Digest): string {
  const { kind, name, start, end } = period;
  const last = minus(end, durationMs(1));
  const days = `${toIso(start).slice(0, 10)} to ${toIso(last).slice(0, 10)}`;
  return `Onebuck ${stage}, ${kind === 'week' ? `week ${name}, ${days}` : `month ${name}`} (UTC)`;
}

/** Each way for itself: the three compare with different things, and do not add up. */
function savedLines({ tally }: Digest): string[] {
  const { totals, unspent, early } = tally;
  const ways: [MicroUsd, string][] = [
    [totals.saved, 'had the nodes been left on until the end of their month'],
    [unspent, 'of the budgets of ended clusters, not spent'],
    [early, 'as clusters ended when their jobs were done'],
  ];
  const told = ways.filter(([saved]) => saved > 0);
  if (told.length === 0) return [];
  return ['Saved:', ...told.map(([saved, how]) => `  ${formatUsd(saved)}, ${how}`)];
}

function failureLines({ failures }: Digest): string[] {
  if (failures.length === 0) return [];
  const shown = failures.slice(0, REASONS_SHOWN_MAX);
  const others = failures.slice(REASONS_SHOWN_MAX).reduce((sum, { count }) => sum + count, 0);
  return [
    '',
    'What failed, and why:',
    ...shown.map(({ reason, count, ids }) => {
      const more = count > ids.length ? ', …' : '';
      return `  ${count} × ${reason} (${ids.join(', ')}${more})`;
    }),
    ...(others === 0 ? [] : [`  ${others} more, for other reasons`]),
  ];
}

function nextLines({ nextRuns, nextRunsLeftOut, byOwner }: Digest): string[] {
  if (nextRuns.length === 0) return [];
  return [
    '',
    'Next runs of schedules:',
    ...nextRuns.map((run) => `  ${toIso(run.at)}  ${runText(run, byOwner !== null)}`),
    ...(nextRunsLeftOut === 0 ? [] : [`  and ${plural(nextRunsLeftOut, 'more schedule')}`]),
  ];
}

const runText = ({ scheduleId, name, owner }: NextRun, isOfAll: boolean): string =>
  `${scheduleId}${name === null ? '' : ` (${name})`}${isOfAll ? ` of ${owner}` : ''}`;

function ownerLines({ byOwner, period }: Digest): string[] {
  if (byOwner === null || byOwner.length === 0) return [];
  const shown = byOwner.slice(0, OWNERS_SHOWN_MAX);
  const left = byOwner.length - shown.length;
  return [
    '',
    'By owner:',
    ...shown.map(
      ({ owner, clusters, nodeHours, billed, cap }) =>
        `  ${owner}: ${plural(clusters, 'cluster')}, ${plural(nodeHours, 'node hour')}, ` +
        `${formatUsd(billed)}${cap === null ? '' : `; cap of ${cap.month}: ${capText(cap)}`}`,
    ),
    ...(left === 0 ? [] : [`  and ${plural(left, 'more owner')}: ${reportOf(period)} has all`]),
  ];
}

const unreadableLines = ({ unreadable }: Digest): string[] =>
  unreadable.length === 0
    ? []
    : ['', `Left out, as their records can not be read: ${unreadable.join(', ')}.`];

const leftOutLines = ({ period }: Digest, csvLeftOut: number): string[] =>
  csvLeftOut === 0
    ? []
    : [
        '',
        `The table of clusters lacks ${plural(csvLeftOut, 'cluster')}: ` +
          `${reportOf(period)} --csv has all of a month.`,
      ];

const reportOf = (period: Period): string => `onebuck report --month ${capMonthOf(period)}`;

const capText = ({ used, limit }: CapUse): string =>
  `${formatUsd(used)} of ${formatUsd(limit)} used (${Math.floor((100 * used) / limit)} %)`;

function jsonOf(digest: Digest, { owners, lines }: Lists) {
  const { kind, stage, owner, period, tally, failures, nextRuns, cap, byOwner } = digest;
  return {
    kind,
    stage,
    owner,
    period: period.name,
    from: toIso(period.start),
    to: toIso(period.end),
    ...totalsJson(tally.totals),
    ended: tally.ended,
    unspentUsd: toUsd(tally.unspent),
    earlyUsd: toUsd(tally.early),
    running: {
      clusters: tally.running.clusters,
      billedUsd: toUsd(tally.running.billed),
    },
    failures,
    nextRuns: nextRuns.map((run) => ({ ...run, at: toIso(run.at) })),
    cap: capJson(cap),
    owners: byOwner === null ? null : owners.map(ownerJson),
    ownersLeftOut: (byOwner?.length ?? 0) - owners.length,
    unreadable: digest.unreadable,
    csv: CSV_HEAD + lines.map(({ line }) => line).join(''),
  };
}

const ownerJson = (share: OwnerShare) => ({
  owner: share.owner,
  ...totalsJson(share),
  cap: capJson(share.cap),
});

const capJson = (cap: CapUse | null) =>
  cap === null ? null : { month: cap.month, usedUsd: toUsd(cap.used), limitUsd: toUsd(cap.limit) };

const totalsJson = ({ clusters, nodeHours, billed, saved, overspent }: MonthTotals) => ({
  clusters,
  nodeHours,
  billedUsd: toUsd(billed),
  savedUsd: toUsd(saved),
  overspentUsd: toUsd(overspent),
});
