process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';

import { randomBytes, randomInt } from 'node:crypto';
import { itemOf } from '../lib/adapters/dynamodb/clusters.ts';
import { nodeLabel } from '../lib/core/base/names.ts';
import { withinBytes } from '../lib/core/cluster/bounds.ts';
import { ENDED_KEPT, type LiveRecord, type NodeRecord } from '../lib/core/cluster/record.ts';
import { tableNamed } from '../simulators/aws/dynamodb.ts';
import { itemBytes, writesOf } from './capacity.ts';
import { markdown } from './report.ts';
import { median } from './times.ts';

/**
 * `npm run bench:writes` reckons the write units of saves of records from a small one to the
 * largest, five a second of one cluster, and how long an item takes to make. DynamoDB takes 1,000
 * units a second for one key: of the item itself, of its owner in `byOwner`, and of all clusters in
 * `byTime`.
 */
const SAVES_A_SECOND = 5;
const ROUNDS = 20;

const { startRunning } = await import('./running.ts');
const { servers, aRunningCluster } = await startRunning();
const template = await aRunningCluster(1);
await servers.close();

const hex = () => randomBytes(2).toString('hex');
const address = () => [203, 0, randomInt(256), randomInt(256)].join('.');
const aKey = (bytes: number) => `ssh-rsa ${randomBytes((bytes * 3) / 4).toString('base64')} ann`;

/** A record as passes leave it, with as many nodes; no two nodes have equal addresses. */
function withNodes(count: number): LiveRecord {
  const [first] = template.nodes;
  const nodes = Array.from({ length: count }, (_, index) => ({
    ...(first as NodeRecord),
    index,
    label: nodeLabel(template.id, index),
    linodeId: randomInt(10_000_000, 99_999_999),
    billedFrom: template.createdAt + index * 750,
    ipv4: [address()],
    ipv6: `2600:3c00::${hex()}:${hex()}:${hex()}/128`,
  }));
  return { ...template, nodes: nodes as NodeRecord[] };
}

/** The most that a spec and a life can put into a record. */
function theLargest(): LiveRecord {
  const record = withNodes(500);
  const authorizedKeys = Array.from({ length: 50 }, () => aKey(1_560));
  const userDataBase64 = randomBytes(16_384).toString('base64');
  const nodes = record.nodes.map((node, index) =>
    index % 2 === 0
      ? node
      : {
          state: 'neverCreated' as const,
          index,
          label: nodeLabel(record.id, index),
          reason: randomBytes(300).toString('base64'),
        },
  );
  const history = Array.from({ length: 50 }, () => ({
    at: record.createdAt,
    event: randomBytes(700).toString('base64'),
  }));
  const spec = { ...record.spec, nodes: 500, authorizedKeys, userDataBase64 };
  return { ...record, spec, nodes, history };
}

const table = tableNamed('onebuck-bench');
const toItem = itemOf(ENDED_KEPT);

function row(name: string, record: LiveRecord): string[] {
  const fitting = withinBytes(record, 250_000);
  const [before, after] = [toItem(fitting), toItem({ ...fitting, revision: 9 })];
  const unitsOf = (to: string) =>
    writesOf(table, before, after).reduce(
      (sum, write) => sum + (write.to === to ? write.units : 0),
      0,
    );
  const times = Array.from({ length: ROUNDS }, () => {
    const from = performance.now();
    toItem(fitting);
    return performance.now() - from;
  });
  const json = Buffer.byteLength(JSON.stringify(fitting));
  const units = unitsOf('index byTime');
  return [
    name,
    json,
    itemBytes(after),
    unitsOf('table'),
    unitsOf('index byOwner'),
    units,
    units * SAVES_A_SECOND,
    Math.floor(1_000 / units),
    median(times).toFixed(1),
  ].map(String);
}

const heads = [
  ...['record', 'JSON, bytes', 'item, bytes', 'units: table', 'byOwner', 'byTime'],
  ...['five saves a second', 'saves a second that byTime takes', 'ms to make the item'],
];
const rows = [
  row('10 nodes', withNodes(10)),
  row('100 nodes', withNodes(100)),
  row('500 nodes', withNodes(500)),
  row('the largest', theLargest()),
];
console.log(markdown([heads, ...rows]));
