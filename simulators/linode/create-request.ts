import { ApiError, type Fault, notSimulated } from './api-error.ts';
import { images, regions, types } from './catalogue.ts';
import { isObject } from './json.ts';
import type { SimulatorSettings } from './settings.ts';

/** The body of POST /linode/instances, checked and with its defaults filled in. */
export interface CreateRequest {
  readonly type: string;
  readonly region: string;
  readonly image: string | null;
  /** null: the API makes one from the id. */
  readonly label: string | null;
  readonly tags: readonly string[];
  readonly group: string;
  readonly backupsEnabled: boolean;
  readonly diskEncryption: string;
  readonly interfaceGeneration: string;
  readonly maintenancePolicy: string;
  // What follows is write-only: the API never shows it.
  readonly booted: boolean;
  readonly rootPass: string | null;
  readonly authorizedKeys: readonly string[];
  /** Base64, as it was sent. */
  readonly userData: string | null;
}

type Body = Readonly<Record<string, unknown>>;

/** Throws every fault of the body at once, as the API does. */
export function createRequest(
  body: Body,
  settings: Pick<SimulatorSettings, 'regionsWithoutMetadata'>,
): CreateRequest {
  refuseUnknownFields(body, createFields);
  const faults = createFaults(body, settings);
  if (faults.length > 0) throw new ApiError(400, ...faults);

  const image = text(body.image);
  return {
    type: text(body.type) ?? '',
    region: text(body.region) ?? '',
    image,
    label: text(body.label),
    tags: [...new Set(texts(body.tags))],
    group: text(body.group) ?? '',
    backupsEnabled: body.backups_enabled === true,
    diskEncryption: text(body.disk_encryption) ?? 'enabled',
    interfaceGeneration: 'legacy_config',
    maintenancePolicy: text(body.maintenance_policy) ?? 'linode/migrate',
    // Without an image there is nothing to boot from.
    booted: image !== null && body.booted !== false,
    rootPass: text(body.root_pass),
    authorizedKeys: texts(body.authorized_keys),
    userData: isObject(body.metadata) ? text(body.metadata.user_data) : null,
  };
}

const createFields = new Set([
  ...['type', 'region', 'image', 'label', 'tags', 'group', 'booted', 'backups_enabled'],
  ...['root_pass', 'authorized_keys', 'authorized_users', 'metadata', 'firewall_id'],
  ...['swap_size', 'boot_size', 'disk_encryption', 'interface_generation', 'maintenance_policy'],
]);

/** A field that means nothing here would make the test world differ from the real one unseen. */
export function refuseUnknownFields(body: Body, known: ReadonlySet<string>): void {
  const unknown = Object.keys(body).filter((name) => !known.has(name));
  if (unknown.length > 0) throw notSimulated(`the field ${unknown.join(', ')} of this call`);
  if (body.interface_generation === 'linode') throw notSimulated('Linode interfaces');
}

function createFaults(
  body: Body,
  settings: Pick<SimulatorSettings, 'regionsWithoutMetadata'>,
): Fault[] {
  return [
    ...typeFaults(body.type),
    ...regionFaults(body.region),
    ...imageFaults(body.image),
    ...(isAbsent(body.label) ? [] : labelFaults(body.label)),
    ...passwordFaults(body.root_pass),
    ...keyFaults(body.authorized_keys),
    ...listFaults(body.authorized_users, 'authorized_users'),
    ...credentialFaults(body),
    ...(isAbsent(body.tags) ? [] : tagsFaults(body.tags)),
    ...userDataFaults(body, settings),
    ...['booted', 'backups_enabled'].flatMap((field) => booleanFaults(body[field], field)),
    ...['swap_size', 'boot_size'].flatMap((field) => integerFaults(body[field], field)),
    ...choiceFaults(body.disk_encryption, 'disk_encryption', ['enabled', 'disabled']),
    ...choiceFaults(body.interface_generation, 'interface_generation', ['legacy_config']),
    ...policyFaults(body.maintenance_policy),
    // There are no firewalls here, and -1 asks for none.
    ...choiceFaults(body.firewall_id, 'firewall_id', [-1]),
    ...groupFaults(body.group),
  ];
}

function typeFaults(value: unknown): Fault[] {
  if (isAbsent(value)) return [{ reason: 'type is required', field: 'type' }];
  if (typeof value === 'string' && types.has(value)) return [];
  return [{ reason: 'A valid plan type by that ID was not found', field: 'type' }];
}

function regionFaults(value: unknown): Fault[] {
  if (isAbsent(value)) return [{ reason: 'region is required', field: 'region' }];
  return typeof value === 'string' && regions.has(value) ? [] : [notValid('region')];
}

function imageFaults(value: unknown): Fault[] {
  if (isAbsent(value)) return [];
  return typeof value === 'string' && images.has(value) ? [] : [notValid('image')];
}

/**
 * The documented pattern wants a letter first where the prose allows a digit, and the prose wants
 * a letter or digit last: the simulator wants both (docs/linode.md#labels-and-tags).
 */
