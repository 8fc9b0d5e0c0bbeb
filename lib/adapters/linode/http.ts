import { type DurationMs, durationMs, type EpochMs, plus, seconds } from '../../core/base/units.ts';
import { AppError, reasonOf } from '../../errors.ts';
import type { Clock, Log } from '../../ports.ts';
import { type Answer, type Call, describe, errorOf, judge, type Verdict } from './answer.ts';
import { createGate, type Gate, type Result } from './gate.ts';

export interface LinodeHttpOptions {
  readonly transport: Transport;
  /** The clock of all waits, and the clock that `by` refers to. */
  readonly clock: Clock;
  readonly token: (options: { fresh: boolean }) => Promise<string>;
  readonly log: Log;
}

/**
 * Sends one request and resolves with its answer, whatever its status. Rejects if no answer came in
 * time, with an Error whose message does not contain the token. `timeoutMs` is in milliseconds of
 * the machine's time.
 */
export type Transport = (call: Call, token: string, timeoutMs: number) => Promise<Answer>;

export interface LinodeHttp {
  /**
   * Repeats a call that failed for a while, until `by`, and waits for an answer at most seconds
   * longer; then throws `linodeUnavailable`. Only for calls that may be made twice. While other
   * calls of this process fail, it waits for its turn, and is not made if none comes until `by`.
   */
  send(call: Call, by: EpochMs): Promise<FinalVerdict>;
  /** Sends one request and never throws. */
  sendOnce(call: Call, token: string): Promise<Exchange>;
  /** `fresh`: read the token again, because Linode refused the last one. */
  token(options: { fresh: boolean }): Promise<string>;
}

export type FinalVerdict = Exclude<Verdict, { kind: 'rateLimited' | 'transient' }>;

export interface Exchange {
  readonly verdict: Verdict;
  readonly header: (name: string) => string | null;
}

/** Time-outs in milliseconds of the machine's time, whatever the rate of the clock. */
const CREATE_TIMEOUT_MS = 30_000;
const OTHER_TIMEOUT_MS = 10_000;
const ATTEMPTS_MAX = 50;
/** How long a call may last beyond `by`: less than functions reserve for saving their results. */
const LATE_MS = 3_000;

/** How many calls of each kind one process has under way at most. */
const LISTS_AT_ONCE = 4;
const READS_AT_ONCE = 20;
const WRITES_AT_ONCE = 20;

