import type fastCheck from 'fast-check';
import { vi } from 'vitest';

/**
 * Few runs of each property, since Stryker runs hundreds of tests for each mutant. With a fixed
 * seed, a mutant that is caught once is caught each time.
 */
const RUNS_MAX = 40;
const SEED = 1;

vi.mock('fast-check', async (importOriginal) => {
  const { default: fc } = await importOriginal<{ default: typeof fastCheck }>();
  const assert = <Ts>(
    property: fastCheck.IRawProperty<Ts>,
    { numRuns = RUNS_MAX, ...given }: fastCheck.Parameters<Ts> = {},
  ) => fc.assert(property, { ...given, numRuns: Math.min(numRuns, RUNS_MAX), seed: SEED });
  return { default: { ...fc, assert } };
});
