import { createHash } from 'node:crypto';
import { agentFilesIn } from './agent-files.ts';
import { regions, types } from './catalogue.ts';
import type { CreateRequest } from './create-request.ts';
import { type Row, wireTime } from './json.ts';
import type { Sending, SimulatorSettings } from './settings.ts';

/**
 * A Linode of the simulated account. The account keeps it for ever: a deletion only sets `deleted`
 * and `goneAt`. Immutable: each change makes a new object.
 */
export interface Instance extends CreateRequest {
  readonly id: number;
  readonly label: string;
  /** Epoch milliseconds, as all times here; the API shows whole seconds. */
  readonly created: number;
  readonly updated: number;
  /** When DELETE was accepted, which ends the bill; null: the Linode is not deleted. */
  readonly deleted: number | null;
  /** The API shows a deleted Linode as `deleting` until then; null: the Linode is not deleted. */
  readonly goneAt: number | null;
  /** When the Linode leaves `provisioning`; null: it never does. */
  readonly provisionedAt: number | null;
  /** When the Linode is `running`; null: it does not boot. */
  readonly runningAt: number | null;
  /** The tags that the Linode has, or had when it was deleted. */
  readonly tags: readonly string[];
  readonly tagsAtCreation: readonly string[];
  readonly ipv4: readonly string[];
  readonly ipv6: string;
  /** The setting at the creation. */
  readonly priceFactor?: number;
  /** By what Linode has multiplied the price of this Linode since, and when, in order. */
  readonly raises?: readonly { readonly at: number; readonly factor: number }[];
  /** What the Linode was before it was resized or migrated, and until when, in order. */
  readonly past?: readonly {
    readonly type: string;
    readonly region: string;
    readonly until: number;
  }[];
  /** What it wants to send to the internet, by the settings at the creation. */
  readonly sends?: readonly Sending[];
  /** What keeps it from sending all that; undefined: nothing does. */
  readonly limit?: Limit;
  /** What it wanted to send besides, each time at once. */
  readonly sentAtOnce?: readonly { readonly at: number; readonly bytes: number }[];
  /** Whether Linode managed the account at the creation. */
  readonly managed?: boolean;
  /** What its machine does; undefined: it has none, and its status follows from the times above. */
  readonly power?: Power;
}

/** What the firewall of a node lets out at full rate in a calendar month (UTC). */
export interface Limit {
  /** The bytes with which each month begins. */
  readonly slice: number;
  /** The larger allowances that its agent was given, in order. */
  readonly grants: readonly Grant[];
  /** When it lost what it had counted, in order. */
  readonly lostAt?: readonly number[];
  /** When somebody took the firewall's table away; null: it is there. */
  readonly goneAt: number | null;
}

export interface Grant {
  /** Epoch milliseconds. */
  readonly at: number;
  /** Such as `2026-11`. */
  readonly month: string;
  readonly bytes: number;
}

/** What the machine of a Linode does: the status of the Linode while it is not deleted. */
export type Power =
  | 'provisioning'
  | 'booting'
  | 'running'
  | 'rebooting'
  | 'shutting_down'
  | 'offline';

export type InstanceStatus = Power | 'deleting';

export interface NewInstance {
  readonly id: number;
  /** How many Linodes the account has had before; gives each Linode addresses of its own. */
  readonly ordinal: number;
  readonly request: CreateRequest;
  readonly now: number;
  readonly settings: SimulatorSettings;
  /** The public address of its machine; null: it has no machine. */
  readonly address: string | null;
}

export function newInstance(options: NewInstance): Instance {
  const { id, ordinal, request, now, settings, address } = options;
  const label = request.label ?? `linode${id}`;
  const stuck = settings.stuckLabels.some((pattern) => new RegExp(pattern).test(label));
  const wait = request.image === null ? settings.emptySeconds : settings.imageSeconds;
  const provisionedAt = stuck ? null : now + wait * 1000;
  const boots = provisionedAt !== null && request.booted;
  const slice = agentFilesIn(request.userData)?.slice ?? null;
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
    managed: settings.managed,
    sends: settings.sends.filter((one) => new RegExp(one.label).test(label)),
    ...(slice === null ? {} : { limit: { slice, grants: [], goneAt: null } }),
    ipv4: [address ?? ipv4(ordinal)],
    ipv6: `2001:db8::f03c:${(ordinal >>> 16).toString(16)}:${(ordinal & 0xffff).toString(16)}/128`,
    ...(address === null ? {} : { power: 'provisioning' }),
  };
}

/**
 * A different address for each ordinal: from the three networks for documentation (RFC 5737), then
 * from the shared address space (RFC 6598).
 */
function ipv4(ordinal: number): string {
  const networks = ['192.0.2', '198.51.100', '203.0.113'];
  const network = networks[Math.floor(ordinal / 254)];
  if (network !== undefined) return `${network}.${(ordinal % 254) + 1}`;
  const n = ordinal - networks.length * 254;
  return `100.${64 + ((n >>> 16) & 63)}.${(n >>> 8) & 255}.${n & 255}`;
}

export function statusAt(instance: Instance, now: number): InstanceStatus {
  if (instance.deleted !== null && now >= instance.deleted) return 'deleting';
  if (instance.power !== undefined) return instance.power;
  if (instance.provisionedAt === null || now < instance.provisionedAt) return 'provisioning';
  if (instance.runningAt === null) return 'offline';
  return now < instance.runningAt ? 'booting' : 'running';
}

/** The last row of each Linode, first in v4, then in v4beta. */
const lastRows = [new WeakMap<Instance, Row>(), new WeakMap<Instance, Row>()] as const;

/** The Linode as the API shows it; the same object until its status changes. */
export function wireInstance(instance: Instance, now: number, beta: boolean): Row {
  const status = statusAt(instance, now);
  const last = lastRows[beta ? 1 : 0].get(instance);
  if (last?.status === status) return last;
  const row = instanceRow(instance, status, beta);
  lastRows[beta ? 1 : 0].set(instance, row);
  return row;
}

/** The keys are in the real API's order. Only v4beta has `locks`. */
function instanceRow(instance: Instance, status: InstanceStatus, beta: boolean): Row {
  const type = types.get(instance.type);
  const window = instance.backupsEnabled ? 'Scheduling' : null;
  return {
    id: instance.id,
    label: instance.label,
    group: instance.group,
    status,
    created: wireTime(instance.created),
    updated: wireTime(instance.updated),
    type: instance.type,
    ipv4: instance.ipv4,
    ipv6: instance.ipv6,
    image: instance.image,
    region: instance.region,
    site_type: regions.get(instance.region)?.site_type ?? 'core',
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
      enabled: instance.backupsEnabled,
      available: false,
      schedule: { day: window, window },
      last_successful: null,
    },
    hypervisor: 'kvm',
    watchdog_enabled: true,
    tags: instance.tags,
    host_uuid: createHash('sha1').update(`host of ${instance.id}`).digest('hex'),
    has_user_data: instance.userData !== null,
    placement_group: null,
    disk_encryption: instance.diskEncryption,
    lke_cluster_id: null,
    capabilities: ['Block Storage Encryption', 'SMTP Enabled', 'Maintenance Policy'],
    interface_generation: instance.interfaceGeneration,
    maintenance_policy: instance.maintenancePolicy,
    ...(beta ? { locks: [] } : {}),
  };
}
