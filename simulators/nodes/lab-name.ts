/**
 * Several labs can stand on one host, each with a number. All that a lab makes on the host has a
 * name by its number, so that a later start knows what to take away.
 */
export interface LabName {
  /** 0 to 99. */
  readonly number: number;
  /** The network namespace of the lab's own services and bridges. */
  readonly namespace: string;
  /** The host's end of the cable into the lab. */
  readonly cable: string;
  /** The addresses of nodes are in `10.77.<number>.0/24`. */
  readonly subnet: string;
  readonly gateway: string;
  readonly hostAddress: string;
  /** The folder of each cgroup hierarchy in which the nodes run. */
  readonly cgroup: string;
}

export const LABS_MAX = 100;

export function labName(number: number): LabName {
  return {
    number,
    namespace: `ob${number}`,
    cable: `ob${number}-host`,
    subnet: `10.77.${number}.0/24`,
    gateway: `10.77.${number}.1`,
    hostAddress: `10.77.${number}.2`,
    cgroup: `onebuck-${number}`,
  };
}

/** The network namespace of a node. */
export const nodeNamespace = ({ namespace }: LabName, id: number): string => `${namespace}-${id}`;

const FIRST_NODE = 10;
const NODES_MAX = 240;

/** An address that is not taken: the last one if that can be, or the lowest; null: none is free. */
export function freeAddress(
  { number }: LabName,
  taken: ReadonlySet<string>,
  last: string | null,
): string | null {
  const all = Array.from({ length: NODES_MAX }, (_, i) => `10.77.${number}.${FIRST_NODE + i}`);
  const free = all.filter((address) => !taken.has(address));
  return free.find((address) => address === last) ?? free[0] ?? null;
}
