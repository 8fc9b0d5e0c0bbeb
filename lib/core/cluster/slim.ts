import { microUsd } from '../base/money.ts';
import type { Linode } from './linode.ts';
import type { Bought, ClusterRecord, NodeRecord } from './record.ts';
import type { Spec } from './spec.ts';

/*
 * The sweeper holds all Linodes of the deployment and all records of live clusters at once. These
 * functions leave out of them what the sweeper does not need, and keep equal texts once: parsed
 * JSON has each text as often as it was sent.
 */

/** Returns one and the same text for equal texts. Keep one pool for one run of the sweeper. */
export type Pool = (text: string) => string;

export function createPool(): Pool {
  const texts = new Map<string, string>();
  return (text) => {
    const known = texts.get(text);
    if (known === undefined) texts.set(text, text);
    return known ?? text;
  };
}

const NO_ADDRESSES: readonly string[] = [];

/** The Linode without its addresses. */
export const slimLinode = (linode: Linode, pool: Pool): Linode => ({
  ...linode,
  type: pool(linode.type),
  region: pool(linode.region),
  tags: linode.tags.map(pool),
  ipv4: NO_ADDRESSES,
  ipv6: null,
});

const NO_SPEC: Spec = {
  name: null,
  nodes: 0,
  machine: { kind: 'type', type: '' },
  region: '',
  image: '',
  budget: microUsd(0),
  maxHours: null,
  transferGb: null,
  authorizedKeys: [],
  authorizedUsers: [],
  userData: null,
  userDataBase64: null,
  onPartial: 'destroy',
  tags: [],
  network: null,
  setup: [],
  openPorts: [],
  job: null,
};
const NO_ADVICE = { warnings: [], alternatives: [] };

/**
 * The record with its limits, its prices and its nodes, and without all that is only for people and
 * for creates. A slim record must never be saved.
 */
export const slimRecord = <R extends ClusterRecord>(record: R, pool: Pool): R => ({
  ...record,
  owner: pool(record.owner),
  stage: pool(record.stage),
  requestHash: '',
  spec: NO_SPEC,
  bought: slimBought(record.bought, pool),
  advice: NO_ADVICE,
  history: [],
  nodes: record.nodes.map((node) => slimNode(node, pool)),
});

const slimBought = (bought: Bought, pool: Pool): Bought => ({
  ...bought,
  type: pool(bought.type),
  typeLabel: pool(bought.typeLabel),
  region: pool(bought.region),
  image: pool(bought.image),
});

function slimNode(node: NodeRecord, pool: Pool): NodeRecord {
  const label = pool(node.label) as NodeRecord['label'];
  return 'linodeId' in node
    ? { ...node, label, ipv4: NO_ADDRESSES, ipv6: null }
    : { ...node, label };
}