export function createLinodeHttp(options: LinodeHttpOptions): LinodeHttp {
  const { clock, log } = options;
  const lists = createGate(clock, LISTS_AT_ONCE);
  // Deletions must not wait behind reads that fail.
  const reads = createGate(clock, READS_AT_ONCE);
  const writes = createGate(clock, WRITES_AT_ONCE);
  // Only lists have pages.
  // Nothing waits for a measure of what Linodes send.
  const measures = createGate(clock, READS_AT_ONCE);
  const gateOf = ({ method, path, query }: Call): Gate => {
    if (method !== 'GET') return writes;
    if (path.endsWith('/transfer')) return measures;
    return query === undefined ? reads : lists;
  };

  async function token({ fresh }: { fresh: boolean }): Promise<string> {
    const text = await options.token({ fresh });
    if (/^[\x21-\x7e]+$/.test(text)) return text;
    // Check the token here: in a header, it would fail with an error that looks like the network's.
    throw new AppError('linodeDenied', 'The Linode token is empty or has characters no token has.');
  }

  async function sendOnce(call: Call, withToken: string): Promise<Exchange> {
    const usualMs = call.method === 'POST' ? CREATE_TIMEOUT_MS : OTHER_TIMEOUT_MS;
    const timeoutMs = Math.min(usualMs, call.timeoutMs ?? usualMs);
    const secrets = [withToken, ...(call.secrets ?? [])];
    const { verdict, header } = await exchange(options.transport, call, withToken, timeoutMs);
    if (verdict.kind === 'ok') return { verdict, header };
    return { verdict: { ...verdict, reason: redact(verdict.reason, secrets) }, header };
  }

  /**
   * The call with the time until `by` as its longest time-out. A call that starts late still has
   * LATE_MS, so that it may succeed.
   */
  const withTimeUntil = (call: Call, by: EpochMs): Call => {
    const leftMs = Math.max(by - clock.now(), LATE_MS);
    return { ...call, timeoutMs: Math.min(call.timeoutMs ?? leftMs, leftMs) };
  };

  async function send(call: Call, by: EpochMs): Promise<FinalVerdict> {
    let current = await token({ fresh: false });
    let refreshed = false;
    const gate = gateOf(call);
    for (let attempt = 1; ; attempt += 1) {
      if ((await gate.enter(by, attempt - 1)) === 'late') throw noTurn(call);
      const { verdict } = await sendOnce(withTimeUntil(call, by), current);
      gate.leave(resultOf(verdict, clock.now()));
      if (verdict.kind === 'invalidToken' && !refreshed && clock.now() <= by) {
        refreshed = true;
        current = await token({ fresh: true });
        continue;
      }
      if (verdict.kind !== 'rateLimited' && verdict.kind !== 'transient') return verdict;
      const waitMs = waitAfter(verdict, attempt);
      const until = plus(clock.now(), waitMs);
      if (until > by || attempt >= ATTEMPTS_MAX) {
        const message = `${describe(call, verdict)} (attempts: ${attempt})`;
        throw new AppError('linodeUnavailable', message);
      }
      warnOfRetry(log, call, verdict, { attempt, waitMs });
      await clock.sleep(until);
    }
  }

  return { send, sendOnce, token };
}

const noTurn = (call: Call): AppError =>
  errorOf(call, { kind: 'transient', status: null, reason: 'Linode answers no calls in time' });

function resultOf(verdict: Verdict, now: EpochMs): Result {
  // A 400 is about one Linode, which is busy: the API itself answers.
  if (verdict.kind === 'transient' && verdict.status !== 400) return { kind: 'failed' };
  if (verdict.kind !== 'rateLimited') return { kind: 'answered' };
  return { kind: 'refused', until: plus(now, waitAfter(verdict, 1)) };
}

export type Retryable = Extract<Verdict, { kind: 'rateLimited' | 'transient' }>;

/** How long to wait after the attempt number `attempt`, from 1. */
export function waitAfter(verdict: Retryable, attempt: number): DurationMs {
  const backOff = durationMs(Math.min(BACK_OFF_MIN * 2 ** (attempt - 1), BACK_OFF_MAX));
  if (verdict.kind === 'transient') return backOff;
  return verdict.waitMs ?? durationMs(Math.max(backOff, seconds(1)));
}

export function warnOfRetry(
  log: Log,
  { method, path }: Call,
  { status, reason }: Retryable,
  times: { readonly attempt: number; readonly waitMs: DurationMs },
): void {
  log.warn('Linode call is repeated', { method, path, status: status ?? reason, ...times });
}

const BACK_OFF_MIN = durationMs(500);
const BACK_OFF_MAX = seconds(8);
const REASON_LENGTH_MAX = 500;
/** Shorter texts are no secrets: Linode wants root passwords of 7 characters or more. */
const SECRET_LENGTH_MIN = 7;

async function exchange(
  transport: Transport,
  call: Call,
  token: string,
  timeoutMs: number,
): Promise<Exchange> {
  try {
    const answer = await transport(call, token, timeoutMs);
    return { verdict: judge(call, answer), header: answer.header };
  } catch (error) {
    const verdict = { kind: 'transient', status: null, reason: reasonOf(error) } as const;
    return { verdict, header: () => null };
  }
}

function redact(text: string, secrets: readonly string[]): string {
  return secrets
    .filter((secret) => secret.length >= SECRET_LENGTH_MIN)
    .reduce((clean, secret) => clean.replaceAll(secret, '[secret]'), text)
    .slice(0, REASON_LENGTH_MAX);
}
