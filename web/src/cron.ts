import { useEffect, useState } from 'preact/hooks';
import { type WorstMonth, worstMonthOf } from '../../client/schedules.ts';
import { useConsole } from './hooks.ts';

export type CronWords =
  | { readonly ok: true; readonly words: string }
  /** The fault reads on from the name of the field. */
  | { readonly ok: false; readonly fault: string };

/**
 * A cron expression of five fields in plain words, or the API's own fault of it. What it takes is
 * loaded when asked for.
 */
export async function cronWords(expression: string): Promise<CronWords> {
  const [{ default: cronstrue }, { faultOfCron }] = await Promise.all([
    import('cronstrue'),
    import('../../client/cron.ts'),
  ]);
  const trimmed = expression.trim();
  const fault = faultOfCron(trimmed);
  if (fault !== null) return { ok: false, fault };
  const options = { use24HourTimeFormat: true, verbose: false, throwExceptionOnParseError: true };
  try {
    const words = cronstrue.toString(trimmed.split(/\s+/).join(' '), options);
    return { ok: true, words };
  } catch {
    return { ok: true, words: trimmed };
  }
}

/** The same, as it becomes known; null: not yet. */
export function useCronWords(expression: string): CronWords | null {
  const [words, setWords] = useState<CronWords | null>(null);
  useEffect(() => {
    let isWanted = true;
    void cronWords(expression).then((found) => isWanted && setWords(found));
    return () => {
      isWanted = false;
    };
  }, [expression]);
  return words;
}

/** The worst month of a schedule, as it becomes known; null: not yet, or something is wrong. */
export function useWorstMonth(cron: string, budgetUsd: number | null): WorstMonth | null {
  const { clock } = useConsole();
  const [worst, setWorst] = useState<WorstMonth | null>(null);
  useEffect(() => {
    let isWanted = true;
    void worstMonthOf(cron, budgetUsd, clock.now()).then((found) => isWanted && setWorst(found));
    return () => {
      isWanted = false;
    };
  }, [cron, budgetUsd, clock]);
  return worst;
}
