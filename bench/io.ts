import { setImmediate } from 'node:timers/promises';

/** Calls that are under way for real, while which virtual time must stand still. */
export class RealCalls {
  #underWay = 0;

  async make<T>(call: () => Promise<T>): Promise<T> {
    this.#underWay += 1;
    try {
      return await call();
    } finally {
      this.#underWay -= 1;
    }
  }

  /** Resolves when none is under way, and what awaited the last has run. */
  readonly settled = async (): Promise<void> => {
    do await setImmediate();
    while (this.#underWay > 0);
  };
}
