import { randomBytes } from 'node:crypto';
import type { Interface } from '../linode/interfaces.ts';

/** What Linode's metadata service knows of a Linode. */
export interface NodeFacts {
  readonly id: number;
  readonly label: string;
  readonly region: string;
  readonly type: string;
  readonly hostUuid: string;
  readonly tags: readonly string[];
  readonly image: { readonly id: string; readonly label: string } | null;
  readonly specs: {
    readonly vcpus: number;
    readonly memory: number;
    readonly gpus: number;
    readonly transfer: number;
    readonly disk: number;
  };
  readonly backupsEnabled: boolean;
  /** Without a length. */
  readonly ipv4: string;
  /** With its length, such as `2001:db8::1/128`. */
  readonly ipv6: string;
  readonly interfaces: readonly Interface[];
  readonly authorizedKeys: readonly string[];
  /** Base64, as it was sent. */
  readonly userData: string | null;
}

export interface MetadataRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

export interface MetadataReply {
  readonly status: number;
  readonly type: 'text/plain' | 'application/json';
  readonly body: string;
}

const EXPIRY_SECONDS_MAX = 86_400;

/**
 * Linode's metadata service, as https://techdocs.akamai.com/cloud-computing/docs/metadata-service-api
 * describes it and cloud-init's DataSourceAkamai asks it. A token is of the Linode that asked for it.
 */
export class MetadataService {
  readonly #now: () => number;
  readonly #tokens = new Map<string, { readonly id: number; readonly expiresAt: number }>();

  /** `now`: epoch milliseconds. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** `facts`: of the Linode with the address of the request; null: no Linode has it. */
  reply(request: MetadataRequest, facts: NodeFacts | null): MetadataReply {
    if (facts === null) return text(404, 'not found');
    const path = request.path.replace(/\/+$/, '');
    const isJson = header(request, 'accept').includes('application/json');
    if (path === '/v1/token') return this.#token(request, facts, isJson);
    if (!this.#isValid(header(request, 'metadata-token'), facts)) {
      return text(401, 'Missing or invalid token');
    }
    if (request.method !== 'GET') return text(405, 'Method Not Allowed');
    const document = documents[path]?.(facts);
    if (document !== undefined) return isJson ? json(document) : text(200, flat(document));
    // cloud-init takes a 404 for a failure, so a Linode without user data has them empty.
    if (path === '/v1/user-data') return text(200, facts.userData ?? '');
    return text(404, 'not found');
  }

  #token(request: MetadataRequest, { id }: NodeFacts, isJson: boolean): MetadataReply {
    if (request.method !== 'PUT') return text(405, 'Method Not Allowed');
    const seconds = Number(header(request, 'metadata-token-expiry-seconds') || Number.NaN);
    if (!(Number.isInteger(seconds) && seconds >= 1 && seconds <= EXPIRY_SECONDS_MAX)) {
      return text(400, `Metadata-Token-Expiry-Seconds must be 1 to ${EXPIRY_SECONDS_MAX}`);
    }
    const token = randomBytes(32).toString('hex');
    this.#tokens.set(token, { id, expiresAt: this.#now() + seconds * 1000 });
    return isJson ? json([token]) : text(200, token);
  }

  #isValid(token: string, { id }: NodeFacts): boolean {
    const known = this.#tokens.get(token);
    return known !== undefined && known.id === id && this.#now() < known.expiresAt;
  }
}

type Document = Readonly<Record<string, unknown>>;

const documents: Readonly<Record<string, (facts: NodeFacts) => Document>> = {
  '/v1/instance': (facts) => ({
    id: facts.id,
    label: facts.label,
    region: facts.region,
    type: facts.type,
    specs: facts.specs,
    backups: { enabled: facts.backupsEnabled, status: null },
    host_uuid: facts.hostUuid,
    tags: facts.tags,
    image: facts.image,
  }),
  '/v1/network': ({ ipv4, ipv6, interfaces }) => ({
    interfaces: interfaces.map((one) =>
      one.purpose === 'public'
        ? { label: null, purpose: one.purpose, ipam_address: null }
        : { label: one.label, purpose: one.purpose, ipam_address: one.address },
    ),
    ipv4: { public: [`${ipv4}/32`], private: [], shared: [] },
    ipv6: { slaac: ipv6, link_local: '', ranges: [], shared_ranges: [] },
  }),
  '/v1/ssh-keys': ({ authorizedKeys }) => ({ users: { root: authorizedKeys } }),
};

/** The document as lines, such as `specs.memory: 1024`. */
function flat(document: Document, prefix = ''): string {
  return Object.entries(document)
    .map(([name, value]) => {
      const isNested = typeof value === 'object' && value !== null && !Array.isArray(value);
      if (isNested) return flat(value as Document, `${prefix}${name}.`);
      return `${prefix}${name}: ${Array.isArray(value) ? value.map(word).join(' ') : value}\n`;
    })
    .join('');
}

const word = (value: unknown): string =>
  typeof value === 'object' ? JSON.stringify(value) : String(value);

function header({ headers }: MetadataRequest, name: string): string {
  const value = headers[name];
  return (Array.isArray(value) ? value[0] : value) ?? '';
}

const text = (status: number, body: string): MetadataReply => ({
  status,
  type: 'text/plain',
  body,
});
const json = (value: unknown): MetadataReply => ({
  status: 200,
  type: 'application/json',
  body: JSON.stringify(value),
});
