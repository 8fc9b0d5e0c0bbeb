import type { MicroUsd } from '../base/money.ts';
import type { RegionalPrice } from '../billing/price.ts';

/** A Linode plan, as GET /linode/types lists it. */
export interface LinodeType {
  readonly id: string;
  readonly label: string;
  readonly class: string;
  readonly vcpus: number;
  readonly memoryMb: number;
  readonly diskMb: number;
  readonly gpus: number;
  /** What a node adds to the account's pool of outbound transfer in a whole month. */
  readonly transferGb: number;
  /** null: the API gave no hourly price, so the type can't be launched on a budget. */
  readonly price: RegionalPrice | null;
  /** The price of the addon for backups; null: the API gave none. */
  readonly backupsPrice: RegionalPrice | null;
}

/**
 * Of a Linode's network interfaces: those of a configuration profile, or those of its own, which a
 * region needs the capability `Linode Interfaces` for.
 */
export type InterfaceGeneration = 'legacy_config' | 'linode';

/**
 * The price of a GB that is sent beyond the account's pool: in most regions, and in those with a
 * price and a pool of their own.
 */
export interface TransferPrices {
  readonly gb: MicroUsd;
  readonly byRegion: Readonly<Record<string, MicroUsd>>;
}

export interface Region {
  readonly id: string;
  readonly label: string;
  readonly country: string;
  readonly capabilities: readonly string[];
  readonly siteType: string;
}

export interface Image {
  readonly id: string;
  readonly label: string;
  readonly deprecated: boolean;
  readonly status: string;
  readonly capabilities: readonly string[];
  /** The least disk of a type that can hold it. */
  readonly diskMb: number;
  /** The distribution, such as `Debian`; null: Linode does not say, as for private images. */
  readonly vendor: string | null;
  /** Linode made it of a deleted Linode, and deletes it by itself. */
  readonly isRecovery: boolean;
}
