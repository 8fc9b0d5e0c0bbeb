import type { MicroUsd } from '../base/money.ts';

/** What a quote says about a spec beside its price. */
export interface Advice {
  /** Sentences about choices that a launch accepts, but that the client may want to change. */
  readonly warnings: readonly string[];
  readonly alternatives: readonly Alternative[];
}

/** A change of a spec that a quote recommends, and what the changed spec comes to. */
export interface Alternative {
  readonly kind: AlternativeKind;
  /** The fields that replace the spec's own; the changed spec can be launched. */
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
  /** The size of another type, for a spec that gives a size: type and size exclude each other. */
  | { readonly vcpus: number; readonly memoryMb: number }
  | { readonly nodes: number };
