import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import type { Chance } from './chance.ts';
import { NO_EFFECT, type VirtualTime } from './time.ts';

export type FunctionName = 'api' | 'reconcile' | 'schedule' | 'reap' | 'sweep';
/** `throttled`: too many invocations ran, and this invocation never began. */
export type Ending = 'done' | 'failed' | 'died' | 'timedOut' | 'throttled';

/** The time-outs of serverless.yml, in seconds. */
const timeouts = (
  parse(readFileSync(new URL('../serverless.yml', import.meta.url), 'utf8'), {
    logLevel: 'silent',
  }) as { functions: Record<FunctionName, { timeout: number }> }
).functions;

export const timeoutMsOf = (name: FunctionName): number => timeouts[name].timeout * 1_000;

/**
 * The calls of a dead function never return. Each call gets its own promise: waiters on a shared
 * promise would stay in memory as long as the promise.
 */
const never = (): Promise<never> => new Promise(() => {});

/**
 * An invocation of a function. It may end at any of its calls to the outside, either because it
 * has timed out or because it dies: before the call, or after the call took effect.
 */
export class Invocation {
  #isAlive = true;
  #callsLeft: number;
  readonly #time: VirtualTime;
  readonly #chance: Chance;
  readonly #mayDie: () => boolean;
  #end: (ending: Ending) => void = () => {};
  readonly ended = new Promise<Ending>((resolve) => {
    this.#end = resolve;
  });

  constructor(options: {
    readonly name: FunctionName;
    readonly time: VirtualTime;
    readonly chance: Chance;
    /** The probability, from 0 to 1, that the invocation dies at one of its calls. */
    readonly deaths: number;
    readonly mayDie: () => boolean;
  }) {
    const { name, time, chance, deaths, mayDie } = options;
    this.#time = time;
    this.#chance = chance;
    this.#mayDie = mayDie;
    this.#callsLeft = chance.happens(deaths) ? chance.mostlySmall(0, 60) : Number.POSITIVE_INFINITY;
    time.at(time.now() + timeoutMsOf(name), () =>
      this.#isAlive ? this.#stop('timedOut') : NO_EFFECT,
    );
  }

  get isAlive(): boolean {
    return this.#isAlive;
  }

  run(work: () => Promise<unknown>): Promise<Ending> {
    work().then(
      () => this.#stop('done'),
      () => this.#stop('failed'),
    );
    return this.ended;
  }

  /** Makes a call to the outside by `effect`. Never returns if the invocation has ended by then. */
  async call<T>(effect: () => Promise<T>): Promise<T> {
    if (this.#dies()) {
      if (this.#chance.happens(0.5)) await effect().catch(() => {});
      this.#stop('died');
    }
    if (!this.#isAlive) return never();
    try {
      return await effect();
    } finally {
      // biome-ignore lint/correctness/noUnsafeFinally: a dead function gets no answer and no error
      if (!this.#isAlive) return never();
    }
  }

  /** Sleeps until `leftMs` returns 0 or less. */
  async sleep(leftMs: () => number): Promise<void> {
    for (let ms = leftMs(); ms > 0; ms = leftMs()) {
      await this.#time.delay(ms);
      if (!this.#isAlive) return never();
    }
  }

  #dies(): boolean {
    if (!this.#isAlive) return false;
    this.#callsLeft -= 1;
    return this.#callsLeft < 0 && this.#mayDie();
  }

  #stop(ending: Ending): void {
    if (!this.#isAlive) return;
    this.#isAlive = false;
    this.#end(ending);
  }
}
