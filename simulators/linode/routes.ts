import {
  listEvents,
  showAccount,
  showAccountSettings,
  showEvent,
  showProfile,
} from './account-calls.ts';
import { ApiError, notFound, notSimulated } from './api-error.ts';
import type { Call } from './call.ts';
import {
  listAvailability,
  listImages,
  listRegions,
  listTypes,
  regionAvailability,
  showImage,
  showPublicImage,
  showRegion,
  showType,
} from './catalogue-calls.ts';
import {
  bootInstance,
  createInstance,
  deleteInstance,
  listInstances,
  rebootInstance,
  showInstance,
  shutDownInstance,
  updateInstance,
} from './instance-calls.ts';
import { listInvoiceItems, listInvoices } from './invoice-calls.ts';
import type { Bucket } from './settings.ts';
import { createTag, deleteTag, listTagged, listTags } from './tag-calls.ts';
import { listTransferPrices, showAccountTransfer, showInstanceTransfer } from './transfer-calls.ts';
import { deleteVlan, listVlans, showFirewallSettings } from './vlan-calls.ts';

export interface Route {
  readonly method: string;
  /** `{}` stands for any one segment. */
  readonly path: string;
  /** The scope that the token needs; `*`: any token will do. */
  readonly scope: string;
  /** Whether a call without a token is accepted. */
  readonly isPublic: boolean;
  readonly bucket: Bucket;
  readonly isCollection: boolean;
  /** Returns the JSON of the answer, or throws an ApiError. */
  readonly answer: (call: Call) => string;
}

type Answer = Route['answer'];

/** If a path matches two routes, the first route answers. */
const routes: readonly Route[] = [
  publicCollection('/linode/types', listTypes),
  publicItem('/linode/types/{}', showType),
  publicCollection('/regions', listRegions),
  publicCollection('/regions/availability', listAvailability),
  publicItem('/regions/{}', showRegion),
  publicItem('/regions/{}/availability', regionAvailability),
  { ...publicCollection('/images', listImages), bucket: 'images' },
  // Only private images need the scope, and the simulator shows none of them by its id. The ids of
  // images have a slash; some clients send it as `/`, others as `%2F`.
  { ...publicItem('/images/{}', showImage), scope: 'images:read_only' },
  { ...publicItem('/images/linode/{}', showPublicImage), scope: 'images:read_only' },
  publicCollection('/network-transfer/prices', listTransferPrices),
  collection('/linode/instances', 'linodes:read_only', listInstances),
  {
    ...item('POST', '/linode/instances', 'linodes:read_write', createInstance),
    bucket: 'createInstance',
  },
  item('GET', '/linode/instances/{}', 'linodes:read_only', showInstance),
  item('PUT', '/linode/instances/{}', 'linodes:read_write', updateInstance),
  item('DELETE', '/linode/instances/{}', 'linodes:read_write', deleteInstance),
  item('GET', '/linode/instances/{}/transfer', 'linodes:read_only', showInstanceTransfer),
  item('POST', '/linode/instances/{}/boot', 'linodes:read_write', bootInstance),
  item('POST', '/linode/instances/{}/reboot', 'linodes:read_write', rebootInstance),
  item('POST', '/linode/instances/{}/shutdown', 'linodes:read_write', shutDownInstance),
  collection('/tags', 'account:read_only', listTags),
  item('POST', '/tags', 'account:read_write', createTag),
  collection('/tags/{}', 'account:read_only', listTagged),
  item('DELETE', '/tags/{}', 'account:read_write', deleteTag),
  collection('/networking/vlans', 'linodes:read_only', listVlans),
  item('DELETE', '/networking/vlans/{}/{}', 'linodes:read_write', deleteVlan),
  item('GET', '/networking/firewalls/settings', 'firewall:read_only', showFirewallSettings),
  item('GET', '/profile', '*', showProfile),
  item('GET', '/account', 'account:read_only', showAccount),
  item('GET', '/account/settings', 'account:read_only', showAccountSettings),
  collection('/account/invoices', 'account:read_only', listInvoices),
  collection('/account/invoices/{}/items', 'account:read_only', listInvoiceItems),
  item('GET', '/account/transfer', 'account:read_only', showAccountTransfer),
  collection('/account/events', 'events:read_only', listEvents),
  item('GET', '/account/events/{}', 'events:read_only', showEvent),
];

