import type { MicroUsd } from '../base/money.ts';

/** What the catalogue of the moment has to say to a spec, beside the price. */
export interface Advice {
  /** What is allowed, and yet worth a thought. */
  readonly warnings: readonly string[];
  readonly alternatives: readonly Alternative[];
}

/** A change of a spec that is worth a thought, with what it would come to. */
export interface Alternative {
  readonly kind: AlternativeKind;
  /** Put over the spec's own fields, it makes a spec that can be launched. */
  readonly change: SpecChange;
  readonly hourly: MicroUsd;
  readonly affordableHours: number;
  readonly spentAtTeardown: MicroUsd;
  readonly sentence: string;
}

export type AlternativeKind =
  | 'cheaperRegion'
  | 'smallerType'
  | 'biggerType'
  | 'moreNodes'
  | 'fewerNodes';

export type SpecChange =
  | { readonly region: string }
  | { readonly type: string }
  /** Of another type, where the spec asks for a size, which excludes a type. */
  | { readonly vcpus: number; readonly memoryMb: number }
  | { readonly nodes: number };
