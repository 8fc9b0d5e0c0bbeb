import type { NodeLabel } from '../../core/base/names.ts';
import type { EpochMs } from '../../core/base/units.ts';
import type { TransferPrices } from '../../core/catalogue/lists.ts';
import type { Linode } from '../../core/cluster/linode.ts';
import type { AccountSettings, Cacheable, DefaultFirewalls, LinodeApi, Vlan } from '../../ports.ts';
import { type Call, errorOf, illShaped } from './answer.ts';
import { createLinode } from './create.ts';
import { createLinodeHttp, type LinodeHttp, type LinodeHttpOptions } from './http.ts';
import { listInvoiceItems, listInvoices } from './invoices.ts';
import { listAll, listLinodes } from './list.ts';
import { createPacer } from './pacing.ts';
import {
  type Decoder,
  decodeAvailability,
  decodeBytesSent,
  decodeEmpty,
  decodeFirewallSettings,
  decodeImage,
  decodeLinode,
  decodePage,
  decodeRegion,
  decodeSettings,
  decodeTransferPrices,
  decodeType,
  decodeVlan,
} from './wire.ts';

/** Linode's API v4 over HTTP. The instance paces its creates, so a process must have only one. */
export function createLinodeApi(options: LinodeHttpOptions): LinodeApi {
  const { clock, log } = options;
  const http = createLinodeHttp(options);
  const pacer = createPacer(clock);
  const lists = { http, clock, log };

  async function findByLabel(label: NodeLabel, by: EpochMs): Promise<Linode | 'notFound'> {
    const found = await listLinodes(lists, { label }, by);
    return found.find((linode) => linode.label === label) ?? 'notFound';
  }

  return {
    types: (by) => listAll(lists, { path: '/linode/types', item: decodeType }, by),
    regions: (by) => listAll(lists, { path: '/regions', item: decodeRegion }, by),
    images: (by) => listAll(lists, imagesOfType('manual'), by),
    recoveryImages: (by) => listAll(lists, imagesOfType('automatic'), by),
    availability: (region, by) => readAvailability(http, region, by),
    transferPrices: (by) => readTransferPrices(http, by),
    accountSettings: (by) => readAccountSettings(http, by),
    defaultFirewalls: (by) => readDefaultFirewalls(http, by),
    vlans: (region, by) => listVlans(lists, region, by),
    async deleteVlan(region, label, by) {
      const path = `/networking/vlans/${encodeURIComponent(region)}/${encodeURIComponent(label)}`;
      const call = { method: 'DELETE', path } as const;
      return (await sendForOne(http, call, decodeEmpty, by)) === 'notFound'
        ? 'notFound'
        : 'deleted';
    },
    async listByTag(tag, by) {
      const found = await listLinodes(lists, { tags: tag }, by);
      // Callers may delete the Linodes of this list, so it must not depend on how Linode reads the
      // filter.
      return found.filter(({ tags }) => tags.includes(tag));
    },
    async get(id, by) {
      const call = { method: 'GET', path: `/linode/instances/${id}` } as const;
      return sendForLinode(http, call, id, by);
    },
    async bytesSent(id, by) {
      const path = `/linode/instances/${id}/transfer`;
      const call = { method: 'GET', path, timeoutMs: OPTIONAL_TIMEOUT_MS } as const;
      return sendForOne(http, call, decodeBytesSent, by);
    },
    findByLabel,
    create: (request, limits) =>
      createLinode({ clock, log, http, pacer, findByLabel }, request, limits),
    async delete(id, by) {
      const call = { method: 'DELETE', path: `/linode/instances/${id}` } as const;
      return (await sendForOne(http, call, decodeEmpty, by)) === 'notFound'
        ? 'notFound'
        : 'deleted';
    },
    async setTags(id, tags, by) {
      const path = `/linode/instances/${id}`;
      const call = { method: 'PUT', path, body: { tags } } as const;
      return sendForLinode(http, call, id, by);
    },
    invoices: (by) => listInvoices(lists, by),
    invoiceItems: (id, page, by) => listInvoiceItems(lists, id, page, by),
    async deleteTag(tag, by) {
      const call = { method: 'DELETE', path: `/tags/${encodeURIComponent(tag)}` } as const;
      await sendForOne(http, call, decodeEmpty, by);
    },
  };
}

/** Callers do without the answer rather than wait longer. */
const OPTIONAL_TIMEOUT_MS = 3_000;

/** Linode marks the images that it has made by itself as automatic. */
const imagesOfType = (type: 'manual' | 'automatic') => ({
  path: '/images',
  item: decodeImage,
  filter: { type },
});

