import { type DurationMs, type EpochMs, earliest, latest, plus } from '../core/base/units.ts';
import type { Message } from '../core/notices/message.ts';
import { reasonOf } from '../errors.ts';
import type { Clock, Log, Notifier } from '../ports.ts';

export interface NotifyDeps {
  readonly clock: Clock;
  readonly notifier: Notifier;
  readonly log: Log;
}

/**
 * The notices that a pass has sent. They hold up the pass only in `flush`, and there for seconds.
 */
export interface Outbox {
  /** Sends at once, without waiting. A failure is logged only. */
  send(notice: Message): void;
  /**
   * Waits for the notices under way: each until `noticesMs` after it was sent, and none beyond
   * `by`.
   */
  flush(): Promise<void>;
}

export function createOutbox(
  { clock, notifier, log }: NotifyDeps,
  { by, noticesMs }: { readonly by: EpochMs; readonly noticesMs: DurationMs },
): Outbox {
  const underWay = new Map<Promise<void>, { readonly notice: Message; readonly until: EpochMs }>();

  const warnOfLoss = (notice: Message, reason: string) => {
    const { clusterId, kind } = notice;
    const about = 'scheduleId' in notice ? { scheduleId: notice.scheduleId } : { clusterId };
    log.warn('notice not sent', { ...about, kind, reason });
  };

  async function attempt(notice: Message): Promise<void> {
    try {
      await notifier.send(notice);
    } catch (error) {
      warnOfLoss(notice, reasonOf(error));
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
      for (const { notice } of underWay.values()) warnOfLoss(notice, 'no answer in time');
    },
  };
}

/**
 * Sends by all channels at once; a channel that fails does not stop the others. A channel is built
 * only when there is a notice to send, so that a bad setting is no worse than a failure to send.
 */
export function toAll(channels: readonly (() => Notifier)[]): Notifier {
  return {
    async send(notice) {
      const sent = await Promise.allSettled(
        channels.map(async (channel) => channel().send(notice)),
      );
      const failures = sent.flatMap((result) =>
        result.status === 'rejected' ? [reasonOf(result.reason)] : [],
      );
      if (failures.length > 0) throw new Error(failures.join('; '));
    },
  };
}
