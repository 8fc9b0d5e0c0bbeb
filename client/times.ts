/* Instants in words, in English, in the reader's time zone or in the one that is named. */

/** Epoch milliseconds, or ISO 8601 as the API has it. */
export type Instant = number | string;

const DAY_MS = 86_400_000;
/** A weekday names one day among these, before and after now. */
const NEAR_MS = 6 * DAY_MS;

/** `04:12`. */
export function clockTime(at: Instant, timeZone?: string): string {
  const { hour, minute } = partsOf(at, {
    ...{ hour: '2-digit', minute: '2-digit', hourCycle: 'h23' },
    timeZone,
  });
  return `${hour}:${minute}`;
}

/** For a screen: `Tue 04:12` within six days, else `Tue 1 Dec 04:12`, with a year that is not now's. */
export function nearTime(at: Instant, now: number, timeZone?: string): string {
  const isNear = Math.abs(new Date(at).getTime() - now) < NEAR_MS;
  const { weekday } = partsOf(at, { weekday: 'short', timeZone });
  const day = isNear ? weekday : dayOf(at, now, timeZone);
  return `${day} ${clockTime(at, timeZone)}`;
}

/** For what may be read later or elsewhere: `Tue 24 Nov 02:54 GMT+1`, with a year that is not now's. */
export function fullTime(at: Instant, now: number, timeZone?: string): string {
  const zone = new Intl.DateTimeFormat('en-GB', { timeZoneName: 'short', timeZone })
    .formatToParts(new Date(at))
    .find(({ type }) => type === 'timeZoneName');
  return `${dayOf(at, now, timeZone)} ${clockTime(at, timeZone)} ${zone?.value}`;
}

function dayOf(at: Instant, now: number, timeZone: string | undefined): string {
  const style = { weekday: 'short', day: 'numeric', month: 'short', year: 'numeric' } as const;
  const { weekday, day, month, year } = partsOf(at, { ...style, timeZone });
  const isOfNow = year === partsOf(now, { ...style, timeZone }).year;
  return `${weekday} ${day} ${month}${isOfNow ? '' : ` ${year}`}`;
}

type Parts = Partial<Record<Intl.DateTimeFormatPartTypes, string>>;

const partsOf = (at: Instant, options: Intl.DateTimeFormatOptions): Parts =>
  Object.fromEntries(
    new Intl.DateTimeFormat('en', options)
      .formatToParts(new Date(at))
      .map(({ type, value }) => [type, value]),
  );
