import { setImmediate } from 'node:timers/promises';

/** Calls over real HTTP. Virtual time must stand still while any of these calls is under way. */
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

  /** Resolves when no call is under way, and the code that awaited the last call has run. */
  readonly idle = async (): Promise<void> => {
    do await setImmediate();
    while (this.#underWay > 0);
  };
}
