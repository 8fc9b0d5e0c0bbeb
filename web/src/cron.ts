import { useEffect, useState } from 'preact/hooks';

export type CronWords =
  | { readonly ok: true; readonly words: string }
  | { readonly ok: false; readonly fault: string };

/**
 * A cron expression of five fields in plain words. What words it takes is loaded when asked for.
 */
export async function cronWords(expression: string): Promise<CronWords> {
  const fields = expression.trim().split(/\s+/).filter(Boolean);
  if (fields.length !== 5) {
    return { ok: false, fault: 'Five fields: minute, hour, day of the month, month, weekday.' };
  }
  const { default: cronstrue } = await import('cronstrue');
  try {
    const options = { use24HourTimeFormat: true, verbose: false, throwExceptionOnParseError: true };
    return { ok: true, words: cronstrue.toString(fields.join(' '), options) };
  } catch (error) {
    return { ok: false, fault: String(error).replace(/^Error: /, '') };
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
