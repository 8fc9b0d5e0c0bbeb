/** Megabytes, as Linode gives sizes, in gigabytes of 1,024 MB, with at most one decimal. */
export const gigabytes = (mb: number): string =>
  mb % 1024 === 0 ? `${mb / 1024}` : (mb / 1024).toFixed(1);

/** The size of memory or a disk, given in MB: `1.5 GB`. */
export const memory = (mb: number): string => `${gigabytes(mb)} GB`;
