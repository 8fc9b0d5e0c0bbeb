import { messageOf } from './advice.ts';

/**
 * `unknown`: the check could not be made, so that the doctor can't say that nothing is wrong.
 * `skipped`: the check needs what another finding says is missing.
 */
export type Verdict = 'ok' | 'warning' | 'wrong' | 'unknown' | 'skipped';

/** What a check has found out. */
export interface Finding {
  /** What was checked, in one to four words. */
  readonly what: string;
  readonly verdict: Verdict;
  /** What was found, and what to do about it if the verdict is not `ok`. */
  readonly text: string;
}

const finding =
  (verdict: Verdict) =>
  (what: string, text: string): Finding => ({ what, verdict, text });

export const ok = finding('ok');
export const warning = finding('warning');
export const wrong = finding('wrong');
export const skipped = finding('skipped');
const unknown = finding('unknown');

export type Attempt<T> =
  | { readonly ok: true; readonly value: T }
  /** The finding that the check could not be made. */
  | { readonly ok: false; readonly finding: Finding };

/** Makes a part of a check that may throw, so that an error ends no other check. */
export async function attempt<T>(what: string, work: () => Promise<T>): Promise<Attempt<T>> {
  try {
    return { ok: true, value: await work() };
  } catch (error) {
    return { ok: false, finding: unknown(what, `this could not be checked: ${reasonOf(error)}`) };
  }
}

/** The findings of a check; if it throws, the one finding that it could not be made. */
export async function findingsOf(
  what: string,
  check: () => Promise<readonly Finding[]>,
): Promise<readonly Finding[]> {
  const made = await attempt(what, check);
  return made.ok ? made.value : [made.finding];
}

/** Node's errors of connections to several addresses have an empty message. */
function reasonOf(error: unknown): string {
  const { code = '' } = Object(error) as { code?: string };
  const message = messageOf(error);
  return message === 'AggregateError' ? code : message;
}

/** Whether a person may go on: nothing is wrong, and nothing is unknown. */
export const isHealthy = (findings: readonly Finding[]): boolean =>
  findings.every(({ verdict }) => verdict !== 'wrong' && verdict !== 'unknown');

/** One line for each finding, and the result. */
export function linesOf(stage: string, findings: readonly Finding[]): string[] {
  const lines = findings.map(({ what, verdict, text }) => {
    const mark = verdict === 'skipped' ? '-' : verdict;
    return `${mark.padEnd(8)} ${what}: ${text.replace(/\s*\n\s*/g, ' ')}`;
  });
  return [...lines, '', resultOf(stage, findings)];
}

function resultOf(stage: string, findings: readonly Finding[]): string {
  const count = (verdict: Verdict) => findings.filter((one) => one.verdict === verdict).length;
  const counts = (['wrong', 'unknown', 'warning'] as const).flatMap((verdict) =>
    count(verdict) === 0 ? [] : [`${verdict}: ${count(verdict)}`],
  );
  const result = isHealthy(findings) ? `Nothing is wrong with ${stage}` : `${stage} is not well`;
  return counts.length === 0 ? `${result}.` : `${result} (${counts.join(', ')}).`;
}
