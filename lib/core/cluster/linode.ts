import type { Tag } from '../base/names.ts';
import type { EpochMs } from '../base/units.ts';

/**
 * The statuses that Linode documents, and `unknown` for any that it may add. A status never ends
 * the bill; only deletion does.
 */
export const linodeStatuses = [
  'running',
  'offline',
  'booting',
  'busy',
  'rebooting',
  'shutting_down',
  'provisioning',
  'deleting',
  'migrating',
  'rebuilding',
  'cloning',
  'restoring',
  'stopped',
  'billing_suspension',
  'resizing',
  'edit_mode',
  'unknown',
] as const;

export type LinodeStatus = (typeof linodeStatuses)[number];

/** A Linode as the API shows it. */
export interface Linode {
  readonly id: number;
  readonly label: string;
  readonly status: LinodeStatus;
  /** When Linode's bill began, in whole seconds as the API gives it. */
  readonly created: EpochMs;
  readonly type: string;
  readonly region: string;
  readonly ipv4: readonly string[];
  readonly ipv6: string | null;
  readonly tags: readonly (Tag | string)[];
  readonly backupsEnabled: boolean;
}
