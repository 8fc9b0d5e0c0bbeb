import type * as z from 'zod/mini';
import type {
  addedOwnerSchema,
  addedTokenSchema,
  budgetSchema,
  clusterSchema,
  clustersSchema,
  credentialsSchema,
  healthSchema,
  imageSchema,
  inventorySchema,
  jobLogSchema,
  jobResultsSchema,
  jobSchema,
  launchedSchema,
  ownerSchema,
  problemSchema,
  quoteSchema,
  regionSchema,
  reportSchema,
  scheduleSchema,
  schedulesSchema,
  typeSchema,
  uploadSchema,
} from '../lib/http/schemas.ts';

/*
 * The API's answers, by the schemas that the API validates and describes them with. Only types are
 * imported, so that neither the schemas nor zod are bundled.
 */

export type AddedOwner = z.output<typeof addedOwnerSchema>;
export type AddedToken = z.output<typeof addedTokenSchema>;
export type Budget = z.output<typeof budgetSchema>;
export type Owner = z.output<typeof ownerSchema>;
export type Alternative = Quote['alternatives'][number];
export type BilledCluster = Report['byCluster'][number];
export type Cluster = z.output<typeof clusterSchema>;
export type ClusterNode = Cluster['nodes'][number];
export type Clusters = z.output<typeof clustersSchema>;
export type Credentials = z.output<typeof credentialsSchema>;
export type Health = z.output<typeof healthSchema>;
export type Image = z.output<typeof imageSchema>;
export type Inventory = z.output<typeof inventorySchema>;
export type InventoryNode = Inventory['nodes'][number];
export type Job = z.output<typeof jobSchema>;
export type JobLog = z.output<typeof jobLogSchema>;
export type JobNode = Job['nodes'][number];
export type JobResult = JobResults['results'][number];
export type JobResults = z.output<typeof jobResultsSchema>;
export type Launched = z.output<typeof launchedSchema>;
export type OfferedType = z.output<typeof typeSchema>;
export type Problem = z.output<typeof problemSchema>;
export type Quote = z.output<typeof quoteSchema>;
export type Region = z.output<typeof regionSchema>;
export type Report = z.output<typeof reportSchema>;
export type Schedule = z.output<typeof scheduleSchema>;
export type Schedules = z.output<typeof schedulesSchema>;
export type Shape = NonNullable<Quote['shapes']>[number];
export type Upload = z.output<typeof uploadSchema>;
