import * as z from 'zod/mini';
import { priceToMicroUsd } from '../../core/base/money.ts';
import { type EpochMs, epochMs } from '../../core/base/units.ts';
import type { Price, RegionalPrice } from '../../core/billing/price.ts';
import type { Image, LinodeType, Region, TransferPrices } from '../../core/catalogue/lists.ts';
import { type Linode, type LinodeStatus, linodeStatuses } from '../../core/cluster/linode.ts';
import type {
  AccountSettings,
  CreateRequest,
  DefaultFirewalls,
  TypeAvailability,
  Vlan,
} from '../../ports.ts';

/*
 * The parts of Linode's JSON that Onebuck uses. Unknown fields are ignored, and missing ones are
 * tolerated where the API has been seen without them, because the API runs ahead of its published
 * description (docs/linode.md#answers-and-errors).
 */

export type Decoded<T> =
  | { readonly ok: true; readonly value: T }
  /** The fault, which names the path and never the value. */
  | { readonly ok: false; readonly fault: string };

export interface Page<T> {
  readonly data: readonly T[];
  /** How many items the page has, those that were skipped included. */
  readonly rows: number;
  readonly page: number;
  readonly pages: number;
  readonly results: number;
}

export type Decoder<T> = (body: unknown) => Decoded<T>;

/** Reads a page. A wrong item makes the page wrong, unless `skip` takes its fault. */
export function decodePage<T>(item: Decoder<T>, skip?: (fault: string) => void): Decoder<Page<T>> {
  return (body) => {
    const page = decodeEnvelope(body);
    if (!page.ok) return page;
    const data: T[] = [];
    for (const [index, raw] of page.value.data.entries()) {
      const decoded = item(raw);
      if (decoded.ok) {
        data.push(decoded.value);
        continue;
      }
      const fault = `data.${index}: ${decoded.fault}`;
      if (skip === undefined) return { ok: false, fault };
      skip(fault);
    }
    return { ok: true, value: { ...page.value, data, rows: page.value.data.length } };
  };
}

export const decodeType: Decoder<LinodeType> = (body) => decode(typeSchema, body);
export const decodeRegion: Decoder<Region> = (body) => decode(regionSchema, body);
export const decodeImage: Decoder<Image> = (body) => decode(imageSchema, body);
export const decodeAvailability: Decoder<readonly TypeAvailability[]> = (body) =>
  decode(availabilitySchema, body);
export const decodeLinode: Decoder<Linode> = (body) => decode(linodeSchema, body);

/** Of each kind of transfer, its id and its prices. */
export const decodeTransferPrices: Decoder<TransferPrices & { readonly id: string }> = (body) =>
  decode(transferPricesSchema, body);
/** How many bytes a Linode has sent. */
export const decodeBytesSent: Decoder<number> = (body) => decode(bytesSentSchema, body);
export const decodeSettings: Decoder<AccountSettings> = (body) => decode(settingsSchema, body);
export const decodeFirewallSettings: Decoder<DefaultFirewalls> = (body) =>
  decode(firewallSettingsSchema, body);
export const decodeVlan: Decoder<ListedVlan> = (body) => decode(vlanSchema, body);

/** A VLAN has no id of its own: its label is unique in its region. */
export interface ListedVlan extends Vlan {
  readonly id: string;
}

/** Linode answers a DELETE with `{}`. */
export const decodeEmpty: Decoder<unknown> = (body) => decode(z.object({}), body);

/** The `reason` and `field` of each error; null: the body is not Linode's error envelope. */
export function decodeErrors(body: unknown): readonly LinodeFault[] | null {
  const decoded = decode(errorsSchema, body);
  return decoded.ok ? decoded.value.errors : null;
}

export type LinodeFault = z.infer<typeof faultSchema>;

/**
 * The body of a create. It states even fields that have defaults: an account's settings decide what
 * a missing field means. Forced backups cost extra, and a default firewall could shut ssh out.
 * (Linode may force backups all the same: see `AccountSettings`.)
 */
