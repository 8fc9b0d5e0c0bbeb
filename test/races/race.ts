import { setImmediate as othersDone } from 'node:timers/promises';
import fc from 'fast-check';
import {
  type DurationMs,
  durationMs,
  type EpochMs,
  latest,
  plus,
  seconds,
} from '../../lib/core/base/units.ts';
import type { Clock } from '../../lib/ports.ts';

/**
 * What befalls one call of an actor, its `call`th. The scheduler alone draws fair races, in which
 * nobody is left behind for long; and a failure shrinks to the few troubles that it takes.
 */
export interface Trouble {
  readonly actor: string;
  readonly call: number;
  readonly how: How;
  /** Of a stall or a death: before the call's effect, or after it. */
  readonly leg: 'there' | 'back';
  /** How many others go before a call that stalls. */
  readonly turns: number;
}

export type How =
  | 'stalls'
  /** Its process is killed, and goes on with nothing. */
  | 'dies'
  /** Its answer is lost, and the client, unasked, makes it again: as AWS's does. */
  | 'repeats'
  /** It took effect, and throws. */
  | 'fails';

/** Up to three, of any of the calls and of any length unless told. */
export const troubles = (
  actors: readonly string[],
  hows: readonly How[],
  { calls = { min: 1, max: 20 }, turns = { min: 1, max: 200 } }: Partial<Bounds> = {},
) =>
  fc.array(
    fc.record<Trouble>({
      actor: fc.constantFrom(...actors),
      call: fc.integer(calls),
      how: fc.constantFrom(...hows),
      leg: fc.constantFrom('there', 'back'),
      turns: fc.integer(turns),
    }),
    { maxLength: 3 },
  );

type Bounds = Record<'calls' | 'turns', { readonly min: number; readonly max: number }>;

/** No call takes longer, its repetitions included, unless told: there are time-outs. */
const CALL_MAX = seconds(10);
/** A sleep that others' calls may outlast; longer ones begin when all calls have ended. */
const NAP_MAX = seconds(1);
const TURN = durationMs(1);
/** Far more than any race takes. */
const TURNS_MAX = 20_000;

interface Stalled {
  /** When it goes on at the latest. */
  readonly until: EpochMs;
  readonly untilTurn: number;
  readonly release: () => void;
}

/** One process, such as an invocation: alive until one of its calls kills it. */
export class Actor implements Clock {
  readonly #race: Race;
  #calls = 0;
  #isDead = false;

  constructor(
    readonly name: string,
    race: Race,
  ) {
    this.#race = race;
  }

  now(): EpochMs {
    return this.#race.now;
  }

  async sleep(until: EpochMs): Promise<void> {
    await this.#unlessDead();
    await this.#race.sleep(until, `${this.name} sleeps`);
    await this.#unlessDead();
  }

  /** A turn among the others, before it does anything. */
  begin = (): Promise<void> => this.#race.turn(`${this.name} begins`);

  /**
   * A call over the network: the others may go on before its effect, and before its answer. One
   * that is not to be repeated says what to make of a `lost` answer.
   */
  async call<T>(
    what: string,
    effect: () => T | Promise<T>,
    { lost, max = CALL_MAX }: { readonly lost?: () => T; readonly max?: DurationMs } = {},
  ): Promise<T> {
    await this.#unlessDead();
    this.#calls += 1;
    const mine = this.#race.troublesOf(this.name, this.#calls);
    const hows = mine.map(({ how }) => how);
    const until = plus(this.now(), max);
    const travel = (leg: Trouble['leg'], label: string) =>
      this.#travel(
        mine.filter((one) => one.leg === leg),
        { until, label },
      );

