import type { Instance, Power } from './instance.ts';

/**
 * What boots the Linodes of the simulated account. Without it, their status follows from the time,
 * and nothing boots. The calls return at once, and `onPower` says what becomes of them.
 */
export interface Machines {
  /**
   * Takes a public IPv4 address for a new machine: the last one that it had if that can be, or
   * another; null: none is free.
   */
  takeAddress(last: string | null): string | null;
  /** Makes the machine, with a new disk, and boots it if `boots`. It has the instance's address. */
  create(instance: Instance, boots: boolean): void;
  boot(id: number): void;
  reboot(id: number): void;
  shutDown(id: number): void;
  /** Takes the machine and its disk away, and gives its address back. May be called twice. */
  remove(id: number): void;
  /** Has the listener called with each change. Call it once, before `create`. */
  onPower(listener: (id: number, power: Power) => void): void;
}
