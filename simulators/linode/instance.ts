import { createHash } from 'node:crypto';
import { regions, types } from './catalogue.ts';
import type { CreateRequest } from './create-request.ts';
import { type Row, wireTime } from './json.ts';
import type { SimulatorSettings } from './settings.ts';

/** A Linode, from its creation on and for ever: deletion only dates it. Never changed in place. */
export interface LedgerEntry extends CreateRequest {
  readonly id: number;
  readonly label: string;
  /** Exact epoch milliseconds, though the API shows whole seconds. */
  readonly created: number;
  readonly updated: number;
  /** When DELETE was accepted, which ends the bill; null: it exists. */
  readonly deleted: number | null;
  /** Until then, a deleted one is still shown as `deleting`. */
  readonly goneAt: number | null;
  /** When it leaves `provisioning`; null: never. */
  readonly provisionedAt: number | null;
  /** When it is `running`; null: it does not boot. */
  readonly runningAt: number | null;
  /** As last known: after deletion, those that it had then. */
  readonly tags: readonly string[];
  readonly tagsAtCreation: readonly string[];
  readonly ipv4: readonly string[];
  readonly ipv6: string;
  /** Of the prices when it was created, which stay its own. */
  readonly priceFactor?: number;
}

export type InstanceStatus = 'provisioning' | 'offline' | 'booting' | 'running' | 'deleting';

export interface NewInstance {
  readonly id: number;
  /** How many the account had before, for addresses that are never used twice. */
  readonly ordinal: number;
  readonly request: CreateRequest;
  readonly now: number;
  readonly settings: SimulatorSettings;
}

export function newInstance({ id, ordinal, request, now, settings }: NewInstance): LedgerEntry {
  const label = request.label ?? `linode${id}`;
  const stuck = settings.stuckLabels.some((pattern) => new RegExp(pattern).test(label));
  const wait = request.image === null ? settings.emptySeconds : settings.imageSeconds;
  const provisionedAt = stuck ? null : now + wait * 1000;
  const boots = provisionedAt !== null && request.booted;
  return {
    ...request,
    id,
    label,
    created: now,
    updated: now,
    deleted: null,
    goneAt: null,
    provisionedAt,
    runningAt: boots ? provisionedAt + settings.bootSeconds * 1000 : null,
    backupsEnabled: request.backupsEnabled || settings.backupsForced,
    tagsAtCreation: request.tags,
    priceFactor: settings.priceFactor,
    ipv4: [ipv4(ordinal)],
    ipv6: `2001:db8::f03c:${(ordinal >>> 16).toString(16)}:${(ordinal & 0xffff).toString(16)}/128`,
  };
}

/** The three documentation networks first, then the shared address space, each address once. */
function ipv4(ordinal: number): string {
  const networks = ['192.0.2', '198.51.100', '203.0.113'];
  const network = networks[Math.floor(ordinal / 254)];
  if (network !== undefined) return `${network}.${(ordinal % 254) + 1}`;
  const n = ordinal - networks.length * 254;
  return `100.${64 + ((n >>> 16) & 63)}.${(n >>> 8) & 255}.${n & 255}`;
}

export function statusAt(entry: LedgerEntry, now: number): InstanceStatus {
  if (entry.deleted !== null && now >= entry.deleted) return 'deleting';
  if (entry.provisionedAt === null || now < entry.provisionedAt) return 'provisioning';
  if (entry.runningAt === null) return 'offline';
  return now < entry.runningAt ? 'booting' : 'running';
}

/** What was last shown of each, in either version of the API. */
const shown = [new WeakMap<LedgerEntry, Row>(), new WeakMap<LedgerEntry, Row>()] as const;

/** As the API shows it; the same object for as long as it looks the same. */
export function wireInstance(entry: LedgerEntry, now: number, beta: boolean): Row {
  const status = statusAt(entry, now);
  const last = shown[beta ? 1 : 0].get(entry);
  if (last?.status === status) return last;
  const row = instanceRow(entry, status, beta);
  shown[beta ? 1 : 0].set(entry, row);
  return row;
}

/** In the recorded order of keys. Only the beta API has `locks`. */
function instanceRow(entry: LedgerEntry, status: InstanceStatus, beta: boolean): Row {
  const type = types.get(entry.type);
  const window = entry.backupsEnabled ? 'Scheduling' : null;
  return {
    id: entry.id,
    label: entry.label,
    group: entry.group,
    status,
    created: wireTime(entry.created),
    updated: wireTime(entry.updated),
    type: entry.type,
    ipv4: entry.ipv4,
    ipv6: entry.ipv6,
    image: entry.image,
    region: entry.region,
    site_type: regions.get(entry.region)?.site_type ?? 'core',
    specs: {
      disk: type?.disk ?? 0,
      memory: type?.memory ?? 0,
      vcpus: type?.vcpus ?? 0,
      gpus: type?.gpus ?? 0,
      transfer: type?.transfer ?? 0,
      accelerated_devices: type?.accelerated_devices ?? 0,
    },
    alerts: {
      cpu: 90 * (type?.vcpus ?? 0),
      network_in: 10,
      network_out: 10,
      transfer_quota: 80,
      io: 10000,
      system_alerts: [],
      user_alerts: [],
    },
    backups: {
      enabled: entry.backupsEnabled,
      available: false,
      schedule: { day: window, window },
      last_successful: null,
    },
    hypervisor: 'kvm',
    watchdog_enabled: true,
    tags: entry.tags,
    host_uuid: createHash('sha1').update(`host of ${entry.id}`).digest('hex'),
    has_user_data: entry.userData !== null,
    placement_group: null,
    disk_encryption: entry.diskEncryption,
    lke_cluster_id: null,
    capabilities: ['Block Storage Encryption', 'SMTP Enabled', 'Maintenance Policy'],
    interface_generation: entry.interfaceGeneration,
    maintenance_policy: entry.maintenancePolicy,
    ...(beta ? { locks: [] } : {}),
  };
}
