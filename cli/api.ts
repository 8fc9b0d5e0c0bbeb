import type * as z from 'zod/mini';
import type {
  clusterSchema,
  clustersSchema,
  credentialsSchema,
  healthSchema,
  inventoryNodeSchema,
  launchedSchema,
  problemSchema,
  quoteSchema,
  reportSchema,
  scheduleSchema,
  typeSchema,
} from '../lib/http/schemas.ts';

/* What the API answers, as its own schemas have it; none of them is bundled. */

export type Cluster = z.output<typeof clusterSchema>;
export type Clusters = z.output<typeof clustersSchema>;
export type Launched = z.output<typeof launchedSchema>;
export type Quote = z.output<typeof quoteSchema>;
export type OfferedType = z.output<typeof typeSchema>;
export type InventoryNode = z.output<typeof inventoryNodeSchema>;
export type Credentials = z.output<typeof credentialsSchema>;
export type Schedule = z.output<typeof scheduleSchema>;
export type Report = z.output<typeof reportSchema>;
export type Health = z.output<typeof healthSchema>;
export type Problem = z.output<typeof problemSchema>;
export type Spec = Record<string, unknown>;
