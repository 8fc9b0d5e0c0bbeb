import { hostKeyOf, peerKeyOf } from '../../lib/app/room-keys.ts';
import type { RoomFacts } from '../../lib/core/room/user-data.ts';

/** The second of four nodes, with every part of a room but setups. */
export function someFacts(changes: Partial<RoomFacts> = {}): RoomFacts {
  const clusterId = 'cabcdefghij';
  const index = changes.index ?? 1;
  return {
    clusterId,
    index,
    nodes: 4,
    network: { cidr: '10.128.0.0/24', address: `10.128.0.${index + 1}` },
    openPorts: [],
    setup: [],
    hasJob: false,
    slice: null,
    hostKey: hostKeyOf('a key', clusterId),
    peerKey: peerKeyOf('a key', clusterId),
    agent: {
      url: `https://api.example.com/agent/${clusterId}/${index}`,
      token: `oba_${clusterId}_${index}_token`,
      teardownAt: '2026-11-27T12:00:00.000Z',
    },
    user: null,
    ...changes,
  };
}