export function encodeCreate(request: CreateRequest): Record<string, unknown> {
  const { rootPassword, authorizedKeys, authorizedUsers, userData } = request;
  return {
    label: request.label,
    type: request.type,
    region: request.region,
    image: request.image,
    tags: request.tags,
    booted: true,
    backups_enabled: false,
    ...encodeInterfaces(request),
    ...(rootPassword === null ? {} : { root_pass: rootPassword }),
    ...(authorizedKeys.length === 0 ? {} : { authorized_keys: authorizedKeys }),
    ...(authorizedUsers.length === 0 ? {} : { authorized_users: authorizedUsers }),
    ...(userData === null ? {} : { metadata: { user_data: userData } }),
  };
}

/** Instead of the id of a firewall: the account's default firewall is not wanted either. */
const NO_FIREWALL = -1;
/** One public IPv4 address and the address that IPv6 makes of the machine's own. */
const PUBLIC = { ipv4: { addresses: [{ address: 'auto', primary: true }] }, ipv6: {} };

/**
 * The public interface comes first, so that the machine's eth0 leads to the internet. A VLAN can't
 * have a firewall, and never carries the default route. Linode's Network Helper sets the addresses
 * up inside the machine when it boots.
 */
function encodeInterfaces({ interfaces, vlan }: CreateRequest): Record<string, unknown> {
  switch (interfaces) {
    case 'legacy_config':
      return {
        interface_generation: interfaces,
        firewall_id: NO_FIREWALL,
        interfaces: [
          { purpose: 'public' },
          ...(vlan ? [{ purpose: 'vlan', label: vlan.label, ipam_address: vlan.address }] : []),
        ],
      };
    case 'linode':
      return {
        interface_generation: interfaces,
        network_helper: true,
        interfaces: [
          { public: PUBLIC, default_route: { ipv4: true, ipv6: true }, firewall_id: NO_FIREWALL },
          ...(vlan ? [{ vlan: { vlan_label: vlan.label, ipam_address: vlan.address } }] : []),
        ],
      };
  }
}

/**
 * `priceToMicroUsd` is exact to the last decimal up to this price; no plan costs nearly as much.
 */
const PRICE_USD_MAX = 1_000_000;

const dollarsSchema = z.number().check(z.nonnegative(), z.maximum(PRICE_USD_MAX));
const priceFields = {
  hourly: z.nullish(dollarsSchema),
  monthly: z.nullish(dollarsSchema),
};
const priceSchema = z.object(priceFields);
const regionPriceSchema = z.object({ id: z.string(), ...priceFields });
const pricesFields = {
  price: z.nullish(priceSchema),
  region_prices: z.nullish(z.array(regionPriceSchema)),
};

const typeSchema = z.pipe(
  z.object({
    id: z.string().check(z.minLength(1)),
    label: z.nullish(z.string()),
    class: z.nullish(z.string()),
    vcpus: z.int().check(z.nonnegative()),
    memory: z.int().check(z.nonnegative()),
    disk: z.int().check(z.nonnegative()),
    gpus: z.nullish(z.int().check(z.nonnegative())),
    transfer: z.nullish(z.int().check(z.nonnegative())),
    ...pricesFields,
    addons: z.nullish(z.object({ backups: z.nullish(z.object(pricesFields)) })),
  }),
  z.transform(
    (raw): LinodeType => ({
      id: raw.id,
      label: raw.label ?? raw.id,
      class: raw.class ?? 'unknown',
      vcpus: raw.vcpus,
      memoryMb: raw.memory,
      diskMb: raw.disk,
      gpus: raw.gpus ?? 0,
      transferGb: raw.transfer ?? 0,
      price: regionalPrice(raw),
      backupsPrice: regionalPrice(raw.addons?.backups ?? {}),
    }),
  ),
);