export function labelFaults(value: unknown): Fault[] {
  const field = 'label';
  if (typeof value !== 'string') return [notValid(field)];
  if (value.length < 3 || value.length > 64) {
    return [{ reason: 'Length must be 3-64 characters', field }];
  }
  if (/^[a-zA-Z]((?!--|__|\.\.)[a-zA-Z0-9-_.])*[a-zA-Z0-9]$/.test(value)) return [];
  return [
    {
      reason:
        'Label must begin with a letter, end with a letter or digit, and hold nothing but ' +
        'letters, digits, dashes, underscores and periods, none of the last three doubled',
      field,
    },
  ];
}

function passwordFaults(value: unknown): Fault[] {
  const field = 'root_pass';
  if (isAbsent(value)) return [];
  if (typeof value !== 'string') return [notValid(field)];
  if (value.length >= 7 && value.length <= 128) return [];
  return [{ reason: 'Length must be 7-128 characters', field }];
}

function keyFaults(value: unknown): Fault[] {
  const faults = listFaults(value, 'authorized_keys');
  if (faults.length > 0) return faults;
  return texts(value).flatMap((key, index) =>
    /^(ssh-|ecdsa-|sk-)\S+ \S+[^\n\r]*$/.test(key) ? [] : [notValid(`authorized_keys[${index}]`)],
  );
}

/** An image needs someone who can log in. */
function credentialFaults(body: Body): Fault[] {
  if (isAbsent(body.image)) return [];
  const given =
    text(body.root_pass) !== null ||
    texts(body.authorized_keys).length > 0 ||
    texts(body.authorized_users).length > 0;
  if (given) return [];
  return [{ reason: 'Must provide valid root_pass, authorized_keys, or authorized_users' }];
}

export function tagsFaults(value: unknown): Fault[] {
  const faults = listFaults(value, 'tags');
  if (faults.length > 0 || texts(value).every(isTag)) return faults;
  return [{ reason: 'Length must be 3-50 characters', field: 'tags' }];
}

export const isTag = (label: string): boolean => label.length >= 3 && label.length <= 50;

/** docs/linode.md#user-data; Linode's descriptions give three other limits. */
const USER_DATA_BYTES_MAX = 16_384;

function userDataFaults(
  body: Body,
  settings: Pick<SimulatorSettings, 'regionsWithoutMetadata'>,
): Fault[] {
  const field = 'metadata.user_data';
  if (isAbsent(body.metadata)) return [];
  if (!isObject(body.metadata)) return [notValid('metadata')];
  const data = body.metadata.user_data;
  if (isAbsent(data)) return [];
  if (typeof data !== 'string' || !isBase64(data)) return [notValid(field)];
  const faults: Fault[] = [];
  if (Buffer.byteLength(data, 'base64') > USER_DATA_BYTES_MAX) {
    faults.push({ reason: `Length must be at most ${USER_DATA_BYTES_MAX} bytes decoded`, field });
  }
  // Recorded: a Linode without an image takes user data too.
  const image = typeof body.image === 'string' ? images.get(body.image) : undefined;
  if (image !== undefined && !image.capabilities.includes('cloud-init')) {
    faults.push({ reason: 'The image does not support cloud-init', field });
  }
  const { region } = body;
  if (typeof region === 'string' && settings.regionsWithoutMetadata.includes(region)) {
    faults.push({ reason: 'The region does not support Metadata', field });
  }
  return faults;
}

const isBase64 = (value: string): boolean =>
  value.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(value);

export function policyFaults(value: unknown): Fault[] {
  const field = 'maintenance_policy';
  if (choiceFaults(value, field, ['linode/migrate', 'linode/power_off_on']).length === 0) return [];
  return [{ reason: 'Unsupported maintenance policy slug format.', field }];
}

export function groupFaults(value: unknown): Fault[] {
  return isAbsent(value) || typeof value === 'string' ? [] : [notValid('group')];
}

function booleanFaults(value: unknown, field: string): Fault[] {
  return isAbsent(value) || typeof value === 'boolean' ? [] : [notValid(field)];
}

function integerFaults(value: unknown, field: string): Fault[] {
  return isAbsent(value) || Number.isSafeInteger(value) ? [] : [notValid(field)];
}

function choiceFaults(value: unknown, field: string, choices: readonly unknown[]): Fault[] {
  return isAbsent(value) || choices.includes(value) ? [] : [notValid(field)];
}

function listFaults(value: unknown, field: string): Fault[] {
  if (isAbsent(value)) return [];
  const isList = Array.isArray(value) && value.every((item) => typeof item === 'string');
  return isList ? [] : [notValid(field)];
}

const notValid = (field: string): Fault => ({ reason: `${field} is not valid`, field });
const isAbsent = (value: unknown): boolean => value === undefined || value === null;
const text = (value: unknown): string | null => (typeof value === 'string' ? value : null);
const texts = (value: unknown): string[] =>
  Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
