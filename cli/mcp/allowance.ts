import { dollars, micro } from '../../client/money.ts';
import { CliError } from '../errors.ts';

/**
 * The most that an agent may have at stake, in US dollars: the budgets of the clusters that the agent
 * launched and that live, and the bills of those that ended.
 */
export interface Allowance {
  /**
   * Raises the stake of a launch or a cluster to at least the amount; it lowers none, since a dearer
   * request may be under way. Checks and sets at once, so that of calls that run side by side only
   * those succeed that the allowance pays together. Returns how to put back the stake of before.
   * Throws a CliError, and sets nothing, if all stakes together would pass the most.
   */
  stake(key: string, usd: number): () => void;
  /** Sets the stake of a cluster whose bill or budget is known, without a check. */
  settle(key: string, usd: number): void;
  /** The allowance that nothing is at stake of, in US dollars. */
  left(): number;
}

/** `mostUsd` in US dollars. */
export function createAllowance(mostUsd: number): Allowance {
  const most = micro(mostUsd);
  const stakes = new Map<string, number>();
  const total = () => [...stakes.values()].reduce((sum, stake) => sum + stake, 0);

  function set(key: string, stake: number | undefined): void {
    if (stake === undefined) stakes.delete(key);
    else stakes.set(key, stake);
  }

  return {
    stake(key, usd) {
      const before = stakes.get(key);
      const left = Math.max(0, most - total() + (before ?? 0));
      if (micro(usd) > left) {
        const message =
          `${dollars(usd)} is more than the ${dollars(left / 1e6)} that is left of the ` +
          `${dollars(mostUsd)} which this agent may spend. Ask for less, or destroy a cluster: what ` +
          'its budget did not need is free again once it is gone.';
        throw new CliError('refused', message);
      }
      set(key, Math.max(before ?? 0, micro(usd)));
      return () => set(key, before);
    },
    settle: (key, usd) => set(key, micro(usd)),
    left: () => Math.max(0, most - total()) / 1e6,
  };
}
