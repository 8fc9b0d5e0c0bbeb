import * as z from 'zod/mini';
import type { Fault } from '../base/fault.ts';
import {
  amount,
  firstOfEachPath,
  isObject,
  must,
  name,
  optional,
  parseFields,
  text,
  wholeNumber,
} from '../base/fields.ts';
import type { MicroUsd } from '../base/money.ts';
import { type Job, jobFaults, jobSchema } from '../job/job.ts';
import type { NetworkKind } from '../room/network.ts';
import { type Setup, setups } from '../room/setups.ts';
import { KEY, KEY_PATTERN, keyFault, normalKey } from './public-key.ts';

/**
 * A spec whose fields are valid by themselves. choose.ts checks them against Linode's catalogue.
 */
export interface Spec {
  /** 1 to 64 printable characters. */
  readonly name: string | null;
  readonly nodes: number;
  readonly machine: MachineChoice;
  readonly region: string;
  /** An id or a label. */
  readonly image: string;
  readonly budget: MicroUsd;
  /** Whole hours, 1 to 87 600, that each node may be billed at most; null: no limit. */
  readonly maxHours: number | null;
  /** Whole GB of outbound transfer, 0 to 10 000 000; null: what the nodes bring. */
  readonly transferGb: number | null;
  /** At most 50 lines of OpenSSH public keys, 80 000 bytes together. */
  readonly authorizedKeys: readonly string[];
  /** At most 50 users of the Linode account, whose keys Linode puts beside `authorizedKeys`. */
  readonly authorizedUsers: readonly string[];
  /** Text, at most 16 384 bytes in UTF-8; null: `userDataBase64` has the user data, or none is. */
  readonly userData: string | null;
  /** Base64 of 1 to 16 384 bytes. */
  readonly userDataBase64: string | null;
  /** What to do with the nodes that came up if other nodes never will. */
  readonly onPartial: 'destroy' | 'keep';
  /** At most 10 tags; none looks like a tag that Onebuck sets itself. */
  readonly tags: readonly string[];
  /** null: the launch decides (lib/core/catalogue/room.ts). */
  readonly network: NetworkKind | 'none' | null;
  /** What Onebuck installs on every node. */
  readonly setup: readonly Setup[];
  /**
   * The ports that the internet reaches beside ssh: at most 20, such as `80`, `8000-8100` or
   * `53/udp`.
   */
  readonly openPorts: readonly string[];
  /** null: the cluster is for whoever logs in. */
  readonly job: Job | null;
}

export type MachineChoice =
  | { readonly kind: 'type'; readonly type: string }
  /** The cheapest type with at least this size. */
  | { readonly kind: 'size'; readonly vcpus: number; readonly memoryMb: number };

export interface SpecLimits {
  readonly nodesMax: number;
  readonly budgetMax: MicroUsd;
}

export type ParsedSpec =
  | { readonly ok: true; readonly spec: Spec }
  | {
      readonly ok: false;
      readonly faults: readonly Fault[];
      /** The valid fields, so that they can be checked against Linode's catalogue all the same. */
      readonly partial: Partial<Spec>;
    };

/** Whether people log in by keys, so that a node needs no password. */
export const hasKeys = (spec: Pick<Spec, 'authorizedKeys' | 'authorizedUsers'>): boolean =>
  spec.authorizedKeys.length > 0 || spec.authorizedUsers.length > 0;

/** Linode's real limit, after base64 is decoded: docs/linode.md#user-data. */
const USER_DATA_BYTES_MAX = 16_384;

/** Reads a spec from anything that JSON can hold; finds all faults at once, one for each path. */
export function parseSpec(input: unknown, limits: SpecLimits): ParsedSpec {
  if (!isObject(input)) {
    const faults = [{ path: '', message: 'a spec must be a JSON object' }];
    return { ok: false, faults, partial: {} };
  }
  const { valid, faults: found } = parseFields(input, specSchema(limits).shape, 'a spec');
  // `valid` holds, under each field's name, the output of the field's schema.
  const { type, vcpus, memoryMb, budgetUsd, ...others } = valid as Partial<Fields>;
  const asked = machineFrom({ type, vcpus, memoryMb }, input);
  const partial: Partial<Spec> = {
    ...others,
    ...(budgetUsd === undefined ? {} : { budget: budgetUsd }),
    ...(asked.machine === null ? {} : { machine: asked.machine }),
  };
  const faults = firstOfEachPath([
    ...found,
    ...asked.faults,
    ...twoUserData(partial),
    ...setupsApart(partial),
    ...jobFaults(partial.job),
  ]);
  // Without a fault, no field is missing.
  return faults.length === 0 ? { ok: true, spec: partial as Spec } : { ok: false, faults, partial };
}

