/** In milliseconds. */
export const SECOND = 1_000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;

interface Event {
  readonly at: number;
  /** Of two at one instant, the one that was asked for first comes first. */
  readonly order: number;
  readonly run: () => unknown;
}

/** What an event returns to say that nobody needs to be let on after it. */
export const NOTHING_CAME_OF_IT = Symbol('nothing');

/**
 * The time of a simulated world, in epoch milliseconds: it stands still while anything runs, and
 * then jumps to the next event. One event runs at a time, with all that follows from it at once, so
 * that the same events come in the same order each time.
 */
export class VirtualTime {
  #now: number;
  #ordered = 0;
  /** A binary heap, the next event first. */
  readonly #events: Event[] = [];
  readonly #settled: () => Promise<void>;

  /** `settled` resolves when all that an event caused at once has run. */
  constructor(start: number, settled: () => Promise<void> = afterMicrotasks) {
    this.#now = start;
    this.#settled = settled;
  }

  now(): number {
    return this.#now;
  }

  /** Runs it at that time, or, if that has passed, as the next event of now. */
  at(time: number, run: () => unknown): void {
    this.#push({ at: Math.max(time, this.#now), order: this.#ordered++, run });
  }

  delay(ms: number): Promise<void> {
    return new Promise((resolve) => this.at(this.#now + ms, resolve));
  }

  /** Runs all events up to `end`, those included that they cause, while `goesOn` says so. */
  async runUntil(end: number, goesOn: () => boolean = () => true): Promise<void> {
    while (goesOn()) {
      const next = this.#events[0];
      if (next === undefined || next.at > end) break;
      this.#pop();
      this.#now = next.at;
      if (next.run() === NOTHING_CAME_OF_IT) continue;
      await this.#settled();
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

/** A tick comes after all of the microtasks, and costs less than a turn of the event loop. */
const afterMicrotasks = () => new Promise<void>((resolve) => process.nextTick(resolve));

const isBefore = (a: Event, b: Event): boolean =>
  a.at < b.at || (a.at === b.at && a.order < b.order);
