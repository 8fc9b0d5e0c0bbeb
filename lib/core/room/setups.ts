/** What Onebuck can install on the nodes of a cluster, by name. */
export const setups = ['mpi', 'nfs', 'slurm', 'dask', 'ray', 'docker'] as const;
export type Setup = (typeof setups)[number];
