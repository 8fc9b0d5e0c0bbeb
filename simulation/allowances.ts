import type { Instance } from '../simulators/linode/instance.ts';

/** Whether the firewall of each Linode has limited since its creation what the Linode sends. */
export const areLimited = (linodes: readonly Instance[]): boolean =>
  linodes.every(({ limit }) => limit !== undefined && limit.goneAt === null);
