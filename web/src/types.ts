import type * as z from 'zod/mini';
import type {
  clusterSchema,
  credentialsSchema,
  imageSchema,
  problemSchema,
  quoteSchema,
  regionSchema,
  reportSchema,
  scheduleSchema,
  typeSchema,
} from '../../lib/http/schemas.ts';

/* What the API answers with. Types alone: none of the schemas gets into the page. */

export type Cluster = z.infer<typeof clusterSchema>;
export type ClusterNode = Cluster['nodes'][number];
export type Credentials = z.infer<typeof credentialsSchema>;
export type Image = z.infer<typeof imageSchema>;
export type Problem = z.infer<typeof problemSchema>;
export type Quote = z.infer<typeof quoteSchema>;
export type Alternative = Quote['alternatives'][number];
export type Region = z.infer<typeof regionSchema>;
export type Report = z.infer<typeof reportSchema>;
export type Schedule = z.infer<typeof scheduleSchema>;
export type MachineType = z.infer<typeof typeSchema>;