/** Linode calls the price of a GB hourly. */
const transferPricesSchema = z.pipe(
  z.object({
    id: z.string(),
    price: z.object({ hourly: dollarsSchema }),
    region_prices: z.nullish(z.array(z.object({ id: z.string(), hourly: dollarsSchema }))),
  }),
  z.transform((raw) => ({
    id: raw.id,
    gb: priceToMicroUsd(raw.price.hourly),
    byRegion: Object.fromEntries(
      (raw.region_prices ?? []).map(({ id, hourly }) => [id, priceToMicroUsd(hourly)]),
    ),
  })),
);

const bytesSentSchema = z.pipe(
  z.object({ used: z.int().check(z.nonnegative()) }),
  z.transform(({ used }) => used),
);

const regionSchema = z.pipe(
  z.object({
    id: z.string().check(z.minLength(1)),
    label: z.nullish(z.string()),
    country: z.nullish(z.string()),
    capabilities: z.nullish(z.array(z.string())),
    site_type: z.nullish(z.string()),
  }),
  z.transform(
    (raw): Region => ({
      id: raw.id,
      label: raw.label ?? raw.id,
      country: raw.country ?? '',
      capabilities: raw.capabilities ?? [],
      siteType: raw.site_type ?? 'core',
    }),
  ),
);

const imageSchema = z.pipe(
  z.object({
    id: z.string().check(z.minLength(1)),
    label: z.nullish(z.string()),
    deprecated: z.nullish(z.boolean()),
    status: z.nullish(z.string()),
    capabilities: z.nullish(z.array(z.string())),
    size: z.nullish(z.int().check(z.nonnegative())),
    vendor: z.nullish(z.string()),
    type: z.nullish(z.string()),
  }),
  z.transform(
    (raw): Image => ({
      id: raw.id,
      label: raw.label ?? raw.id,
      deprecated: raw.deprecated ?? false,
      status: raw.status ?? 'available',
      capabilities: raw.capabilities ?? [],
      diskMb: raw.size ?? 0,
      vendor: raw.vendor ?? null,
      isRecovery: raw.type === 'automatic',
    }),
  ),
);

/** The availability in one region. Rows have been seen that do not name the region. */
const availabilitySchema = z.array(
  z.pipe(
    z.object({ plan: z.string(), available: z.boolean() }),
    z.transform(({ plan, available }): TypeAvailability => ({ type: plan, available })),
  ),
);

export const instantSchema = z.pipe(
  z.string().check(z.refine((text) => parseInstant(text) !== null, 'is no time')),
  z.transform((text) => parseInstant(text) as EpochMs),
);

const linodeSchema = z.pipe(
  z.object({
    id: z.int().check(z.positive()),
    label: z.string(),
    status: z.string(),
    created: instantSchema,
    type: z.nullish(z.string()),
    region: z.string(),
    ipv4: z.nullish(z.array(z.string())),
    ipv6: z.nullish(z.string()),
    // Required: only the tags distinguish this deployment's Linodes from others.
    tags: z.array(z.string()),
    backups: z.nullish(z.object({ enabled: z.nullish(z.boolean()) })),
  }),
  z.transform(
    (raw): Linode => ({
      id: raw.id,
      label: raw.label,
      status: statusOf(raw.status),
      created: raw.created,
      type: raw.type ?? '',
      region: raw.region,
      ipv4: publicFirst(raw.ipv4 ?? []),
      ipv6: raw.ipv6 ?? null,
      tags: raw.tags,
      backupsEnabled: raw.backups?.enabled ?? false,
    }),
  ),
);

const settingsSchema = z.pipe(
  z.object({
    backups_enabled: z.boolean(),
    managed: z.nullish(z.boolean()),
    network_helper: z.nullish(z.boolean()),
    interfaces_for_new_linodes: z.nullish(z.string()),
  }),
  z.transform(
    (raw): AccountSettings => ({
      backupsForced: raw.backups_enabled,
      managed: raw.managed ?? false,
      networkHelper: raw.network_helper ?? true,
      interfaces: raw.interfaces_for_new_linodes === 'linode_only' ? 'linode' : 'legacy_config',
    }),
  ),
);