/**
 * The JSON form of a spec. The message of a fault reads on from its path: "must be …". A spec needs
 * either a type or a size; `parseSpec` checks this rule, not the schema.
 */
export const specSchema = ({ nodesMax, budgetMax }: SpecLimits) =>
  z.strictObject({
    name: optional(name),
    nodes: wholeNumber(1, nodesMax, 'How many Linodes to launch together.'),
    type: z.optional(
      text(
        /^.{1,64}$/,
        TYPE,
        'A type of GET /types. Leave it out where vcpus or memoryMb is given.',
      ),
    ),
    vcpus: z.optional(
      wholeNumber(1, VCPUS_MAX, 'The fewest vCPUs; the cheapest type that has them is taken.'),
    ),
    memoryMb: z.optional(
      wholeNumber(1, MEMORY_MB_MAX, 'The least memory; the cheapest type that has it is taken.'),
    ),
    region: text(
      /^.{1,64}$/,
      'a region id such as us-east (GET /regions lists them)',
      'A region of GET /regions.',
    ),
    image: text(
      /^.{1,128}$/,
      'an image id or label such as linode/debian12 or "Debian 12" (GET /images lists them)',
      'The id or the label of an image of GET /images.',
    ),
    budgetUsd: amount(
      budgetMax,
      'The most that Linode may bill, in US dollars with at most 6 decimals.',
    ),
    maxHours: optional(
      wholeNumber(
        1,
        HOURS_MAX,
        'The most hours that each node may be billed, even if the budget affords more.',
      ),
    ),
    transferGb: optional(transferGbSchema),
    authorizedKeys: z._default(authorizedKeys, []),
    authorizedUsers: z._default(authorizedUsers, []),
    userData: optional(userData),
    userDataBase64: optional(userDataBase64),
    onPartial: z._default(onPartial, 'destroy'),
    tags: z._default(tags, []),
    network: optional(network),
    setup: z._default(setup, []),
    openPorts: z._default(openPorts, []),
    job: optional(jobSchema),
  });

type Fields = z.infer<ReturnType<typeof specSchema>>;

const VCPUS_MAX = 1_024;
const MEMORY_MB_MAX = 16_777_216;
/** 10 PB, far more than any budget pays. */
export const TRANSFER_GB_MAX = 10_000_000;
export const transferGbSchema = wholeNumber(
  0,
  TRANSFER_GB_MAX,
  'The GB that the nodes are planned to send to the internet. The budget holds back what those ' +
    'beyond what the nodes bring cost. Leave it out to plan with what they bring.',
);
/** Ten years of 365 days. */
export const HOURS_MAX = 87_600;
const KEYS_MAX = 50;
/** 50 RSA keys of 8,192 bits. A record has no room for more (lib/core/cluster/bounds.ts). */
const KEYS_BYTES_MAX = 80_000;
const USERS_MAX = 50;
const TAGS_MAX = 10;
const OPEN_PORTS_MAX = 20;

const TYPE = 'a type id such as g6-nanode-1 (GET /types lists them)';

/**
 * A tag of a spec. Linode takes 3 to 50 characters, and real tags have been seen with these
 * (docs/linode.md#labels-and-tags). A blank at either end is refused: if Linode dropped a blank
 * before `reap=…`, the tag would become a `reap` tag, which only Onebuck may set.
 */
const TAG = /^(?! )(?!onebuck|reap=)[A-Za-z0-9 =._:-]{3,50}(?<! )$/i;

/** A pattern for the description that allows more than TAG, and of which generators can make use. */
const TAG_DESCRIBED = '^[A-Za-z0-9=._:-][A-Za-z0-9 =._:-]{1,48}[A-Za-z0-9=._:-]$';

