import { isDeepStrictEqual } from 'node:util';
import { ApiError, busy, limitReached, noCapacity, notFound, notSimulated } from './api-error.ts';
import { bodyOf, type Call } from './call.ts';
import { offers, regions, types } from './catalogue.ts';
import { pageOf } from './collection.ts';
import {
  createRequest,
  groupErrors,
  labelErrors,
  policyErrors,
  refuseUnknownFields,
  tagsErrors,
} from './create-request.ts';
import {
  type Instance,
  type InstanceStatus,
  type Power,
  statusAt,
  wireInstance,
} from './instance.ts';
import { isObject, type Row, rowJson } from './json.ts';
import type { SimulatorSettings } from './settings.ts';
import { refuseVlansBeyondLimit } from './vlan-calls.ts';

const instanceFields = [
  ...['id', 'label', 'tags', 'region', 'image', 'group', 'ipv4', 'interface_generation'],
  ...['placement_group.label', 'placement_group.placement_group_type'],
];

export function listInstances(call: Call): string {
  const { account, now, staleSeconds, beta } = call;
  const at = now - staleSeconds * 1000;
  return pageOf(call, instanceFields, ({ equals }) => {
    const instances = staleSeconds > 0 ? account.presentAsOf(at) : account.present(now);
    return instances
      .filter((instance) => mayEqual(instance, equals))
      .map((instance) => wireInstance(instance, at, beta));
  });
}

/** Whether the filter can match; false saves composing a row that the filter leaves out. */
function mayEqual(instance: Instance, { id, label, tags }: Row): boolean {
  return (
    (typeof id !== 'number' || instance.id === id) &&
    (typeof label !== 'string' || instance.label === label) &&
    (typeof tags !== 'string' || instance.tags.includes(tags))
  );
}

export const showInstance = (call: Call): string => instanceJson(call, requestedInstance(call));

/** Checks in this order: the body, the account's limit, the capacity, the label, the VLANs. */
export function createInstance(call: Call): string {
  const { account, settings, now } = call;
  const request = createRequest(bodyOf(call), settings);
  if (settings.accountLimit !== null && account.existing >= settings.accountLimit) {
    throw limitReached();
  }
  refuseWithoutCapacity(request, settings);
  if (request.label !== null) refuseTakenLabel(call, request.label);
  refuseVlansBeyondLimit(call, request);
  const address = call.machines?.takeAddress(null) ?? null;
  if (call.machines !== null && address === null) throw noCapacity();
  const instance = account.create(request, now, settings, address);
  call.machines?.create(instance, instance.booted);
  return instanceJson(call, instance);
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
function refuseTakenLabel({ account, now }: Call, label: string, renamed?: Instance): void {
  const holder = account.findByLabel(label, now);
  if (holder === undefined || holder.id === renamed?.id) return;
  throw new ApiError(400, { reason: 'Label must be unique among your linodes', field: 'label' });
}

/** Fields that clients send back with every change; the simulator can't change them. */
const fixedFields = ['alerts', 'backups', 'watchdog_enabled'];
const updateFields = new Set(['label', 'tags', 'group', 'maintenance_policy', ...fixedFields]);

export function updateInstance(call: Call): string {
  const instance = requestedInstance(call);
  const body = bodyOf(call);
  refuseUnknownFields(body, updateFields);
  refuseOtherValues(body, wireInstance(instance, call.now, call.beta));
  const { label, tags, group, maintenance_policy: policy } = body;
  const errors = [
    ...(label === undefined ? [] : labelErrors(label)),
    ...(tags === undefined ? [] : tagsErrors(tags)),
    ...groupErrors(group),
    ...policyErrors(policy),
  ];
  if (errors.length > 0) throw new ApiError(400, ...errors);
  if (statusAt(instance, call.now) === 'deleting') throw busy();
  if (typeof label === 'string') refuseTakenLabel(call, label, instance);
  const change = {
    ...(typeof label === 'string' ? { label } : {}),
    ...(Array.isArray(tags) ? { tags: [...new Set(tags as string[])] } : {}),
    ...(typeof group === 'string' ? { group } : {}),
    ...(typeof policy === 'string' ? { maintenancePolicy: policy } : {}),
  };
  return instanceJson(call, call.account.update(instance, change, call.now));
}

function refuseOtherValues(body: Row, current: Row): void {
  const sent = fixedFields.filter((name) => Object.hasOwn(body, name));
  const changed = sent.filter((name) => !agrees(current[name], body[name]));
  if (changed.length > 0) throw notSimulated(`another value of ${changed.join(', ')}`);
}

/** Whether the sent value is the current value; a sent object may lack fields. */
function agrees(current: unknown, sent: unknown): boolean {
  if (!isObject(current) || !isObject(sent)) return isDeepStrictEqual(current, sent);
  return Object.entries(sent).every(([name, value]) => agrees(current[name], value));
}

/** A second deletion of a Linode that lingers is accepted and changes nothing. */
export function deleteInstance(call: Call): string {
  const instance = requestedInstance(call);
  if (instance.deleted === null) {
    call.account.delete(instance, call.now, call.settings);
    call.machines?.remove(instance.id);
  }
  return '{}';
}

/** Linodes that boot nothing have no power to switch. */
export const bootInstance = (call: Call): string =>
  switchPower(call, { from: ['offline'], to: 'booting', by: 'boot' });

export const rebootInstance = (call: Call): string =>
  switchPower(call, { from: ['running', 'offline'], to: 'rebooting', by: 'reboot' });

export const shutDownInstance = (call: Call): string =>
  switchPower(call, { from: ['running', 'offline'], to: 'shutting_down', by: 'shutDown' });

interface Switching {
  readonly from: readonly InstanceStatus[];
  readonly to: Power;
  readonly by: 'boot' | 'reboot' | 'shutDown';
}

function switchPower(call: Call, { from, to, by }: Switching): string {
  const { machines, account, now } = call;
  if (machines === null) throw notSimulated(`the call ${by}, as its Linodes boot nothing`);
  const instance = requestedInstance(call);
  if (!from.includes(statusAt(instance, now))) throw busy();
  account.setPower(instance.id, to, now);
  machines[by](instance.id);
  return '{}';
}

export function requestedInstance({ account, params: [id = ''], now }: Call): Instance {
  const instance = /^\d+$/.test(id) ? account.find(Number(id), now) : undefined;
  if (instance === undefined) throw notFound();
  return instance;
}

const instanceJson = ({ now, beta }: Call, instance: Instance): string =>
  rowJson(wireInstance(instance, now, beta));
