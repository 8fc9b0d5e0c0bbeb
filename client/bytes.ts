const UNITS = ['kB', 'MB', 'GB', 'TB'];

/** A size for people, in units of 1,000: `0 bytes`, `1 byte`, `3.2 kB`, `14 MB`. */
export function bytesWords(bytes: number): string {
  if (bytes < 1_000) return `${bytes} ${bytes === 1 ? 'byte' : 'bytes'}`;
  let size = bytes / 1_000;
  let unit = 0;
  while (Number(size.toPrecision(3)) >= 1_000 && unit < UNITS.length - 1) {
    size /= 1_000;
    unit += 1;
  }
  return `${size < 10 ? size.toFixed(1) : Math.round(size)} ${UNITS[unit]}`;
}
