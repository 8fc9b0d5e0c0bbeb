declare const brand: unique symbol;
type Branded<Name extends string> = number & { readonly [brand]: Name };

/** An instant: milliseconds since 1970-01-01T00:00:00Z. */
export type EpochMs = Branded<'EpochMs'>;
/** A length of time in milliseconds; may be negative where it is a difference. */
export type DurationMs = Branded<'DurationMs'>;

/** Throws a RangeError on anything but a safe integer: a fraction of a millisecond is a bug. */
export const epochMs = (value: number): EpochMs => safeInteger(value) as EpochMs;

/** Throws a RangeError on anything but a safe integer: a fraction of a millisecond is a bug. */
export const durationMs = (value: number): DurationMs => safeInteger(value) as DurationMs;

export const seconds = (count: number): DurationMs => durationMs(count * 1_000);
export const minutes = (count: number): DurationMs => durationMs(count * 60_000);
export const hours = (count: number): DurationMs => durationMs(count * 3_600_000);

export const plus = (instant: EpochMs, length: DurationMs): EpochMs => epochMs(instant + length);
export const minus = (instant: EpochMs, length: DurationMs): EpochMs => epochMs(instant - length);
export const between = (from: EpochMs, to: EpochMs): DurationMs => durationMs(to - from);
export const earliest = (...instants: [EpochMs, ...EpochMs[]]): EpochMs =>
  epochMs(Math.min(...instants));
export const latest = (...instants: [EpochMs, ...EpochMs[]]): EpochMs =>
  epochMs(Math.max(...instants));

/** `2026-11-22T03:57:00.000Z`. */
export const toIso = (instant: EpochMs): string => new Date(instant).toISOString();

export function safeInteger(value: number): number {
  if (!Number.isSafeInteger(value)) throw new RangeError(`${value} is not a safe integer`);
  return value;
}
