const BOOTS_MAX = 5;
const WITHIN_MS = 15 * 60_000;

/**
 * Linode's watchdog boots a Linode that powers itself off, at most five times in fifteen minutes.
 * `boots`: when it has done so before, in milliseconds.
 */
export const lassieBoots = (boots: readonly number[], now: number): boolean =>
  boots.filter((at) => now - at < WITHIN_MS).length < BOOTS_MAX;
