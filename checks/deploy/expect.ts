import { setTimeout as delay } from 'node:timers/promises';

export function expect(holds: boolean, what: string): void {
  if (!holds) throw new Error(what);
}

export async function until(
  what: string,
  seconds: number,
  test: () => boolean | Promise<boolean>,
): Promise<void> {
  const end = Date.now() + seconds * 1000;
  while (!(await test())) {
    expect(Date.now() < end, `not within ${seconds} s: ${what}`);
    await delay(1_000);
  }
}
