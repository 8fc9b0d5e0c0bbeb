import type { Api, Cluster } from './deployment.ts';
import { callScheduler, type Emulator } from './emulator.ts';
import { expect, until } from './expect.ts';

interface NightlySchedule {
  readonly Name: string;
  readonly Target: {
    readonly Arn: string;
    readonly Input: string;
    readonly DeadLetterConfig: { readonly Arn: string };
  };
}

/** The schedule in EventBridge Scheduler that starts the function `nightly`. */
export async function nightlySchedule(emulator: Emulator): Promise<NightlySchedule> {
  const { Schedules } = await callScheduler<{ readonly Schedules: readonly { Name: string }[] }>(
    emulator,
    '/schedules',
  );
  expect(Schedules.length === 1, `there are ${Schedules.length} schedules, not one`);
  return callScheduler(emulator, `/schedules/${Schedules[0]?.Name}`);
}

/**
 * Has EventBridge Scheduler launch the nightly cluster now instead of at night, and returns the
 * cluster's id. The emulator does not put the scheduled time into the event, as EventBridge does.
 */
export async function launchNightly(emulator: Emulator, api: Api): Promise<string> {
  const schedule = await nightlySchedule(emulator);
  const now = new Date().toISOString().slice(0, -'.000Z'.length);
  const Input = schedule.Target.Input.replace('<aws.scheduler.scheduled-time>', `${now}Z`);
  await callScheduler(emulator, `/schedules/${schedule.Name}`, {
    ...schedule,
    ScheduleExpression: `at(${now})`,
    State: 'ENABLED',
    Target: { ...schedule.Target, Input },
  });
  let launched: string | undefined;
  await until('the nightly cluster is launched', 60, async () => {
    const path = '/clusters?owner=nightly';
    const { clusters } = await api.call<{ readonly clusters: readonly Cluster[] }>('GET', path);
    launched = clusters[0]?.id;
    return launched !== undefined;
  });
  return launched ?? '';
}
