import { Cron } from 'croner';
import { type EpochMs, epochMs, toIso } from '../../lib/core/base/units.ts';
import type { Clock } from '../../lib/ports.ts';

/** What EventBridge invokes periodically: a `schedule` event of serverless.yml, resolved. */
export interface Rule {
  readonly functionName: string;
  /** `rate(1 minute)` or `cron(0 2 * * ? *)`, in EventBridge's syntax. */
  readonly rate: string;
  readonly timezone: string;
  /** The payload of the invocation; null: the event that EventBridge itself composes. */
  readonly input: unknown;
}

/** A rule skips a tick while this many of its earlier invocations have not ended. */
const UNDER_WAY_MAX = 4;

/**
 * Invokes each rule's function at the rule's ticks by the clock, until `close`. EventBridge's
 * stand-in skips ticks that it missed, as after a jump of the clock.
 */
export function startRules(
  rules: readonly Rule[],
  clock: Clock,
  invoke: (functionName: string, payload: string) => Promise<void>,
): { close(): void } {
  let open = true;
  for (const rule of rules) void run(rule);
  return {
    close() {
      open = false;
    },
  };

  async function run(rule: Rule): Promise<void> {
    const nextAfter = ticksOf(rule);
    let underWay = 0;
    for (let tick = nextAfter(clock.now()); ; tick = nextAfter(clock.now())) {
      await clock.sleep(tick);
      if (!open) return;
      if (underWay >= UNDER_WAY_MAX) continue;
      underWay += 1;
      void invoke(rule.functionName, eventOf(rule, tick)).finally(() => {
        underWay -= 1;
      });
    }
  }
}

/**
 * Returns a function from an instant to the rule's first tick strictly after the instant. Throws if
 * the rule can't be run locally.
 */
export function ticksOf({ rate, timezone }: Omit<Rule, 'functionName' | 'input'>) {
  const every = /^rate\((\d+) (minute|hour|day)s?\)$/.exec(rate);
  if (every !== null) {
    const unit = { minute: 60_000, hour: 3_600_000, day: 86_400_000 }[every[2] as 'minute'];
    const period = Number(every[1]) * unit;
    return (after: EpochMs) => epochMs((Math.floor(after / period) + 1) * period);
  }
  // EventBridge's cron has a sixth field, the year, and a question mark for one of the two days.
  const fields = /^cron\((\S+ \S+ \S+ \S+ \S+) \*\)$/.exec(rate)?.[1];
  // EventBridge reads 2 as Monday, croner reads 2 as Tuesday; both read MON as Monday.
  if (/\d/.test(fields?.split(' ')[4] ?? '')) {
    throw new Error(`Name the days of the week in ${rate}, such as MON-FRI, to run it locally`);
  }
  if (fields === undefined) throw new Error(`The rule ${rate} can't be run locally`);
  const cron = new Cron(fields, { timezone, paused: true });
  return (after: EpochMs) => {
    const next = cron.nextRun(new Date(after));
    if (next === null) throw new Error(`The rule ${rate} has no next tick`);
    return epochMs(next.getTime());
  };
}

function eventOf({ input, functionName }: Rule, tick: EpochMs): string {
  const time = toIso(tick).replace('.000Z', 'Z');
  if (input !== null) {
    return JSON.stringify(input).replaceAll('<aws.scheduler.scheduled-time>', time);
  }
  return JSON.stringify({
    version: '0',
    id: `${functionName}-${tick}`,
    'detail-type': 'Scheduled Event',
    source: 'aws.events',
    account: '000000000000',
    time,
    region: 'us-east-1',
    resources: [`arn:aws:events:us-east-1:000000000000:rule/${functionName}`],
    detail: {},
  });
}
