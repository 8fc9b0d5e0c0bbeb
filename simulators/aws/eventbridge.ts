import { Cron } from 'croner';
import { type EpochMs, epochMs, toIso } from '../../lib/core/base/units.ts';
import type { Clock } from '../../lib/ports.ts';

/** A schedule as serverless.yml declares it, resolved. */
export interface Schedule {
  readonly functionName: string;
  /** `rate(1 minute)` or `cron(0 2 * * ? *)`, as EventBridge takes them. */
  readonly rate: string;
  readonly timezone: string;
  /** What EventBridge Scheduler sends; null: EventBridge's own event. */
  readonly input: unknown;
}

/** At this many invocations of one schedule under way, its tick is left out. */
const UNDER_WAY_MAX = 4;

/** Invokes each function when its schedule says, on the clock. Missed ticks are not made up for. */
export function tickSchedules(
  schedules: readonly Schedule[],
  clock: Clock,
  invoke: (functionName: string, payload: string) => Promise<void>,
): { close(): void } {
  let open = true;
  for (const schedule of schedules) void run(schedule);
  return {
    close() {
      open = false;
    },
  };

  async function run(schedule: Schedule): Promise<void> {
    const following = nextOf(schedule);
    let underWay = 0;
    for (let next = following(clock.now()); ; next = following(clock.now())) {
      await clock.sleep(next);
      if (!open) return;
      if (underWay >= UNDER_WAY_MAX) continue;
      underWay += 1;
      void invoke(schedule.functionName, eventOf(schedule, next)).finally(() => {
        underWay -= 1;
      });
    }
  }
}

/** The first occurrence strictly after an instant. */
export function nextOf({ rate, timezone }: Omit<Schedule, 'functionName' | 'input'>) {
  const every = /^rate\((\d+) (minute|hour|day)s?\)$/.exec(rate);
  if (every !== null) {
    const unit = { minute: 60_000, hour: 3_600_000, day: 86_400_000 }[every[2] as 'minute'];
    const period = Number(every[1]) * unit;
    return (after: EpochMs) => epochMs((Math.floor(after / period) + 1) * period);
  }
  // EventBridge has a sixth field, the year, and one of the two days is a question mark.
  const fields = /^cron\((\S+ \S+ \S+ \S+ \S+) \*\)$/.exec(rate)?.[1];
  // A 2 is Monday to EventBridge and Tuesday to croner; MON is Monday to both.
  if (/\d/.test(fields?.split(' ')[4] ?? '')) {
    throw new Error(`Name the days of the week in ${rate}, such as MON-FRI, to run it locally`);
  }
  if (fields === undefined) throw new Error(`The schedule ${rate} can't be run locally`);
  const cron = new Cron(fields, { timezone, paused: true });
  return (after: EpochMs) => {
    const next = cron.nextRun(new Date(after));
    if (next === null) throw new Error(`The schedule ${rate} never comes`);
    return epochMs(next.getTime());
  };
}

function eventOf({ input, functionName }: Schedule, at: EpochMs): string {
  const time = toIso(at).replace('.000Z', 'Z');
  if (input !== null) {
    return JSON.stringify(input).replaceAll('<aws.scheduler.scheduled-time>', time);
  }
  return JSON.stringify({
    version: '0',
    id: `${functionName}-${at}`,
    'detail-type': 'Scheduled Event',
    source: 'aws.events',
    account: '000000000000',
    time,
    region: 'us-east-1',
    resources: [`arn:aws:events:us-east-1:000000000000:rule/${functionName}`],
    detail: {},
  });
}
