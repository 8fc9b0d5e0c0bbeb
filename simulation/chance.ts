import { randomFrom } from '../simulators/random.ts';

/** What happens by chance, all of it from a seed. */
export class Chance {
  readonly #seed: number;
  readonly #random: () => number;

  constructor(seed: number) {
    this.#seed = seed >>> 0;
    this.#random = randomFrom(this.#seed);
  }

  /** Another, for one concern: what that draws does not change what others do. */
  for(concern: string): Chance {
    let mixed = this.#seed ^ 0x9e3779b9;
    for (const char of concern) mixed = Math.imul(mixed ^ char.charCodeAt(0), 0x01000193) >>> 0;
    return new Chance(mixed);
  }

  /** From 0 to below 1. */
  readonly random = (): number => this.#random();

  /** Whether something of that probability happens. */
  happens(probability: number): boolean {
    return probability > 0 && this.#random() < probability;
  }

  /** A whole number, both bounds included. */
  whole(min: number, max: number): number {
    return min + Math.floor(this.#random() * (max - min + 1));
  }

  /** Mostly near `min`, seldom near `max`. */
  mostlySmall(min: number, max: number): number {
    return min + Math.floor(this.#random() ** 3 * (max - min + 1));
  }

  oneOf<T>(choices: readonly [T, ...T[]]): T {
    return choices[this.whole(0, choices.length - 1)] ?? choices[0];
  }
}
