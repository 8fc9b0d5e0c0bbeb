import type { EndReason } from './record.ts';

/** Why a cluster ended, as a clause about the cluster; the same in notices and to every client. */
export const endReasons = {
  budget: 'its budget affords no further hour',
  maxHours: 'its nodes reached maxHours',
  done: 'its job is over',
  requested: 'somebody asked for its end',
  lost: 'its nodes were deleted, though not by Onebuck',
  takenOver: 'its nodes were taken over: they live on, billed to you',
  unpriced: 'the nodes have no known price any more',
  failed: 'its launch failed',
} as const satisfies Record<EndReason, string>;

export const endReasonNames = [
  'budget',
  'maxHours',
  'done',
  'requested',
  'failed',
  'lost',
  'takenOver',
  'unpriced',
] as const satisfies readonly EndReason[];
