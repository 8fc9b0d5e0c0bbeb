/** An object in an answer of the API. */
export type Row = Readonly<Record<string, unknown>>;

/**
 * JSON as Linode's API writes it, which is the format of Python's `json.dumps`: a space after `:`
 * and `,`, and only ASCII. JSON.stringify escapes line breaks in strings, so every line break in
 * its output is indentation and can be replaced.
 */
export function pythonJson(value: unknown): string {
  return JSON.stringify(value, null, 1)
    .replace(/,\n */g, ', ')
    .replace(/\n */g, '')
    .replace(
      /[\u0080-\uffff]/g,
      (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
    );
}

const texts = new WeakMap<Row, string>();

/** Like `pythonJson`, but remembers the text of each row. For rows that never change. */
export function rowJson(row: Row): string {
  const remembered = texts.get(row);
  if (remembered !== undefined) return remembered;
  const text = pythonJson(row);
  texts.set(row, text);
  return text;
}

/** `2026-11-22T03:57:00`: the API writes times in UTC, without a zone, in whole seconds. */
export const wireTime = (epochMs: number): string => new Date(epochMs).toISOString().slice(0, 19);

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
