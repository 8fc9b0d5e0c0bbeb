import { isDeepStrictEqual } from 'node:util';
import { ApiError, busy, limitReached, noCapacity, notFound, notSimulated } from './api-error.ts';
import { bodyOf, type Call } from './call.ts';
import { offers, regions, types } from './catalogue.ts';
import { pageOf } from './collection.ts';
import {
  createRequest,
  groupFaults,
  labelFaults,
  policyFaults,
  refuseUnknownFields,
  tagsFaults,
} from './create-request.ts';
import { type LedgerEntry, statusAt, wireInstance } from './instance.ts';
import { isObject, type Row, rowJson } from './json.ts';
import type { SimulatorSettings } from './settings.ts';

const instanceFields = [
  ...['id', 'label', 'tags', 'region', 'image', 'group', 'ipv4', 'interface_generation'],
  ...['placement_group.label', 'placement_group.placement_group_type'],
];

export function listInstances(call: Call): string {
  const { account, now, staleSeconds, beta } = call;
  const at = now - staleSeconds * 1000;
  return pageOf(call, instanceFields, ({ equals }) => {
    const entries = staleSeconds > 0 ? account.presentAsOf(at) : account.present(now);
    return entries
      .filter((entry) => mayEqual(entry, equals))
      .map((entry) => wireInstance(entry, at, beta));
  });
}

/** Spares those that a usual filter leaves out anyway from being written down for it. */
function mayEqual(entry: LedgerEntry, { id, label, tags }: Row): boolean {
  return (
    (typeof id !== 'number' || entry.id === id) &&
    (typeof label !== 'string' || entry.label === label) &&
    (typeof tags !== 'string' || entry.tags.includes(tags))
  );
}

export const showInstance = (call: Call): string => shown(call, found(call));

/** Checked in this order: the body, the account's limit, the capacity, the label. */
export function createInstance(call: Call): string {
  const { account, settings, now } = call;
  const request = createRequest(bodyOf(call), settings);
  if (settings.accountLimit !== null && account.existing >= settings.accountLimit) {
    throw limitReached();
  }
  refuseWithoutCapacity(request, settings);
  if (request.label !== null) refuseTakenLabel(call, request.label);
  return shown(call, account.create(request, now, settings));
}

function refuseWithoutCapacity(
  wanted: { type: string; region: string },
  { soldOut }: SimulatorSettings,
): void {
  const type = types.get(wanted.type);
  const region = regions.get(wanted.region);
  const isOffered = type !== undefined && region !== undefined && offers(region, type);
  const isSoldOut = soldOut.some(
    (pair) => pair.type === wanted.type && pair.region === wanted.region,
  );
  if (!isOffered || isSoldOut) throw noCapacity();
}

/** A deleted Linode that lingers keeps its label until it is gone. */
function refuseTakenLabel({ account, now }: Call, label: string, but?: LedgerEntry): void {
  const holder = account.findByLabel(label, now);
  if (holder === undefined || holder.id === but?.id) return;
  throw new ApiError(400, { reason: 'Label must be unique among your linodes', field: 'label' });
}

/** Clients send them back with every change; here they can't be other than they are. */
const fixedFields = ['alerts', 'backups', 'watchdog_enabled'];
const updateFields = new Set(['label', 'tags', 'group', 'maintenance_policy', ...fixedFields]);

export function updateInstance(call: Call): string {
  const entry = found(call);
  const body = bodyOf(call);
  refuseUnknownFields(body, updateFields);
  refuseOtherValues(body, wireInstance(entry, call.now, call.beta));
  const { label, tags, group, maintenance_policy: policy } = body;
  const faults = [
    ...(label === undefined ? [] : labelFaults(label)),
    ...(tags === undefined ? [] : tagsFaults(tags)),
    ...groupFaults(group),
    ...policyFaults(policy),
  ];
  if (faults.length > 0) throw new ApiError(400, ...faults);
  if (statusAt(entry, call.now) === 'deleting') throw busy();
  if (typeof label === 'string') refuseTakenLabel(call, label, entry);
  const change = {
    ...(typeof label === 'string' ? { label } : {}),
    ...(Array.isArray(tags) ? { tags: [...new Set(tags as string[])] } : {}),
    ...(typeof group === 'string' ? { group } : {}),
    ...(typeof policy === 'string' ? { maintenancePolicy: policy } : {}),
  };
  return shown(call, call.account.update(entry, change, call.now));
}

function refuseOtherValues(body: Row, current: Row): void {
  const given = fixedFields.filter((name) => Object.hasOwn(body, name));
  const other = given.filter((name) => !holds(current[name], body[name]));
  if (other.length > 0) throw notSimulated(`another value of ${other.join(', ')}`);
}

/** Whether it says nothing that is not so: of an object, it may leave fields out. */
function holds(actual: unknown, said: unknown): boolean {
  if (!isObject(actual) || !isObject(said)) return isDeepStrictEqual(actual, said);
  return Object.entries(said).every(([name, value]) => holds(actual[name], value));
}

/** Deleting again what still lingers is accepted, and changes nothing. */
export function deleteInstance(call: Call): string {
  const entry = found(call);
  if (entry.deleted === null) call.account.delete(entry, call.now, call.settings);
  return '{}';
}

function found({ account, params: [id = ''], now }: Call): LedgerEntry {
  const entry = /^\d+$/.test(id) ? account.find(Number(id), now) : undefined;
  if (entry === undefined) throw notFound();
  return entry;
}

const shown = ({ now, beta }: Call, entry: LedgerEntry): string =>
  rowJson(wireInstance(entry, now, beta));