const firewallSettingsSchema = z.pipe(
  z.object({
    default_firewall_ids: z.object({
      linode: z.nullish(z.int()),
      public_interface: z.nullish(z.int()),
    }),
  }),
  z.transform(
    ({ default_firewall_ids: ids }): DefaultFirewalls => ({
      legacy_config: ids.linode ?? null,
      linode: ids.public_interface ?? null,
    }),
  ),
);

const vlanSchema = z.pipe(
  z.object({ region: z.string(), label: z.string(), linodes: z.array(z.int()) }),
  z.transform(
    ({ region, label, linodes }): ListedVlan => ({
      id: `${region}/${label}`,
      region,
      label,
      linodes: linodes.length,
    }),
  ),
);

const faultSchema = z.object({ reason: z.string(), field: z.nullish(z.string()) });
const errorsSchema = z.object({ errors: z.array(faultSchema) });

const countSchema = z.int().check(z.nonnegative());
const envelopeSchema = z.object({
  data: z.array(z.unknown()),
  page: countSchema,
  pages: countSchema,
  results: countSchema,
});

const decodeEnvelope: Decoder<z.infer<typeof envelopeSchema>> = (body) =>
  decode(envelopeSchema, body);

type Prices = z.infer<z.ZodMiniObject<typeof pricesFields>>;

/**
 * The price of a type in all regions; null: unusable. If any region's row lacks an hourly price,
 * all of it is unusable, because the default price would be a guess, and perhaps too low.
 */
function regionalPrice({ price, region_prices }: Prices): RegionalPrice | null {
  const main = parsePrice(price ?? {});
  if (main === null) return null;
  const byRegion: Record<string, Price> = {};
  for (const row of region_prices ?? []) {
    const regional = parsePrice(row);
    if (regional === null) return null;
    byRegion[row.id] = regional;
  }
  return { ...main, byRegion };
}

/** A price of 0 counts as none: Linode gives nothing away. */
function parsePrice({ hourly, monthly }: z.infer<typeof priceSchema>): Price | null {
  if (hourly == null || hourly === 0) return null;
  const isCap = monthly != null && monthly > 0;
  return { hourly: priceToMicroUsd(hourly), monthly: isCap ? priceToMicroUsd(monthly) : null };
}

/** The networks whose addresses are private (RFC 1918). */
const PRIVATE_IPV4 = /^(10|172\.(1[6-9]|2\d|3[01])|192\.168)\./;

/** The addresses with the public ones first, by which people reach the Linode. */
const publicFirst = (addresses: readonly string[]): string[] => {
  const isPrivate = (address: string) => Number(PRIVATE_IPV4.test(address));
  return addresses.toSorted((a, b) => isPrivate(a) - isPrivate(b));
};

function statusOf(text: string): LinodeStatus {
  return linodeStatuses.find((status) => status === text) ?? 'unknown';
}

const INSTANT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})?$/;

/**
 * Parses a time of Linode's API, which is UTC without saying so; JavaScript would take it for local
 * time.
 */
function parseInstant(text: string): EpochMs | null {
  const match = INSTANT.exec(text);
  if (match === null) return null;
  const time = Date.parse(match[2] === undefined ? `${text}Z` : text);
  return Number.isNaN(time) ? null : epochMs(time);
}

export function decode<T>(schema: z.ZodMiniType<T>, body: unknown): Decoded<T> {
  const parsed = schema.safeParse(body);
  if (parsed.success) return { ok: true, value: parsed.data };
  const [issue] = parsed.error.issues;
  const path = issue?.path.join('.') || 'the whole';
  const wanted =
    issue?.code === 'invalid_type' ? `is no ${issue.expected}` : 'is not as it should be';
  return { ok: false, fault: `${path} ${wanted}` };
}
