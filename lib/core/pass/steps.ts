import type { NodeLabel, Tag } from '../base/names.ts';
import { type EpochMs, seconds } from '../base/units.ts';

/** How long after its intent was saved a create may still leave. */
export const CREATE_WINDOW = seconds(60);

type StepArgs = {
  /** `sentAt`: when this try was planned; it must leave within CREATE_WINDOW of that. */
  createNode: { index: number; label: NodeLabel; tags: readonly Tag[]; sentAt: EpochMs };
  /** `seen`: Linode's list shows it with our tags; if not, that is to be checked first. */
  deleteNode: { index: number | null; linodeId: number; seen: boolean };
  /** A node that Linode's list should show and does not. */
  checkNode: { index: number; linodeId: number };
  /** A node whose `reap` tag names another time than its teardown's. */
  retagNode: { index: number; linodeId: number; reap: Tag };
  /** `shared` tags may stand on other clusters' nodes, and are left while they do. */
  removeTags: { own: readonly Tag[]; shared: readonly Tag[] };
  /** `reason`: why the pass has nothing to do before `until`. */
  wait: { reason: string; until: EpochMs };
};
type StepOf<Kind extends keyof StepArgs> = { readonly kind: Kind } & Readonly<StepArgs[Kind]>;

/** One thing to do, as data. */
export type Step = { [Kind in keyof StepArgs]: StepOf<Kind> }[keyof StepArgs];
export type ActiveStep = Exclude<Step, { kind: 'wait' }>;
export type Executors<Result> = {
  [Kind in ActiveStep['kind']]: (step: StepOf<Kind>) => Promise<Result>;
};
