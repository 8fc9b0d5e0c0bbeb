import { randomFrom } from '../random.ts';
import { isObject } from './json.ts';
import { isPattern } from './settings.ts';

/** The fault's answer replaces the call: the call has no effect. */
const before = [
  'status408',
  'status429',
  'status500',
  'html502',
  'status503',
  'maintenance503',
  'nginx400',
  'html200',
  'busy',
  'capacity',
  'limit',
  'invalidToken',
  'missingScope',
  /** A DELETE that the API answers as a success, and that has no effect. */
  'ignored',
  /** A DELETE that the API refuses, because somebody has locked the Linode. */
  'locked',
  'dropBefore',
  'hang',
] as const;

/** The call takes effect, but its answer is lost or replaced by the fault's answer. */
const after = ['status408After', 'error500After', 'busyAfter', 'dropAfter', 'hangAfter'] as const;

/** The API answers the call with an old list or with part of a list. */
const view = ['staleList', 'truncatedList'] as const;

export type BeforeKind = (typeof before)[number];
export type AfterKind = (typeof after)[number];
export type FaultKind = BeforeKind | AfterKind | (typeof view)[number];

/** Which requests a fault strikes, and how many of them. */
export interface FaultMatch {
  readonly method?: string;
  /** Regular expression for the path after /v4, for example `^/linode/instances/\d+$`. */
  readonly path?: string;
  /** Regular expression for the label in the body of a create; other calls don't match. */
  readonly label?: string;
  /** How many requests the fault strikes at most; without it, there is no limit. */
  readonly times?: number;
  /** How many matching requests the fault spares before it strikes; 0 by default. */
  readonly skip?: number;
  /** From 0 to 1: the chance to strike a matching request, by the seeded generator; default 1. */
  readonly probability?: number;
}

export type FaultRule = FaultMatch &
  (
    | { readonly kind: Exclude<BeforeKind, 'status429'> | AfterKind }
    | { readonly kind: 'status429'; readonly retryAfterSeconds?: number }
    /** The list of Linodes is answered as it was `seconds` virtual seconds ago. */
    | { readonly kind: 'staleList'; readonly seconds: number }
    /** Collections lack their last `items`; `results` counts those only with `keepTotals`. */
    | { readonly kind: 'truncatedList'; readonly items: number; readonly keepTotals?: boolean }
  );

export interface FaultState {
  readonly rule: FaultRule;
  /** How many requests matched the rule, struck or spared. */
  readonly matched: number;
  /** How many requests the fault has struck. */
  readonly struck: number;
}

export interface FaultTarget {
  readonly method: string;
  readonly path: string;
  /** The label in the body of a create; null: the body has no label, or it is another call. */
  readonly label: string | null;
  readonly isCollection: boolean;
}

export const isBefore = (kind: FaultKind): kind is BeforeKind =>
  (before as readonly string[]).includes(kind);
export const isAfter = (kind: FaultKind): kind is AfterKind =>
  (after as readonly string[]).includes(kind);

/** The rules in force. At most one strikes a request: the first whose time has come. */
export class Faults {
  #rules: { rule: FaultRule; matches: (target: FaultTarget) => boolean; counts: Counts }[] = [];
  #random: () => number;

  constructor(rules: readonly FaultRule[], seed: number) {
    this.#random = randomFrom(seed);
    this.set(rules);
  }

  /** Replaces all rules; all counts restart at 0. Throws a TypeError if a rule is malformed. */
  set(rules: readonly FaultRule[]): void {
    for (const rule of rules) refuseBadRule(rule);
    this.#rules = rules.map((rule) => ({
      rule: { ...rule },
      matches: matcher(rule),
      counts: { matched: 0, struck: 0 },
    }));
  }

  reseed(seed: number): void {
    this.#random = randomFrom(seed);
  }

  get states(): FaultState[] {
    return this.#rules.map(({ rule, counts }) => ({ rule, ...counts }));
  }

  /** The rule that strikes this request; null: no rule does. Counts the match and the strike. */
  strike(target: FaultTarget): FaultRule | null {
    for (const { rule, matches, counts } of this.#rules) {
      if (counts.struck >= (rule.times ?? Number.POSITIVE_INFINITY) || !matches(target)) continue;
      counts.matched += 1;
      if (counts.matched <= (rule.skip ?? 0)) continue;
      if (rule.probability !== undefined && this.#random() >= rule.probability) continue;
      counts.struck += 1;
      return rule;
    }
    return null;
  }
}

interface Counts {
  matched: number;
  struck: number;
}

function matcher(rule: FaultRule): (target: FaultTarget) => boolean {
  const path = rule.path === undefined ? null : new RegExp(rule.path);
  const label = rule.label === undefined ? null : new RegExp(rule.label);
  return (target) =>
    (rule.method === undefined || rule.method === target.method) &&
    (path === null || path.test(target.path)) &&
    (label === null || (target.label !== null && label.test(target.label))) &&
    isPossible(rule.kind, target);
}

/** Some faults make sense only on some calls; their rules therefore need no path. */
function isPossible(kind: FaultKind, { method, path, isCollection }: FaultTarget): boolean {
  if (kind === 'staleList') return method === 'GET' && path === '/linode/instances';
  if (kind === 'truncatedList') return isCollection;
  if (kind === 'capacity' || kind === 'limit') {
    return method === 'POST' && path === '/linode/instances';
  }
  if (kind === 'ignored' || kind === 'locked') {
    return method === 'DELETE' && path.startsWith('/linode/instances/');
  }
  if (kind === 'busy' || kind === 'busyAfter') {
    return method !== 'GET' && path.startsWith('/linode/instances');
  }
  return true;
}

function refuseBadRule(rule: unknown): void {
  if (!isObject(rule)) throw new TypeError(`A fault is an object, not ${JSON.stringify(rule)}`);
  const kind = String(rule.kind);
  if (![...before, ...after, ...view].some((known) => known === kind)) {
    throw new TypeError(`There is no fault ${kind}`);
  }
  for (const [name, value] of Object.entries(rule)) {
    if (name === 'kind' || value === undefined) continue;
    if (Object.hasOwn(checks, name) && checks[name]?.(value, kind)) continue;
    throw new TypeError(`A fault ${kind} can't have ${name}: ${JSON.stringify(value)}`);
  }
  const needed = { staleList: 'seconds', truncatedList: 'items' }[kind];
  if (needed !== undefined && rule[needed] === undefined) {
    throw new TypeError(`A fault ${kind} needs ${needed}`);
  }
}

const isAmount = (value: unknown): boolean => Number.isFinite(value) && (value as number) >= 0;
const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && isAmount(value);

const checks: Readonly<Record<string, (value: unknown, kind: string) => boolean>> = {
  method: (value) => typeof value === 'string' && /^[A-Z]+$/.test(value),
  path: isPattern,
  label: isPattern,
  times: isCount,
  skip: isCount,
  probability: (value) => isAmount(value) && (value as number) <= 1,
  retryAfterSeconds: (value, kind) => isAmount(value) && kind === 'status429',
  seconds: (value, kind) => isAmount(value) && kind === 'staleList',
  items: (value, kind) => isCount(value) && kind === 'truncatedList',
  keepTotals: (value, kind) => typeof value === 'boolean' && kind === 'truncatedList',
};
