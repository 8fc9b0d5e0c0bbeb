import { describe, expect, it } from 'vitest';
import { publicBridge, wiring } from '../../../../simulators/nodes/lab.ts';
import { freeAddress, labName } from '../../../../simulators/nodes/lab-name.ts';
import { leadsTo } from '../../../../simulators/nodes/lease.ts';

const lab = labName(3);
const aNode = (id: number, change: object = {}) => ({
  id,
  ipv4: '10.77.3.10',
  region: 'us-east',
  interfaces: [
    { purpose: 'public' as const },
    { purpose: 'vlan' as const, label: 'onebuck-local', address: '10.128.0.1/24' },
  ],
  networkHelper: true,
  ...change,
});

describe('the wires of a node', () => {
  it('are the public bridge first and then its VLAN, each with its address', () => {
    const { inLab, inNode } = wiring(lab, aNode(90_000_001), new Map());
    expect(inLab).toEqual([
      'link add n90000001-0 type veth peer name eth0 address f2:3c:95:5d:4a:81 netns ob3-90000001',
      'link set n90000001-0 master wan up',
      'link add vlan0 type bridge forward_delay 0',
      'link set vlan0 up',
      'link add n90000001-1 type veth peer name eth1 address 90:de:01:5d:4a:81 netns ob3-90000001',
      'link set n90000001-1 master vlan0 up',
    ]);
    expect(inNode).toEqual([
      'link set lo up',
      'address add 10.77.3.10/24 dev eth0',
      'link set eth0 up',
      'route add default via 10.77.3.1',
      'address add 10.128.0.1/24 dev eth1',
      'link set eth1 up',
    ]);
  });

  it('share the bridge of a VLAN within a region, and no other', () => {
    const bridges = new Map<string, string>();
    const bridgeOf = (node: ReturnType<typeof aNode>) =>
      wiring(lab, node, bridges)
        .inLab.at(-1)
        ?.match(/master (\w+)/)?.[1];
    const label = 'onebuck-caaaaaaaaaa';
    const isolated = [{ purpose: 'vlan' as const, label, address: '10.128.1.1/24' }];
    expect(bridgeOf(aNode(1))).toBe('vlan0');
    expect(bridgeOf(aNode(2))).toBe('vlan0');
    expect(bridgeOf(aNode(3, { interfaces: isolated }))).toBe('vlan1');
    expect(bridgeOf(aNode(4, { region: 'eu-west' }))).toBe('vlan2');
    expect(bridgeOf(aNode(5))).toBe('vlan0');
  });

  it('have no addresses without the Network Helper', () => {
    const { inNode } = wiring(lab, aNode(1, { networkHelper: false }), new Map());
    expect(inNode).toEqual(['link set lo up']);
  });
});

describe('an address', () => {
  it('is the lowest that is free, or the last one of the node', () => {
    const taken = new Set(['10.77.3.10', '10.77.3.11']);
    expect(freeAddress(lab, taken, null)).toBe('10.77.3.12');
    expect(freeAddress(lab, taken, '10.77.3.40')).toBe('10.77.3.40');
    expect(freeAddress(lab, taken, '10.77.3.11')).toBe('10.77.3.12');
  });

  it('of another lab is not taken over', () => {
    expect(freeAddress(lab, new Set(), '10.77.4.10')).toBe('10.77.3.10');
  });

  it('is one of 240 in a lab', () => {
    const taken = new Set<string>();
    for (let address = freeAddress(lab, taken, null); address !== null; ) {
      taken.add(address);
      address = freeAddress(lab, taken, null);
    }
    expect(taken.size).toBe(240);
    expect(taken).toContain('10.77.3.249');
    for (const own of [lab.gateway, lab.hostAddress]) expect(taken).not.toContain(own);
  });
});

describe('a lab', () => {
  it('has a gateway whose hardware address does not change with the nodes', () => {
    expect(publicBridge('10.77.3.1')[1]).toMatch(
      /^link add wan address 02(:[0-9a-f]{2}){5} type bridge/,
    );
  });

  it('is not put where the host has routes already', () => {
    const routes = 'default via 192.0.2.1 dev eth0\n10.77.3.0/24 dev other scope link\n';
    expect(leadsTo(routes, labName(3).subnet)).toBe(true);
    expect(leadsTo('unreachable 10.77.3.0/24 metric 4000\n', labName(3).subnet)).toBe(true);
    expect(leadsTo(routes, labName(2).subnet)).toBe(false);
  });
});
