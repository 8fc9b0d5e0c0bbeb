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
 * A fault that strikes one call of an actor. Faults are drawn beside the scheduler's order: the
 * scheduler by itself leaves no actor behind for long, and a failure shrinks to the few faults that
 * cause it.
 */
export interface Fault {
  readonly actor: string;
  /** The number of the actor's call that the fault strikes; the first call has 1. */
  readonly call: number;
  readonly kind: FaultKind;
  /** Whether a stall or a death comes before the call's effect (`there`) or after it (`back`). */
  readonly leg: 'there' | 'back';
  /** How many turns of the race a stalled call waits. */
  readonly turns: number;
}

export type FaultKind =
  /** The call, or its answer, waits for other actors' calls. */
  | 'stalls'
  /** The actor's process is killed during the call, and does nothing more. */
  | 'dies'
  /** The call's answer is lost, and the client repeats the call by itself, as AWS's SDK does. */
  | 'repeats'
  /** The call takes effect, and then throws at its caller. */
  | 'fails';

/** Draws up to three faults of the kinds, in calls 1 to 20 and for 1 to 200 turns by default. */
export const drawFaults = (
  actors: readonly string[],
  kinds: readonly FaultKind[],
  { calls = { min: 1, max: 20 }, turns = { min: 1, max: 200 } }: Partial<Bounds> = {},
) =>
  fc.array(
    fc.record<Fault>({
      actor: fc.constantFrom(...actors),
      call: fc.integer(calls),
      kind: fc.constantFrom(...kinds),
      leg: fc.constantFrom('there', 'back'),
      turns: fc.integer(turns),
    }),
    { maxLength: 3 },
  );

type Bounds = Record<'calls' | 'turns', { readonly min: number; readonly max: number }>;

/** The longest that a call takes by default, with its repetitions: the clients have time-outs. */
const CALL_MAX = seconds(10);
/** The longest sleep that other actors' calls may outlast; a longer one waits for all calls. */
const NAP_MAX = seconds(1);
const TURN = durationMs(1);
/** Far more turns than any race takes: a race that does not end fails. */
const TURNS_MAX = 20_000;

interface Stalled {
  /** The instant at which the call continues at the latest. */
  readonly until: EpochMs;
  readonly untilTurn: number;
  readonly release: () => void;
}

/** One process, such as an invocation; it runs until a fault kills it in one of its calls. */
export class Actor implements Clock {
  readonly #race: Race;
  #calls = 0;
  #isDead = false;
  readonly name: string;

  constructor(name: string, race: Race) {
    this.name = name;
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

  /** Waits for the actor's first turn, so that the scheduler also draws who begins. */
  begin = (): Promise<void> => this.#race.turn(`${this.name} begins`);

  /**
   * A call over the network: other actors may take turns before its effect and before its answer.
   * With `ifLost` the client does not repeat the call; a lost answer is then what `ifLost` returns.
   */
  async call<T>(
    what: string,
    effect: () => T | Promise<T>,
    { ifLost, max = CALL_MAX }: { readonly ifLost?: () => T; readonly max?: DurationMs } = {},
  ): Promise<T> {
    await this.#unlessDead();
    this.#calls += 1;
    const faults = this.#race.faultsOf(this.name, this.#calls);
    const kinds = faults.map(({ kind }) => kind);
    const until = plus(this.now(), max);
    const travel = (leg: Fault['leg'], label: string) =>
      this.#travel(
        faults.filter((fault) => fault.leg === leg),
        { until, label },
      );

    await this.#dieIf(faults, 'there');
    // A call that has left takes effect even if another call kills the actor in the meantime.
    await travel('there', `${this.name} -> ${what}`);
    const isRepeated = kinds.includes('repeats') && ifLost === undefined;
    const [answer] = await Promise.allSettled([takeEffect(effect, isRepeated)]);
    await this.#dieIf(faults, 'back');
    await travel('back', `${this.name} <- ${what}`);
    await this.#unlessDead();
    const isLost = kinds.includes('fails') || kinds.includes('repeats');
    if (isLost && ifLost !== undefined) return ifLost();
    if (kinds.includes('fails')) throw new Error(`${what}: the answer was lost`);
    if (answer.status === 'rejected') throw answer.reason;
    return answer.value;
  }

  async #travel(
    faults: readonly Fault[],
    { until, label }: { readonly until: EpochMs; readonly label: string },
  ): Promise<void> {
    const stalls = faults.flatMap(({ kind, turns }) => (kind === 'stalls' ? [turns] : []));
    if (stalls.length > 0) await this.#race.stall(until, Math.max(...stalls));
    await this.#race.turn(label);
  }

  async #dieIf(faults: readonly Fault[], leg: Fault['leg']): Promise<void> {
    if (faults.some((fault) => fault.kind === 'dies' && fault.leg === leg)) this.#isDead = true;
    await this.#unlessDead();
  }

  async #unlessDead(): Promise<void> {
    if (this.#isDead) await new Promise<never>(() => {});
  }
}

/**
 * Actors that race, one call at a time, in the order that the scheduler draws. Each turn takes a
 * millisecond. Apart from turns, the clock moves only when an actor sleeps and no other actor can
 * take a turn, or when the test sets it.
 */
export class Race {
  now: EpochMs;
  readonly #scheduler: fc.Scheduler;
  readonly #faults: readonly Fault[];
  #turn = 0;
  #stalled: Stalled[] = [];
  #sleeping: { readonly until: EpochMs; readonly wake: () => void }[] = [];

  constructor(scheduler: fc.Scheduler, faults: readonly Fault[], now: EpochMs) {
    this.#scheduler = scheduler;
    this.#faults = faults;
    this.now = now;
  }

  faultsOf = (actor: string, call: number): Fault[] =>
    this.#faults.filter((fault) => fault.actor === actor && fault.call === call);

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

  /** Runs the race until no actor has anything left to do; throws after TURNS_MAX turns. */
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
    // Release a call when one more nap could take the clock beyond the call's latest instant.
    const isLate = (until: EpochMs) => plus(this.now, NAP_MAX) > until;
    return this.#release(({ untilTurn, until }) => untilTurn <= this.#turn || isLate(until));
  }

  #release(isReleased: (call: Stalled) => boolean): boolean {
    const released = this.#stalled.filter(isReleased);
    this.#stalled = this.#stalled.filter((call) => !released.includes(call));
    for (const { release } of released) release();
    return released.length > 0;
  }

  #wakeNext(): void {
    const next = Math.min(...this.#sleeping.map(({ until }) => until));
    if (this.#release(({ until }) => next > until)) return;
    this.now = latest(this.now, next as EpochMs);
    const awake = this.#sleeping.filter(({ until }) => until <= this.now);
    this.#sleeping = this.#sleeping.filter((sleeper) => !awake.includes(sleeper));
    for (const { wake } of awake) wake();
  }
}

async function takeEffect<T>(effect: () => T | Promise<T>, isRepeated: boolean): Promise<T> {
  if (isRepeated) await effect();
  return effect();
}
