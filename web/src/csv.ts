/** A file of the lines, each of which ends as RFC 4180 has it. */
export const csvFile = (lines: readonly string[]): string =>
  lines.map((line) => `${line}\r\n`).join('');
