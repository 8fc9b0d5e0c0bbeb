import { setTimeout as delay } from 'node:timers/promises';

/** Throws an error with the message if the condition is false. The message says what is wrong. */
export function expect(condition: boolean, message: string): void {
  if (!condition) throw new Error(message);
}

/** Tests each second until the test returns true. Throws after `seconds`, quoting the `goal`. */
export async function until(
  goal: string,
  seconds: number,
  test: () => boolean | Promise<boolean>,
): Promise<void> {
  const end = Date.now() + seconds * 1000;
  while (!(await test())) {
    expect(Date.now() < end, `not within ${seconds} s: ${goal}`);
    await delay(1_000);
  }
}
