/** Milliseconds. */
export const SECOND = 1_000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;

interface Event {
  readonly at: number;
  /** Events of the same instant run in this order, which is the order of the calls of `at`. */
  readonly order: number;
  readonly run: () => unknown;
}

/** An event returns this if it woke nobody, so that `runUntil` need not wait after the event. */
export const NO_EFFECT = Symbol('no effect');

/**
 * The time of a simulated world, in epoch milliseconds. The time stands still while code runs, and
 * then jumps to the next event. The next event runs only after all code that the event before
 * caused has run, so that the order is the same in each run.
 */
export class VirtualTime {
  #now: number;
  #nextOrder = 0;
  /** A binary heap, the next event first. */
  readonly #events: Event[] = [];
  readonly #idle: () => Promise<void>;

  /** `idle` resolves when all code has run that an event caused without a delay. */
  constructor(start: number, idle: () => Promise<void> = afterMicrotasks) {
    this.#now = start;
    this.#idle = idle;
  }

  now(): number {
    return this.#now;
  }

  /** Queues `run` for a time; a time that has passed means now, after the events of now. */
  at(time: number, run: () => unknown): void {
    this.#push({ at: Math.max(time, this.#now), order: this.#nextOrder++, run });
  }

  delay(ms: number): Promise<void> {
    return new Promise((resolve) => this.at(this.#now + ms, resolve));
  }

  /**
   * Runs all events up to and including `end`, also the events that these events queue. Stops
   * before the next event once `goesOn` returns false; the time then stays where it is.
   */
  async runUntil(end: number, goesOn: () => boolean = () => true): Promise<void> {
    while (goesOn()) {
      const next = this.#events[0];
      if (next === undefined || next.at > end) break;
      this.#pop();
      this.#now = next.at;
      if (next.run() === NO_EFFECT) continue;
      await this.#idle();
    }
    if (goesOn()) this.#now = Math.max(this.#now, end);
  }

  #push(event: Event): void {
    const events = this.#events;
    let index = events.length;
    events.push(event);
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const above = events[parent] as Event;
      if (!isBefore(event, above)) break;
      events[index] = above;
      index = parent;
    }
    events[index] = event;
  }

  #pop(): void {
    const events = this.#events;
    const last = events.pop() as Event;
    if (events.length === 0) return;
    let index = 0;
    for (;;) {
      const child = this.#firstChildOf(index);
      if (child === null || !isBefore(events[child] as Event, last)) break;
      events[index] = events[child] as Event;
      index = child;
    }
    events[index] = last;
  }

  #firstChildOf(index: number): number | null {
    const [left, right] = [2 * index + 1, 2 * index + 2];
    const events = this.#events;
    if (left >= events.length) return null;
    if (right >= events.length) return left;
    return isBefore(events[right] as Event, events[left] as Event) ? right : left;
  }
}

/** `process.nextTick` runs after all microtasks, and costs less than a turn of the event loop. */
const afterMicrotasks = () => new Promise<void>((resolve) => process.nextTick(resolve));

const isBefore = (a: Event, b: Event): boolean =>
  a.at < b.at || (a.at === b.at && a.order < b.order);
