import { type ErrorItem, notSimulated } from './api-error.ts';
import { isObject } from './json.ts';
import type { SimulatorSettings } from './settings.ts';

export const generations = ['legacy_config', 'linode'] as const;
export type InterfaceGeneration = (typeof generations)[number];

/** A network interface of a Linode, the same for both generations. The first is its eth0. */
export type Interface =
  | { readonly purpose: 'public' }
  /** `address`: with the length of its prefix, `10.0.0.1/24`; null: the Linode sets it by itself. */
  | { readonly purpose: 'vlan'; readonly label: string; readonly address: string | null };

/** The part of a create that decides the Linode's networks, with its defaults filled in. */
export interface Networking {
  readonly interfaceGeneration: InterfaceGeneration;
  readonly interfaces: readonly Interface[];
  /** Whether Linode sets up the addresses inside the machine when it boots. */
  readonly networkHelper: boolean;
  /**
   * The account's default firewall, which lets no ssh in: the create did not say that it wants
   * none. null: no firewall.
   */
  readonly firewallId: number | null;
}

type Body = Readonly<Record<string, unknown>>;
type NetworkSettings = Pick<
  SimulatorSettings,
  'interfacesForNewLinodes' | 'networkHelper' | 'defaultFirewall'
>;

/** Of a body without errors. */
export function networkingOf(body: Body, settings: NetworkSettings): Networking {
  const interfaceGeneration = generationOf(body, settings);
  const items = itemsOf(body);
  const read = interfaceGeneration === 'linode' ? linodeInterface : legacyInterface;
  const isPublic = (item: Body) => read(item).purpose === 'public';
  const firewall =
    interfaceGeneration === 'linode' ? items.find(isPublic)?.firewall_id : body.firewall_id;
  return {
    interfaceGeneration,
    // A Linode that asks for no interface has a public one, except of the new generation.
    interfaces:
      items.length === 0 && interfaceGeneration === 'legacy_config'
        ? [{ purpose: 'public' }]
        : items.map(read),
    networkHelper:
      typeof body.network_helper === 'boolean' ? body.network_helper : settings.networkHelper,
    firewallId: firewall === NO_FIREWALL ? null : settings.defaultFirewall,
  };
}

/** Linode's words for most of these are not known (docs/linode.md#networks). */
export function networkingErrors(body: Body, settings: NetworkSettings): ErrorItem[] {
  const generation = generationOf(body, settings);
  const items = body.interfaces ?? [];
  if (!Array.isArray(items) || !items.every(isObject)) return [notValid('interfaces')];
  const check = generation === 'linode' ? linodeErrors : legacyErrors;
  const own = [
    ...(generation === 'linode'
      ? // Firewalls belong to interfaces there.
        [...refuse(body, 'firewall_id'), ...booleanErrors(body, 'network_helper')]
      : [...firewallErrors(body, 'firewall_id', settings), ...refuse(body, 'network_helper')]),
    ...items.flatMap((item, index) => check(item, `interfaces.${index}`, settings)),
  ];
  if (own.length > 0) return own;
  return listErrors(networkingOf(body, settings).interfaces);
}

/** Throws for interfaces of Linode's that the simulator lacks. */
export function refuseOtherInterfaces(body: Body): void {
  const items = Array.isArray(body.interfaces) ? body.interfaces.filter(isObject) : [];
  const hasVpc = items.some(({ purpose, vpc }) => purpose === 'vpc' || isObject(vpc));
  if (hasVpc) throw notSimulated('VPCs');
  const hasAddresses = items.some((item) => {
    const { ipv4, ipv6 } = isObject(item.public) ? item.public : {};
    const addresses = listIn(ipv4, 'addresses');
    const areAuto = addresses.every((one) => isObject(one) && one.address === 'auto');
    return addresses.length > 1 || !areAuto || listIn(ipv6, 'ranges').length > 0;
  });
  if (hasAddresses) throw notSimulated('chosen or additional public addresses');
}

export function generationErrors(body: Body, settings: NetworkSettings): ErrorItem[] {
  const { interface_generation: wanted } = body;
  const field = 'interface_generation';
  if (wanted === undefined || wanted === null) return [];
  const allowed = generations.filter(
    (generation) => settings.interfacesForNewLinodes !== FORBIDDING[generation],
  );
  return allowed.some((generation) => generation === wanted) ? [] : [notValid(field)];
}

/** For each generation, the account's setting that forbids it. */
const FORBIDDING = { legacy_config: 'linode_only', linode: 'legacy_config_only' } as const;

const NO_FIREWALL = -1;
const INTERFACES_MAX = 3;

function generationOf(body: Body, settings: NetworkSettings): InterfaceGeneration {
  const wanted = generations.find((generation) => generation === body.interface_generation);
  const isDefault = ['linode_only', 'linode_default_but_legacy_config_allowed'];
  return (
    wanted ?? (isDefault.includes(settings.interfacesForNewLinodes) ? 'linode' : 'legacy_config')
  );
}