/** Methods that the real API has on the paths above, and the simulator has not. */
const notSimulatedMethods: Readonly<Record<string, readonly string[]>> = {
  '/images': ['POST'],
  '/images/{}': ['PUT', 'DELETE'],
  '/profile': ['PUT'],
  '/account': ['PUT'],
  '/account/settings': ['PUT'],
  '/networking/firewalls/settings': ['PUT'],
};

/** Paths that the real API has, and the simulator has not. */
const notSimulatedPaths = [
  /^\/linode\/(kernels|stackscripts)(\/|$)/,
  /^\/linode\/instances\/[^/]+\/(backups|clone|configs|disks|firewalls|interfaces)(\/|$)/,
  /^\/linode\/instances\/[^/]+\/(ips|migrate|mutate|nodebalancers|password)(\/|$)/,
  /^\/linode\/instances\/[^/]+\/(rebuild|rescue|resize|stats)(\/|$)/,
  /^\/linode\/instances\/[^/]+\/(upgrade-interfaces|volumes)(\/|$)/,
  /^\/images\/(upload|sharegroups)(\/|$)/,
  /^\/account\/events\/[^/]+\/(read|seen)$/,
  /^\/account\/invoices\/[^/]+$/,
  /^\/account\/(agreements|availability|beta-programs|betas|cancel|child-accounts)(\/|$)/,
  /^\/account\/(credit-card|entity-transfers|logins|maintenance)(\/|$)/,
  /^\/account\/(notifications|oauth-clients|payment-methods|payments|promo-codes)(\/|$)/,
  /^\/account\/(service-transfers|settings\/managed-enable|users)(\/|$)/,
  /^\/profile\/(apps|devices|grants|logins|phone-number|preferences)(\/|$)/,
  /^\/profile\/(security-questions|sshkeys|tfa-[a-z-]+|tokens)(\/|$)/,
  /^\/(betas|databases|domains|iam|lke|locks|longview|maintenance|managed|monitor)(\/|$)/,
  /^\/(networking|nodebalancers|object-storage|placement|support)(\/|$)/,
  /^\/(volumes|vpcs)(\/|$)/,
];

export interface Target {
  readonly route: Route;
  readonly params: readonly string[];
}

/** `path` is the part after /v4. An unknown path gets a route that answers with the error. */
export function targetOf(method: string, path: string): Target {
  const parts = path.split('/').slice(1);
  const match = routesByPath.find((candidates) => fits(candidates.parts, parts));
  const route = match?.routes.get(method);
  if (match !== undefined && route !== undefined) {
    return { route, params: paramsOf(match.parts, parts) };
  }

  const isReal =
    match === undefined
      ? notSimulatedPaths.some((pattern) => pattern.test(path))
      : notSimulatedMethods[match.path]?.includes(method) === true;
  if (isReal) return refusal(method, notSimulated(`${method} ${path}`));
  if (match === undefined) return refusal(method, notFound());
  return refusal(method, new ApiError(405, { reason: 'Method Not Allowed' }));
}

const routesByPath = [...new Set(routes.map(({ path }) => path))].map((path) => ({
  path,
  parts: path.split('/').slice(1),
  routes: new Map(
    routes.filter((route) => route.path === path).map((route) => [route.method, route]),
  ),
}));

const fits = (pattern: readonly string[], parts: readonly string[]): boolean =>
  pattern.length === parts.length &&
  pattern.every((name, index) => name === '{}' || name === parts[index]);

const paramsOf = (pattern: readonly string[], parts: readonly string[]): string[] =>
  parts.filter((_, index) => pattern[index] === '{}').map(decoded);

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

function refusal(method: string, error: ApiError): Target {
  const path = `(${error.errors[0]?.reason})`;
  const answer = (): never => {
    throw error;
  };
  return { route: { ...publicItem(path, answer), method }, params: [] };
}

function publicCollection(path: string, answer: Answer): Route {
  return { ...collection(path, '*', answer), isPublic: true };
}

function publicItem(path: string, answer: Answer): Route {
  return { ...item('GET', path, '*', answer), isPublic: true };
}

function collection(path: string, scope: string, answer: Answer): Route {
  return { ...item('GET', path, scope, answer), bucket: 'collections', isCollection: true };
}

function item(method: string, path: string, scope: string, answer: Answer): Route {
  const bucket = 'others';
  return { method, path, scope, isPublic: false, bucket, isCollection: false, answer };
}
