import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import type { Chance } from './chance.ts';
import { NOTHING_CAME_OF_IT, type VirtualTime } from './time.ts';

export type FunctionName = 'api' | 'reconcile' | 'schedule' | 'reap' | 'sweep';
export type Ending = 'done' | 'failed' | 'died' | 'timedOut';

/** In seconds, as serverless.yml has them. */
const timeouts = (
  parse(readFileSync(new URL('../serverless.yml', import.meta.url), 'utf8'), {
    logLevel: 'silent',
  }) as { functions: Record<FunctionName, { timeout: number }> }
).functions;

export const timeoutMsOf = (name: FunctionName): number => timeouts[name].timeout * 1_000;

/** A dead function's calls never come back to it. Each has its own, so that all can be freed. */
const never = (): Promise<never> => new Promise(() => {});

/**
 * One run of a function, which may end between any two of its calls to the outside: its time is up,
 * or it dies, before a call or after the call took effect.
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
    /** The probability of dying. */
    readonly deaths: number;
    readonly mayDie: () => boolean;
  }) {
    const { name, time, chance, deaths, mayDie } = options;
    this.#time = time;
    this.#chance = chance;
    this.#mayDie = mayDie;
    this.#callsLeft = chance.happens(deaths) ? chance.mostlySmall(0, 60) : Number.POSITIVE_INFINITY;
    time.at(time.now() + timeoutMsOf(name), () =>
      this.#isAlive ? this.#stop('timedOut') : NOTHING_CAME_OF_IT,
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

  /** A call to the outside, of which `effect` is what the outside does. */
  async call<T>(effect: () => Promise<T>): Promise<T> {
    if (this.#dies()) {
      if (this.#chance.happens(0.5)) await effect().catch(() => {});
      this.#stop('died');
    }
    if (!this.#isAlive) return never();
    try {
      return await effect();
    } finally {
      // biome-ignore lint/correctness/noUnsafeFinally: who is dead gets neither answer nor error
      if (!this.#isAlive) return never();
    }
  }

  /** Until `leftMs` says that nothing is left. */
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
