import { type DurationMs, type EpochMs, earliest, latest, plus } from '../core/base/units.ts';
import type { Digest } from '../core/notices/digest/digest.ts';
import type { Message } from '../core/notices/message.ts';
import { reasonOf } from '../errors.ts';
import type { Channel, Clock, Log, Notifier } from '../ports.ts';

/** Digests are sent by lib/app/send-digests.ts, which tries again what a channel does not take. */
type Sendable = Exclude<Message, Digest>;

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
  send(notice: Sendable): void;
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
  const underWay = new Map<Promise<void>, { readonly notice: Sendable; readonly until: EpochMs }>();

  const warnOfLoss = (notice: Sendable, reason: string) => {
    const { clusterId, kind } = notice;
    const about = 'scheduleId' in notice ? { scheduleId: notice.scheduleId } : { clusterId };
    log.warn('notice not sent', { ...about, kind, reason });
  };

  async function attempt(notice: Sendable): Promise<void> {
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
export function toAll(channels: readonly Channel[]): Notifier {
  return {
    async send(notice) {
      const sent = await Promise.allSettled(channels.map(async ({ open }) => open().send(notice)));
      const failures = sent.flatMap((result) =>
        result.status === 'rejected' ? [reasonOf(result.reason)] : [],
      );
      if (failures.length > 0) throw new Error(failures.join('; '));
    },
  };
}
