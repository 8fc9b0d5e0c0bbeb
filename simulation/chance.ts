import { randomFrom } from '../simulators/random.ts';

/** Draws from a generator of random numbers: the same seed gives the same draws. */
export class Chance {
  readonly #seed: number;
  readonly #random: () => number;

  constructor(seed: number) {
    this.#seed = seed >>> 0;
    this.#random = randomFrom(this.#seed);
  }

  /** A generator for one concern: its draws leave the draws of all other generators unchanged. */
  for(concern: string): Chance {
    let mixed = this.#seed ^ 0x9e3779b9;
    for (const char of concern) mixed = Math.imul(mixed ^ char.charCodeAt(0), 0x01000193) >>> 0;
    return new Chance(mixed);
  }

  /** A number from 0 up to, but not including, 1. */
  readonly random = (): number => this.#random();

  /** True with this probability, from 0 to 1. A probability of 0 draws no number. */
  happens(probability: number): boolean {
    return probability > 0 && this.#random() < probability;
  }

  /** A whole number, both bounds included. */
  whole(min: number, max: number): number {
    return min + Math.floor(this.#random() * (max - min + 1));
  }

  /** A whole number, both bounds included; mostly near `min`, seldom near `max`. */
  mostlySmall(min: number, max: number): number {
    return min + Math.floor(this.#random() ** 3 * (max - min + 1));
  }

  oneOf<T>(choices: readonly [T, ...T[]]): T {
    return choices[this.whole(0, choices.length - 1)] ?? choices[0];
  }
}
