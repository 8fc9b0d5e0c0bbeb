/** An object of one of the API's answers. */
export type Row = Readonly<Record<string, unknown>>;

/**
 * JSON as Python's `json.dumps` writes it, which Linode's API does: a space after `:` and `,`, and
 * nothing but ASCII. In indented output line breaks are never part of a string, so that they can
 * be replaced without reading the strings.
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

/** The same for rows that never change: lists of hundreds are joined from what is known. */
export function rowJson(row: Row): string {
  const known = texts.get(row);
  if (known !== undefined) return known;
  const text = pythonJson(row);
  texts.set(row, text);
  return text;
}

/** `2026-11-22T03:57:00`: UTC without saying so, whole seconds, as the API writes times. */
export const wireTime = (epochMs: number): string => new Date(epochMs).toISOString().slice(0, 19);

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