/** Groups of four characters, the last with padding; not empty. */
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{4}|[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)$/;

/** The bytes of a text in base64. */
const bytesIn = (base64: string): number =>
  (base64.length / 4) * 3 - (base64.length - base64.replace(/=+$/, '').length);

const bytesOf = (content: string): number => new TextEncoder().encode(content).length;

const authorizedKeys = z
  .array(
    z.string({ error: must(KEY) }).check(
      z.overwrite(normalKey),
      z.superRefine((key, context) => {
        const fault = keyFault(key);
        if (fault !== null) context.addIssue({ code: 'custom', message: fault });
      }),
      z.meta({ override: { pattern: KEY_PATTERN } }),
    ),
    { error: must(`a list of at most ${KEYS_MAX} OpenSSH public keys`) },
  )
  .check(
    z.maxLength(KEYS_MAX),
    z.refine((keys) => bytesOf(keys.join('')) <= KEYS_BYTES_MAX, {
      error:
        `must be at most ${KEYS_BYTES_MAX} bytes long together: ` +
        'take shorter keys, such as ssh-ed25519, or leave out comments',
    }),
    z.describe('The public keys that may log in as root.'),
  );

const authorizedUsers = z
  .array(
    z
      .string({ error: must('the name of a user of the Linode account') })
      // Linode's own rule for the names of users (docs/linode.md#keys).
      .check(z.regex(/^[A-Za-z0-9._-]{3,32}$/)),
    { error: must(`a list of at most ${USERS_MAX} users of the Linode account`) },
  )
  .check(
    z.maxLength(USERS_MAX),
    z.describe('The users of the Linode account whose public keys may log in as root.'),
  );

const userData = z
  .string({ error: must(`plain text, not base64, of 1 to ${USER_DATA_BYTES_MAX} bytes in UTF-8`) })
  .check(
    z.minLength(1),
    z.maxLength(USER_DATA_BYTES_MAX),
    z.refine((content) => bytesOf(content) <= USER_DATA_BYTES_MAX),
    z.describe('What cloud-init runs at the first boot, such as a script or #cloud-config.'),
  );

const userDataBase64 = z
  .string({ error: must(`base64 of 1 to ${USER_DATA_BYTES_MAX} bytes, with its padding`) })
  .check(
    z.regex(BASE64),
    z.maxLength(4 * Math.ceil(USER_DATA_BYTES_MAX / 3)),
    z.refine((text) => bytesIn(text) <= USER_DATA_BYTES_MAX),
    z.describe('The same as bytes, such as a script in gzip. Give it instead of userData.'),
  );

const onPartial = z
  .enum(['destroy', 'keep'], { error: must('"destroy" or "keep"') })
  .check(z.describe('What to do with the nodes that came up if others never will.'));

const tags = z
  .array(
    z
      .string({
        error: must(
          '3 to 50 letters, digits, blanks or =._:- that do not start with onebuck or reap=, ' +
            'and have no blank at either end',
        ),
      })
      .check(z.regex(TAG), z.meta({ override: { pattern: TAG_DESCRIBED } })),
    { error: must(`a list of at most ${TAGS_MAX} tags`) },
  )
  .check(
    z.maxLength(TAGS_MAX),
    withoutRepeats(),
    z.describe('Tags for every node, in addition to the tags that Onebuck sets.'),
  );

const network = z
  .enum(['private', 'isolated', 'none'], { error: must('"private", "isolated" or "none"') })
  .check(
    z.describe(
      'How the nodes reach each other: on the private network of all clusters of the deployment, ' +
        'with a subnet of their own; on one that is isolated from it; or not. By default private ' +
        'for two nodes and more, where region and image allow it.',
    ),
  );

const setup = z
  .array(z.enum(setups, { error: must(`one of ${setups.join(', ')}`) }), {
    error: must(`a list of ${setups.join(', ')}`),
  })
  .check(
    withoutRepeats(),
    z.describe(
      'What Onebuck installs on every node, and has working when the cluster is ready. It needs ' +
        'an image of Debian or Ubuntu.',
    ),
  );

