import type { Tag } from '../base/names.ts';
import type { EpochMs } from '../base/units.ts';

/**
 * The statuses of Linode's contract, and `unknown` for any that it may add. None of them but
 * deletion ends the bill.
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

/** A machine as Linode's API shows it. */
export interface Linode {
  readonly id: number;
  readonly label: string;
  readonly status: LinodeStatus;
  /** When its bill began; whole seconds, as Linode gives it. */
  readonly created: EpochMs;
  readonly type: string;
  readonly region: string;
  readonly ipv4: readonly string[];
  readonly ipv6: string | null;
  readonly tags: readonly (Tag | string)[];
  readonly backupsEnabled: boolean;
}
