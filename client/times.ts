/* Instants in words, in English, in the reader's time zone or in the one that is named. */

/** Epoch milliseconds, or a text in ISO 8601, which the API's answers have. */
export type Instant = number | string;

const DAY_MS = 86_400_000;
/** How far from now a weekday is enough to name a day. */
const NEAR_MS = 6 * DAY_MS;

/** `04:12`. */
export function clockTime(at: Instant, timeZone?: string): string {
  const { hour, minute } = partsOf(at, timeZone);
  return `${hour}:${minute}`;
}

/** For a screen: `Tue 04:12`, or `Tue 1 Dec 04:12` beyond six days, with the year if not now's. */
export function nearTime(at: Instant, now: number, timeZone?: string): string {
  const isNear = Math.abs(new Date(at).getTime() - now) < NEAR_MS;
  const day = isNear ? partsOf(at, timeZone).weekday : dayOf(at, now, timeZone);
  return `${day} ${clockTime(at, timeZone)}`;
}

/** For a list of what was: `Tue 24 Nov 02:54`, with the year if not now's. */
export const datedTime = (at: Instant, now: number, timeZone?: string): string =>
  `${dayOf(at, now, timeZone)} ${clockTime(at, timeZone)}`;

/** For what is far away: `Mar 2031`. */
export function monthYear(at: Instant, timeZone?: string): string {
  const { month, year } = partsOf(at, timeZone);
  return `${month} ${year}`;
}

/** For a text that may be kept: `Tue 24 Nov 02:54 GMT+1`, with the year if not now's. */
export function fullTime(at: Instant, now: number, timeZone?: string): string {
  const zone = new Intl.DateTimeFormat('en-GB', { timeZoneName: 'short', timeZone })
    .formatToParts(new Date(at))
    .find(({ type }) => type === 'timeZoneName');
  return `${dayOf(at, now, timeZone)} ${clockTime(at, timeZone)} ${zone?.value}`;
}

const ISO = /\b\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?Z/g;

/** A text of the API's in which each instant, which is in ISO 8601, is as `fullTime` writes it. */
export const readableTimes = (text: string, now: number, timeZone?: string): string =>
  text.replace(ISO, (at) => fullTime(at, now, timeZone));

function dayOf(at: Instant, now: number, timeZone: string | undefined): string {
  const { weekday, day, month, year } = partsOf(at, timeZone);
  const isOfNow = year === partsOf(now, timeZone).year;
  return `${weekday} ${day} ${month}${isOfNow ? '' : ` ${year}`}`;
}

type Parts = Partial<Record<Intl.DateTimeFormatPartTypes, string>>;

/** Making a format takes far longer than using one. */
const formats = new Map<string | undefined, Intl.DateTimeFormat>();

function partsOf(at: Instant, timeZone: string | undefined): Parts {
  const format = formats.get(timeZone) ?? formatOf(timeZone);
  formats.set(timeZone, format);
  return Object.fromEntries(
    format.formatToParts(new Date(at)).map(({ type, value }) => [type, value]),
  );
}

const formatOf = (timeZone: string | undefined) =>
  new Intl.DateTimeFormat('en', {
    ...{ weekday: 'short', day: 'numeric', month: 'short', year: 'numeric' },
    ...{ hour: '2-digit', minute: '2-digit', hourCycle: 'h23', timeZone },
  });
