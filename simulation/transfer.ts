import type { Sending } from '../simulators/linode/settings.ts';
import type { Chance } from './chance.ts';
import type { Options } from './options.ts';
import { HOUR, MINUTE, SECOND } from './time.ts';

const GB = 1e9;
const PER_HOUR = GB / 3_600;

/** What the nodes of a world send, by the last digit of their labels; seconds from their creation. */
export function sendsOf(
  kind: Options['transfer'],
  chance: Chance,
): readonly (Sending & { readonly label: string })[] {
  if (kind === 'none') return [];
  return Array.from({ length: 10 }, (_, digit) => {
    const label = `^onebuck-.*${digit}$`;
    const gbPerHour = chance.mostlySmall(0, 12);
    const steady = { label, untilSeconds: null, bytesPerSecond: Math.round(gbPerHour * PER_HOUR) };
    if (kind === 'steady') return [{ ...steady, fromSeconds: 0 }];
    const fromSeconds = chance.whole(0, (5 * HOUR) / SECOND);
    if (kind === 'late') return [{ ...steady, fromSeconds }];
    const untilSeconds = fromSeconds + chance.whole(1, (20 * MINUTE) / SECOND);
    const bytesPerSecond = Math.round(chance.whole(1, 200) * PER_HOUR);
    return [{ label, fromSeconds, untilSeconds, bytesPerSecond }];
  }).flat();
}
