import { formatUsd, microUsd } from '../lib/core/base/money.ts';

/* How things look. Nothing here reads a clock, the terminal or the environment. */

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** `$0.975`. */
export const usd = (dollars: number): string => formatUsd(microUsd(Math.round(dollars * 1e6)));

/** `10:57:03`, or `3 d 10:57:03`; what is over counts as nothing. */
export function countdown(ms: number): string {
  const left = Math.max(0, Math.floor(ms / 1000));
  const two = (value: number) => String(Math.floor(value)).padStart(2, '0');
  const clock = `${two((left % 86_400) / 3600)}:${two((left % 3600) / 60)}:${two(left % 60)}`;
  return left < 86_400 ? clock : `${Math.floor(left / 86_400)} d ${clock}`;
}

/** In the two largest units: `2 d 3 h`, `3 h 12 min`, `12 min`, `5 s`. */
export function roughly(ms: number): string {
  const left = Math.max(0, ms);
  if (left >= DAY_MS) {
    return `${Math.floor(left / DAY_MS)} d ${Math.floor((left % DAY_MS) / HOUR_MS)} h`;
  }
  const minutes = Math.floor((left % HOUR_MS) / MINUTE_MS);
  if (left >= HOUR_MS) return `${Math.floor(left / HOUR_MS)} h ${minutes} min`;
  return left >= MINUTE_MS ? `${minutes} min` : `${Math.floor(left / 1000)} s`;
}

const WEEKDAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** In the reader's zone: `Tue 24 Nov 02:54 GMT+1`. The year only where it is not `now`'s. */
export function localTime(iso: string, nowMs: number): string {
  const at = new Date(iso);
  const year = at.getFullYear() === new Date(nowMs).getFullYear() ? '' : ` ${at.getFullYear()}`;
  const day = `${WEEKDAYS[at.getDay()]} ${at.getDate()} ${MONTHS[at.getMonth()]}${year}`;
  return `${day} ${clockTime(at)} ${zoneOf(at)}`;
}

export function clockTime(at: Date): string {
  const two = (value: number) => String(value).padStart(2, '0');
  return `${two(at.getHours())}:${two(at.getMinutes())}`;
}

function zoneOf(at: Date): string {
  const parts = new Intl.DateTimeFormat('en-GB', { timeZoneName: 'short' }).formatToParts(at);
  return parts.find(({ type }) => type === 'timeZoneName')?.value ?? '';
}

/** Columns two blanks apart; those of numbers alone to the right. The last is never padded. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const isNumeric = head.map(
    (_, column) => rows.length > 0 && rows.every((row) => /^\$?[\d.,]*$/.test(row[column] ?? '')),
  );
  const line = (cells: readonly string[]) =>
    head
      .map((_, column) => {
        const cell = cells[column] ?? '';
        const width = widths[column] ?? 0;
        return isNumeric[column] ? cell.padStart(width) : cell.padEnd(width);
      })
      .join('  ')
      .trimEnd();
  return [line(head), ...rows.map(line)];
}

/** Names before values, one a line. */
export function facts(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`);
}

export const plural = (count: number, noun: string): string =>
  `${count} ${noun}${count === 1 ? '' : 's'}`;

/** A text of somebody else's without what could move a terminal's cursor. */
export const printable = (text: string): string => text.replaceAll(/\p{Cc}/gu, '?');