/** A port or a range, and its protocol if that is not TCP. */
const PORTS = /^[1-9]\d{0,4}(-[1-9]\d{0,4})?(\/(tcp|udp))?$/;
const PORT_MAX = 65_535;
const OPEN_PORT = `a port from 1 to ${PORT_MAX}, or a range such as 8000-8100; 53/udp for UDP`;

const openPorts = z
  .array(
    z.pipe(
      z.union(
        [
          z.int({ error: must(OPEN_PORT) }).check(z.gte(1), z.lte(PORT_MAX)),
          z.string({ error: must(OPEN_PORT) }).check(z.regex(PORTS)),
        ],
        { error: must(OPEN_PORT) },
      ),
      z.transform((port: number | string, context): string => {
        const text = `${port}`.replace('/tcp', '');
        const [from = 0, to = from] = text.split('/')[0]?.split('-').map(Number) ?? [];
        if (from <= to && to <= PORT_MAX) return text;
        const message = from > to ? 'must begin with its lower port' : `must be ${OPEN_PORT}`;
        context.issues.push({ code: 'custom', message, input: port });
        return z.NEVER;
      }),
    ),
    { error: must(`a list of at most ${OPEN_PORTS_MAX} ports, such as "80" or "8000-8100"`) },
  )
  .check(
    z.maxLength(OPEN_PORTS_MAX),
    withoutRepeats(),
    z.describe('The ports that the internet reaches beside ssh, on every node.'),
  );

/**
 * A fault for each item of a list that repeats an earlier one in any case: Linode does not document
 * whether two tags may differ by case only.
 */
function withoutRepeats() {
  return z.superRefine(
    (list: readonly unknown[], context) => {
      for (const index of repeated(list)) {
        context.addIssue({
          code: 'custom',
          path: [index],
          message: 'must differ from the others',
        });
      }
    },
    // Look for repeated items even if an item is at fault by itself.
    { when: ({ value }) => Array.isArray(value) },
  );
}

function repeated(list: readonly unknown[]): number[] {
  const seen = list.map((item) => (typeof item === 'string' ? item.toLowerCase() : item));
  return [...seen.keys()].filter((index) => seen.indexOf(seen[index]) < index);
}

function twoUserData({ userData, userDataBase64 }: Partial<Spec>): Fault[] {
  if (typeof userData !== 'string' || typeof userDataBase64 !== 'string') return [];
  const message = 'userDataBase64 and userData exclude each other: leave one of them out';
  return [{ path: 'userDataBase64', message }];
}

/** Setups make several nodes work together, which needs a network between them. */
function setupsApart({ nodes = 1, network, setup = [] }: Partial<Spec>): Fault[] {
  if (network !== 'none' || nodes === 1 || setup.length === 0) return [];
  const message =
    `network none leaves the nodes without the network that ${setup.join(' and ')} ` +
    `${setup.length === 1 ? 'needs' : 'need'}: leave it out, or ask for private or isolated`;
  return [{ path: 'network', message }];
}

/**
 * The type or the size that a spec gives; a missing part of a size is 1. Giving both, or neither,
 * is a fault.
 */
function machineFrom(
  valid: Partial<Pick<Fields, 'type' | 'vcpus' | 'memoryMb'>>,
  input: Readonly<Record<string, unknown>>,
): { machine: MachineChoice | null; faults: Fault[] } {
  const has = (name: string) => Object.hasOwn(input, name) && input[name] !== undefined;
  const { type, vcpus = 1, memoryMb = 1 } = valid;
  const sizes = (['vcpus', 'memoryMb'] as const).filter(has);
  if (has('type') && sizes.length > 0) {
    const message = `type and ${sizes.join(' and ')} exclude each other: leave one of them out`;
    return { machine: null, faults: [{ path: 'type', message }] };
  }
  if (!has('type') && sizes.length === 0) {
    const message = `type is required: ${TYPE}; or else vcpus, memoryMb or both`;
    return { machine: null, faults: [{ path: 'type', message }] };
  }
  if (type !== undefined) return { machine: { kind: 'type', type }, faults: [] };
  const isValid = sizes.every((name) => valid[name] !== undefined);
  const machine: MachineChoice = { kind: 'size', vcpus, memoryMb };
  return { machine: sizes.length > 0 && isValid ? machine : null, faults: [] };
}
