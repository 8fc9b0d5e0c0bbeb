/** A node and a cluster, as far as the check reads what the API shows of them. */
export interface Node {
  readonly index: number;
  readonly status: string;
  readonly linodeId: number | null;
  readonly ipv4: string | null;
  readonly privateIp: string | null;
  readonly readyAt: string | null;
  readonly agentReason?: string;
}

export interface Cluster {
  readonly id: string;
  readonly status: string;
  readonly endReason: string | null;
  readonly teardownAt: string;
  readonly readyAt: string | null;
  readonly nodes: readonly Node[];
}
