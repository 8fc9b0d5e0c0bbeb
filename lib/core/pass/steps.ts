import type { NodeLabel, Tag } from '../base/names.ts';
import { type EpochMs, seconds } from '../base/units.ts';

/** How long a pass tries to put tags on a node. The record ends the cluster in time anyway. */
export const TAGGING_TIME_MAX = seconds(10);
/** How long after its intent was saved a create may be sent. */
export const CREATE_WINDOW = seconds(60);

type StepArgs = {
  /**
   * `sentAt`: when this create was planned. It must be sent within CREATE_WINDOW of that instant.
   */
  createNode: { index: number; label: NodeLabel; tags: readonly Tag[]; sentAt: EpochMs };
  /**
   * `index` null: the Linode is none of the nodes. `seen`: the list shows the Linode with its tags;
   * if not, the tags must be checked before it is deleted.
   */
  deleteNode: {
    index: number | null;
    linodeId: number;
    seen: boolean;
    /** A list was read that does not show the Linode. */
    unlisted?: true;
    othersTagged?: true;
  };
  /**
   * Looks up a node that Linode's list should show and does not, and puts back its tags.
   * `othersTagged`, here and above: another node of the cluster bears the ownership tag. If this one
   * does not, a person has taken it over.
   */
  checkNode: { index: number; linodeId: number; othersTagged?: true };
  /** Replaces the `reap` tag of a node by `reap`, and puts back its other tags. */
  retagNode: { index: number; linodeId: number; reap: Tag };
  /**
   * Removes tags from the account. A `shared` tag is kept while Linodes of other clusters bear it.
   * `vlan`: the label of the VLAN that only this cluster had; it goes, too.
   */
  removeTags: { own: readonly Tag[]; shared: readonly Tag[]; vlan?: string };
  /** `reason`: why the pass has nothing to do before `until`. */
  wait: { reason: string; until: EpochMs };
};
type StepOf<Kind extends keyof StepArgs> = { readonly kind: Kind } & Readonly<StepArgs[Kind]>;

/** One thing to do, as data. Executors carry it out. */
export type Step = { [Kind in keyof StepArgs]: StepOf<Kind> }[keyof StepArgs];
export type ActiveStep = Exclude<Step, { kind: 'wait' }>;
export type Executors<Result> = {
  [Kind in ActiveStep['kind']]: (step: StepOf<Kind>) => Promise<Result>;
};