    await this.#dieIf(mine, 'there');
    // What has left takes effect, even if another call kills its sender.
    await travel('there', `${this.name} -> ${what}`);
    const isRepeated = hows.includes('repeats') && lost === undefined;
    const [answer] = await Promise.allSettled([taken(effect, isRepeated)]);
    await this.#dieIf(mine, 'back');
    await travel('back', `${this.name} <- ${what}`);
    await this.#unlessDead();
    const isLost = hows.includes('fails') || hows.includes('repeats');
    if (isLost && lost !== undefined) return lost();
    if (hows.includes('fails')) throw new Error(`${what}: the answer was lost`);
    if (answer.status === 'rejected') throw answer.reason;
    return answer.value;
  }

  async #travel(
    troubles: readonly Trouble[],
    { until, label }: { readonly until: EpochMs; readonly label: string },
  ): Promise<void> {
    const stalls = troubles.flatMap(({ how, turns }) => (how === 'stalls' ? [turns] : []));
    if (stalls.length > 0) await this.#race.stall(until, Math.max(...stalls));
    await this.#race.turn(label);
  }

  async #dieIf(troubles: readonly Trouble[], leg: Trouble['leg']): Promise<void> {
    if (troubles.some((one) => one.how === 'dies' && one.leg === leg)) this.#isDead = true;
    await this.#unlessDead();
  }

  async #unlessDead(): Promise<void> {
    if (this.#isDead) await new Promise<never>(() => {});
  }
}

/**
 * Actors that race, one call at a time, in the order that the scheduler draws. A turn takes a
 * millisecond; else the clock moves when somebody sleeps and all others have done what they can, or
 * when the test sets it.
 */
export class Race {
  now: EpochMs;
  readonly #scheduler: fc.Scheduler;
  readonly #troubles: readonly Trouble[];
  #turn = 0;
  #stalled: Stalled[] = [];
  #sleeping: { readonly until: EpochMs; readonly wake: () => void }[] = [];

  constructor(scheduler: fc.Scheduler, troubles: readonly Trouble[], now: EpochMs) {
    this.#scheduler = scheduler;
    this.#troubles = troubles;
    this.now = now;
  }

  troublesOf = (actor: string, call: number): Trouble[] =>
    this.#troubles.filter((trouble) => trouble.actor === actor && trouble.call === call);

  turn = (label: string): Promise<void> => this.#scheduler.schedule(Promise.resolve(), label);

  stall(until: EpochMs, turns: number): Promise<void> {
    return new Promise((release) => {
      this.#stalled.push({ until, untilTurn: this.#turn + turns, release });
    });
  }

  async sleep(until: EpochMs, label: string): Promise<void> {
    if (until > plus(this.now, NAP_MAX)) {
      await new Promise<void>((wake) => this.#sleeping.push({ until, wake }));
    }
    await this.turn(label);
    this.now = latest(this.now, until);
  }

  /** Until nobody has anything left to do. */
  async run(): Promise<void> {
    for (const last = this.#turn + TURNS_MAX; this.#turn < last; this.#turn += 1) {
      await othersDone();
      if (this.#releaseDue()) await othersDone();
      if (this.#scheduler.count() > 0) {
        this.now = plus(this.now, TURN);
        await this.#scheduler.waitNext(1);
      } else if (this.#sleeping.length > 0) this.#wakeNext();
      else if (this.#stalled.length > 0) this.#release(() => true);
      else return;
    }
    throw new Error(`still not over after ${TURNS_MAX} turns`);
  }

  #releaseDue(): boolean {
    // One more nap would be too long.
    const isLate = (until: EpochMs) => plus(this.now, NAP_MAX) > until;
    return this.#release(({ untilTurn, until }) => untilTurn <= this.#turn || isLate(until));
  }

  #release(isReleased: (one: Stalled) => boolean): boolean {
    const released = this.#stalled.filter(isReleased);
    this.#stalled = this.#stalled.filter((one) => !released.includes(one));
    for (const { release } of released) release();
    return released.length > 0;
  }

  #wakeNext(): void {
    const next = Math.min(...this.#sleeping.map(({ until }) => until));
    if (this.#release(({ until }) => next > until)) return;
    this.now = latest(this.now, next as EpochMs);
    const awake = this.#sleeping.filter(({ until }) => until <= this.now);
    this.#sleeping = this.#sleeping.filter((one) => !awake.includes(one));
    for (const { wake } of awake) wake();
  }
}

async function taken<T>(effect: () => T | Promise<T>, isRepeated: boolean): Promise<T> {
  if (isRepeated) await effect();
  return effect();
}
