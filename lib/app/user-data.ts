import { gunzipSync, gzipSync } from 'node:zlib';
import type { Fault } from '../core/base/fault.ts';
import type { ClusterId } from '../core/base/names.ts';
import type { EpochMs } from '../core/base/units.ts';
import type { Spec } from '../core/cluster/spec.ts';
import { addressOf, cidrOf, type Subnet } from '../core/room/network.ts';
import { composeUserData, USER_DATA_BYTES_MAX } from '../core/room/user-data.ts';
import { isGzip, userDataWarnings } from '../core/room/user-part.ts';
import { type AgentClaim, agentToken } from './agent-token.ts';
import { hostKeyOf, peerKeyOf } from './room-keys.ts';

/** What makes the nodes of a cluster one room. */
export interface Room {
  readonly id: ClusterId;
  readonly spec: Pick<
    Spec,
    'nodes' | 'userData' | 'userDataBase64' | 'setup' | 'openPorts' | 'job'
  >;
  /** null: the nodes have no private network. */
  readonly subnet: Subnet | null;
  /** null: nodes can't reach Onebuck, so they have no agent. */
  readonly agent: {
    readonly publicUrl: string;
    readonly expiresAt: AgentClaim['expiresAt'];
    readonly teardownAt: EpochMs;
  } | null;
  /** The bytes that a node may send in a month without asking; null: the nodes have no limit. */
  readonly slice: number | null;
  /** The `passwordKey` of the deployment's secret. */
  readonly key: string;
}

/**
 * The user data of a node, in base64 as Linode takes it: a message of Onebuck's parts and the
 * user's own, in gzip only if it does not fit otherwise. `userDataFaults` says before a launch
 * whether it fits then.
 */
export const nodeUserData = (room: Room, index: number): string =>
  shortest(messageOf(room, index)).toString('base64');

/** The user's own user data in base64, for nodes that get none of Onebuck's; null: there is none. */
export const plainUserData = ({
  userData,
  userDataBase64,
}: Pick<Spec, 'userData' | 'userDataBase64'>): string | null =>
  userData === null ? userDataBase64 : Buffer.from(userData).toString('base64');

/** Another cluster's keys, or another node's rank, may take so many bytes more in gzip. */
const GZIP_VARIES_BY = 64;

/** The faults of a spec whose user data would not fit. `room`: as it will be, but for id and key. */
export function userDataFaults(room: Omit<Room, 'id' | 'key'>): Fault[] {
  const { spec } = room;
  const path = fieldOf(spec);
  const own = ownBytes(spec);
  if (own === 'tooLarge') {
    const message = `${path} must unpack to at most ${UNPACKED_BYTES_MAX} bytes`;
    return [{ path, message }];
  }
  const message = messageOf({ ...room, id: 'caaaaaaaaaa', key: '' }, spec.nodes - 1);
  const bytes = shortest(message).length;
  const max = USER_DATA_BYTES_MAX - (bytes < message.length ? GZIP_VARIES_BY : 0);
  if (bytes <= max) return [];
  const over = bytes - max;
  return [
    {
      path,
      message:
        `${path} is too large by about ${over} bytes: with what makes the nodes one room, it is ` +
        `${bytes} bytes in gzip, and Linode takes ${max}. Let a short script fetch the rest`,
    },
  ];
}

/** Warnings about the user's own user data; see `userDataWarnings` of lib/core. */
export function ownUserDataWarnings(spec: Room['spec']): string[] {
  const own = ownBytes(spec);
  if (own === null || own === 'tooLarge') return [];
  return userDataWarnings(own === 'broken' ? null : own, fieldOf(spec));
}

const fieldOf = ({ userData, userDataBase64 }: Room['spec']) =>
  userDataBase64 !== null ? 'userDataBase64' : userData !== null ? 'userData' : 'setup';

/** Whether nodes get user data of Onebuck's, for which the key of the deployment is needed. */
export const isRoom = ({
  agent,
  network,
  spec,
}: {
  readonly agent?: boolean;
  readonly network?: object | string | null;
  readonly spec: Pick<Spec, 'setup' | 'openPorts'>;
}): boolean =>
  agent === true || Boolean(network) || spec.setup.length > 0 || spec.openPorts.length > 0;

/** 16,384 bytes of gzip may hold 16 MB, which every create would pack again. */
const UNPACKED_BYTES_MAX = 1_048_576;

/** After gzip is undone; `broken`: what starts like gzip can't be unpacked. */
function ownBytes(spec: Room['spec']): Uint8Array | 'broken' | 'tooLarge' | null {
  const base64 = plainUserData(spec);
  if (base64 === null) return null;
  const bytes = Buffer.from(base64, 'base64');
  if (!isGzip(bytes)) return bytes;
  try {
    return gunzipSync(bytes, { maxOutputLength: UNPACKED_BYTES_MAX });
  } catch (error) {
    return error instanceof RangeError ? 'tooLarge' : 'broken';
  }
}

function messageOf({ id, spec, subnet, agent, slice, key }: Room, index: number): Buffer {
  const own = ownBytes(spec);
  const asGiven = () => Buffer.from(plainUserData(spec) ?? '', 'base64');
  const text = composeUserData({
    clusterId: id,
    index,
    nodes: spec.nodes,
    network: subnet && { cidr: cidrOf(subnet), address: addressOf(subnet, index) },
    openPorts: spec.openPorts,
    setup: spec.setup,
    hasJob: spec.job !== null,
    slice,
    hostKey: hostKeyOf(key, id),
    peerKey: peerKeyOf(key, id),
    agent: agent && {
      url: `${agent.publicUrl}/agent/${id}/${index}`,
      token: agentToken(key, { clusterId: id, rank: index, expiresAt: agent.expiresAt }),
      teardownAt: new Date(agent.teardownAt).toISOString(),
    },
    user: typeof own === 'string' ? asGiven() : own,
  });
  return Buffer.from(text);
}

const shortest = (message: Buffer): Buffer =>
  message.length <= USER_DATA_BYTES_MAX ? message : gzipSync(message, { level: 9 });
