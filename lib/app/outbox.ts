import { type DurationMs, type EpochMs, earliest, latest, plus } from '../core/base/units.ts';
import type { Notice } from '../core/notices/notices.ts';
import { reasonOf } from '../errors.ts';
import type { Clock, Log, Notifier } from '../ports.ts';

export interface NotifyDeps {
  readonly clock: Clock;
  readonly notifier: Notifier;
  readonly log: Log;
}

/** Notices on their way, which hold nobody up before `flush`, nor then for long. */
export interface Outbox {
  /** At once. What comes of it is not told: a failure is logged. */
  send(notice: Notice): void;
  /** Waits for what is under way: until `noticesMs` after it was sent, and not beyond `by`. */
  flush(): Promise<void>;
}

export function createOutbox(
  { clock, notifier, log }: NotifyDeps,
  { by, noticesMs }: { readonly by: EpochMs; readonly noticesMs: DurationMs },
): Outbox {
  const underWay = new Map<Promise<void>, { readonly notice: Notice; readonly until: EpochMs }>();

  const lost = ({ clusterId, kind }: Notice, reason: string) =>
    log.warn('notice not sent', { clusterId, kind, reason });

  async function attempt(notice: Notice): Promise<void> {
    try {
      await notifier.send(notice);
    } catch (error) {
      lost(notice, reasonOf(error));
    }
  }

  return {
    send(notice) {
      const sending = attempt(notice).then(() => void underWay.delete(sending));
      underWay.set(sending, { notice, until: plus(clock.now(), noticesMs) });
    },

    async flush() {
      const [first, ...rest] = [...underWay.values()].map(({ until }) => until);
      if (first === undefined) return;
      const until = earliest(by, latest(first, ...rest));
      await Promise.race([Promise.all(underWay.keys()), clock.sleep(until)]);
      for (const { notice } of underWay.values()) lost(notice, 'no answer in time');
    },
  };
}

/**
 * By all of these at once: one that fails does not keep the others from it. Each is built when
 * there is something to send, so that a bad setting is no worse than a failure to send.
 */
export function toAll(channels: readonly (() => Notifier)[]): Notifier {
  return {
    async send(notice) {
      const sent = await Promise.allSettled(
        channels.map(async (channel) => channel().send(notice)),
      );
      const failures = sent.flatMap((one) =>
        one.status === 'rejected' ? [reasonOf(one.reason)] : [],
      );
      if (failures.length > 0) throw new Error(failures.join('; '));
    },
  };
}
