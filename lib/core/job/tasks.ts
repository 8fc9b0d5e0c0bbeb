/** The most tasks of a job. */
export const TASKS_MAX = 10_000;
const NUMBER_MAX = 999_999_999;

/** Numbers and ranges with commas between them, such as `1-100` or `1-3,7`. */
const TASKS = /^\d{1,9}(-\d{1,9})?(,\d{1,9}(-\d{1,9})?){0,99}$/;

/**
 * The numbers of a job's tasks, ascending, each once. A fault, to be read after the field's name, if
 * the text is none of that form, has a range that runs down, or has more than 10,000 tasks.
 */
export function tasksIn(text: string): readonly number[] | { readonly fault: string } {
  if (!TASKS.test(text)) return { fault: 'must be numbers and ranges, such as 1-100 or 1-3,7' };
  const ranges = text.split(',').map((range) => {
    const [from = 0, to = from] = range.split('-').map(Number);
    return { from, to };
  });
  const down = ranges.find(({ from, to }) => from > to || to > NUMBER_MAX);
  if (down !== undefined) return { fault: `must begin each range with its lower number` };
  const count = ranges.reduce((total, { from, to }) => total + to - from + 1, 0);
  if (count > TASKS_MAX) return { fault: `must be at most ${TASKS_MAX} tasks, not ${count}` };
  const all = ranges.flatMap(({ from, to }) =>
    Array.from({ length: to - from + 1 }, (_, index) => from + index),
  );
  return [...new Set(all)].sort((a, b) => a - b);
}