const itemsOf = ({ interfaces }: Body): readonly Body[] =>
  Array.isArray(interfaces) ? interfaces : [];

function listIn(value: unknown, name: string): readonly unknown[] {
  const list = isObject(value) ? value[name] : undefined;
  return Array.isArray(list) ? list : [];
}

const legacyInterface = ({ purpose, label, ipam_address }: Body): Interface =>
  purpose === 'vlan'
    ? { purpose, label: String(label), address: textOrNull(ipam_address) }
    : { purpose: 'public' };

const linodeInterface = ({ vlan }: Body): Interface =>
  isObject(vlan)
    ? { purpose: 'vlan', label: String(vlan.vlan_label), address: textOrNull(vlan.ipam_address) }
    : { purpose: 'public' };

function legacyErrors(item: Body, path: string): ErrorItem[] {
  const { purpose, label, ipam_address: address, primary } = item;
  const unknown = others(item, path, ['purpose', 'label', 'ipam_address', 'primary']);
  if (purpose === 'public') {
    return [...unknown, ...refuse(item, 'label', path), ...refuse(item, 'ipam_address', path)];
  }
  if (purpose !== 'vlan') return [...unknown, notValid(`${path}.purpose`)];
  return [
    ...unknown,
    ...vlanLabelErrors(label, `${path}.label`),
    ...addressErrors(address, `${path}.ipam_address`),
    ...(primary === true ? [notValid(`${path}.primary`)] : []),
  ];
}

function linodeErrors(item: Body, path: string, settings: NetworkSettings): ErrorItem[] {
  const { vlan, public: open } = item;
  const unknown = others(item, path, ['vlan', 'public', 'vpc', 'default_route', 'firewall_id']);
  if (isObject(vlan) === isObject(open)) return [...unknown, notValid(path)];
  if (!isObject(vlan)) {
    return [...unknown, ...firewallErrors(item, `${path}.firewall_id`, settings, 'required')];
  }
  return [
    ...unknown,
    ...others(vlan, `${path}.vlan`, ['vlan_label', 'ipam_address']),
    ...vlanLabelErrors(vlan.vlan_label, `${path}.vlan.vlan_label`),
    ...addressErrors(vlan.ipam_address, `${path}.vlan.ipam_address`),
    ...['default_route', 'firewall_id'].flatMap((name) => refuse(item, name, path)),
  ];
}

/** A VLAN's address may be another Linode's too: Linode does not look. */
function listErrors(interfaces: readonly Interface[]): ErrorItem[] {
  const names = interfaces.map((one) => (one.purpose === 'public' ? one.purpose : one.label));
  const isTwice = names.some((name, index) => names.indexOf(name) !== index);
  return interfaces.length > INTERFACES_MAX || isTwice ? [notValid('interfaces')] : [];
}

function vlanLabelErrors(value: unknown, field: string): ErrorItem[] {
  const isLabel = typeof value === 'string' && /^((?!--)[a-zA-Z0-9-]){1,64}$/.test(value);
  return isLabel ? [] : [notValid(field)];
}

function addressErrors(value: unknown, field: string): ErrorItem[] {
  if (value === undefined || value === null) return [];
  const match =
    typeof value === 'string' ? /^(\d+)\.(\d+)\.(\d+)\.(\d+)\/(\d+)$/.exec(value) : null;
  const [, a, b, c, d, bits] = match?.map(Number) ?? [];
  const isCidr = [a, b, c, d].every((byte = 256) => byte <= 255) && (bits ?? 33) <= 32;
  return isCidr ? [] : [notValid(field)];
}

/** Besides the account's default firewall, the simulator has none. */
function firewallErrors(
  { firewall_id: value }: Body,
  field: string,
  { defaultFirewall }: NetworkSettings,
  need?: 'required',
): ErrorItem[] {
  // An interface must say which firewall it has, where the account has none by default.
  if (value === undefined && need && defaultFirewall === null) return [notValid(field)];
  if (value === undefined || value === null) return [];
  return [NO_FIREWALL, defaultFirewall].includes(value as number) ? [] : [notValid(field)];
}

function refuse(item: Body, name: string, path?: string): ErrorItem[] {
  const isAbsent = item[name] === undefined || item[name] === null;
  return isAbsent ? [] : [notValid(path === undefined ? name : `${path}.${name}`)];
}

function others(item: Body, path: string, known: readonly string[]): ErrorItem[] {
  return Object.keys(item)
    .filter((name) => !known.includes(name))
    .map((name) => notValid(`${path}.${name}`));
}

function booleanErrors(body: Body, field: string): ErrorItem[] {
  return ['undefined', 'boolean'].includes(typeof body[field]) ? [] : [notValid(field)];
}

const notValid = (field: string): ErrorItem => ({ reason: `${field} is not valid`, field });
const textOrNull = (value: unknown): string | null => (typeof value === 'string' ? value : null);