/** This route answers with a bare list, not with a page. */
async function readAvailability(http: LinodeHttp, region: string, by: EpochMs) {
  const path = `/regions/${encodeURIComponent(region)}/availability`;
  const call = { method: 'GET', path, timeoutMs: OPTIONAL_TIMEOUT_MS } as const;
  const verdict = await http.send(call, by);
  if (verdict.kind === 'ok') return decodeOrThrow(call, decodeAvailability, verdict.body);
  throw errorOf(call, verdict);
}

/** Whether the server does not have the route. */
const isAbsent = (status: number | null): boolean =>
  status !== null && [404, 405, 501].includes(status);

/** The kind of transfer of the regions in which Onebuck launches. */
const TRANSFER = 'network_transfer';

/** A short list of one page. Linode has the route; a server without it bills no transfer. */
async function readTransferPrices(
  http: LinodeHttp,
  by: EpochMs,
): Promise<Cacheable<TransferPrices | null>> {
  const path = '/network-transfer/prices';
  const call = { method: 'GET', path, timeoutMs: OPTIONAL_TIMEOUT_MS } as const;
  const verdict = await http.send(call, by);
  if (verdict.kind !== 'ok') {
    if (isAbsent(verdict.status)) return { value: null, maxAge: null };
    throw errorOf(call, verdict);
  }
  const { data } = decodeOrThrow(call, decodePage(decodeTransferPrices), verdict.body);
  const found = data.find(({ id }) => id === TRANSFER);
  if (found === undefined) throw errorOf(call, illShaped(`it has no ${TRANSFER}`));
  return { value: { gb: found.gb, byRegion: found.byRegion }, maxAge: verdict.maxAge };
}

/** A server without this route has none of these settings; Linode has the route. */
async function readAccountSettings(
  http: LinodeHttp,
  by: EpochMs,
): Promise<AccountSettings | 'unreadable'> {
  const call = { method: 'GET', path: '/account/settings' } as const;
  const verdict = await http.send(call, by);
  if (verdict.kind === 'ok') return decodeOrThrow(call, decodeSettings, verdict.body);
  if (verdict.kind === 'denied') return 'unreadable';
  if (isAbsent(verdict.status)) {
    return {
      backupsForced: false,
      managed: false,
      networkHelper: true,
      interfaces: 'legacy_config',
    };
  }
  throw errorOf(call, verdict);
}

async function readDefaultFirewalls(
  http: LinodeHttp,
  by: EpochMs,
): Promise<DefaultFirewalls | 'unreadable'> {
  const call = {
    method: 'GET',
    path: '/networking/firewalls/settings',
    timeoutMs: OPTIONAL_TIMEOUT_MS,
  } as const;
  const verdict = await http.send(call, by);
  if (verdict.kind === 'ok') return decodeOrThrow(call, decodeFirewallSettings, verdict.body);
  if (verdict.kind === 'denied' || isAbsent(verdict.status)) return 'unreadable';
  throw errorOf(call, verdict);
}

async function listVlans(
  lists: Parameters<typeof listAll>[0],
  region: string | null,
  by: EpochMs,
): Promise<readonly Vlan[]> {
  const filter = region !== null && { filter: { region } };
  const list = { path: '/networking/vlans', item: decodeVlan, ...filter };
  const { value } = await listAll(lists, list, by);
  return value
    .filter((vlan) => region === null || vlan.region === region)
    .map(({ id: _, ...vlan }) => vlan);
}

async function sendForOne<T>(
  http: LinodeHttp,
  call: Call,
  decoder: Decoder<T>,
  by: EpochMs,
): Promise<T | 'notFound'> {
  const verdict = await http.send(call, by);
  if (verdict.kind === 'ok') return decodeOrThrow(call, decoder, verdict.body);
  if (verdict.kind === 'rejected' && verdict.status === 404) return 'notFound';
  throw errorOf(call, verdict);
}

/** Throws on an answer about another Linode: it says nothing about the Linode `id`. */
async function sendForLinode(http: LinodeHttp, call: Call, id: number, by: EpochMs) {
  const linode = await sendForOne(http, call, decodeLinode, by);
  if (linode === 'notFound' || linode.id === id) return linode;
  throw errorOf(call, illShaped('id is another one'));
}

function decodeOrThrow<T>(call: Call, decoder: Decoder<T>, body: unknown): T {
  const decoded = decoder(body);
  if (decoded.ok) return decoded.value;
  throw errorOf(call, illShaped(decoded.fault));
}

/** Whether the URL is of Linode itself, whose bill is real and runs in real time. */
export const isRealLinode = (url: string): boolean =>
  /(^|\.)linode\.com\.?$/.test(new URL(url).hostname);
