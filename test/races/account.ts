import { createLinode } from '../../lib/adapters/linode/create.ts';
import type { Exchange } from '../../lib/adapters/linode/http.ts';
import { createPacer } from '../../lib/adapters/linode/pacing.ts';
import { type MicroUsd, microUsd, sum } from '../../lib/core/base/money.ts';
import type { Tag } from '../../lib/core/base/names.ts';
import {
  type DurationMs,
  type EpochMs,
  epochMs,
  hours,
  plus,
  seconds,
} from '../../lib/core/base/units.ts';
import type { Linode } from '../../lib/core/cluster/linode.ts';
import type { LinodeApi, Log } from '../../lib/ports.ts';
import { usd } from '../support/builders.ts';
import { noLinode } from '../support/doubles.ts';
import type { Actor } from './race.ts';

const BOOT_TIME = seconds(15);
/** The price of a nanode, the only type of this account. */
const HOURLY = usd(0.0075);

/** Is called at the instant at which a Linode is created or deleted, with the actor's name. */
export interface Watch {
  created(linode: Linode, actor: string): void;
  deleted(linode: Linode, actor: string): void;
}

/** The Linodes of an account, with unique labels. Every change takes effect at one instant. */
export class Account {
  /** The Linodes that exist by their ids, in the order of their creation. */
  readonly #existing = new Map<number, Linode>();
  readonly #deleted: { readonly linode: Linode; readonly at: EpochMs }[] = [];
  /** The number of creates that arrived for each label, whatever they were answered. */
  readonly createCounts = new Map<string, number>();

  readonly now: () => EpochMs;
  /** How long a create may take to arrive, even if its client has stopped waiting for it. */
  readonly createMax: DurationMs;

  constructor(now: () => EpochMs, createMax = seconds(10)) {
    this.now = now;
    this.createMax = createMax;
  }

  get deleted(): readonly { readonly linode: Linode; readonly at: EpochMs }[] {
    return this.#deleted;
  }

  /** The Linodes that exist, as Linode lists them now; a new Linode boots for 15 seconds. */
  get existing(): Linode[] {
    return [...this.#existing.values()].map((linode) =>
      this.now() < plus(linode.created, BOOT_TIME) ? { ...linode, status: 'booting' } : linode,
    );
  }

  /** Linode's bill until now for the Linodes that bear the tag, or bore it at their deletion. */
  bill(tag: Tag): MicroUsd {
    const machines = [
      ...this.existing.map((linode) => ({ linode, until: this.now() })),
      ...this.#deleted.map(({ linode, at }) => ({ linode, until: at })),
    ].filter(({ linode }) => linode.tags.includes(tag));
    const started = machines.map(({ linode, until }) => (until - linode.created) / hours(1));
    return sum(started.map((length) => microUsd(HOURLY * Math.max(1, Math.ceil(length)))));
  }

  get(id: number): Linode | 'notFound' {
    return this.existing.find((linode) => linode.id === id) ?? 'notFound';
  }

  put(linode: Linode): void {
    this.#existing.set(linode.id, { ...linode, status: 'running' });
  }

  /** Creates a Linode; null: the label is taken. */
  create(label: string, tags: readonly string[]): Linode | null {
    this.createCounts.set(label, (this.createCounts.get(label) ?? 0) + 1);
    if (this.existing.some((linode) => linode.label === label)) return null;
    const id = 1_000 + this.#existing.size + this.#deleted.length;
    this.put({
      id,
      label,
      status: 'booting',
      created: epochMs(this.now() - (this.now() % 1_000)),
      type: 'g6-nanode-1',
      region: 'us-east',
      ipv4: ['192.0.2.1'],
      ipv6: null,
      tags,
      backupsEnabled: false,
    });
    return this.existing.find((linode) => linode.id === id) ?? null;
  }

  delete(linode: Linode): void {
    this.#existing.delete(linode.id);
    this.#deleted.push({ linode, at: this.now() });
  }
}

/**
 * The account as one actor reaches it: each call goes over the network of the race. Creates use
 * Onebuck's real client code, with its retries and adoption.
 */
export function linodeApi(account: Account, actor: Actor, log: Log, watch: Watch): LinodeApi {
  const find = (what: string, matches: (linode: Linode) => boolean) =>
    actor.call(`linode.${what}`, () => account.existing.filter(matches));
  const findByLabel = async (label: string) =>
    (await find('findByLabel', (linode) => linode.label === label))[0] ?? 'notFound';
  const http = {
    token: async () => 'token',
    sendOnce: async ({ body }: { body?: Readonly<Record<string, unknown>> }) => {
      const { label, tags } = body as { label: string; tags: string[] };
      const post = (): Exchange => {
        const created = account.create(label, tags);
        if (created === null) return exchange('rejected', 'Label must be unique');
        watch.created(created, actor.name);
        return { verdict: { kind: 'ok', body: toWire(created), maxAge: null }, header: () => null };
      };
      return actor.call(`POST ${label}`, post, {
        ifLost: () => exchange('transient', 'no answer'),
        max: account.createMax,
      });
    },
  };
  const pacer = createPacer(actor);
  return {
    ...noLinode,
    listByTag: (tag) => find(`listByTag ${tag}`, ({ tags }) => tags.includes(tag)),
    get: (id) => actor.call(`linode.get ${id}`, () => account.get(id)),
    findByLabel,
    create: (request, limits) =>
      createLinode({ clock: actor, log, http, pacer, findByLabel }, request, limits),
    delete: (id) =>
      actor.call(`linode.delete ${id}`, () => {
        const found = account.get(id);
        if (found === 'notFound') return found;
        account.delete(found);
        watch.deleted(found, actor.name);
        return 'deleted';
      }),
    setTags: (id, tags) =>
      actor.call(`linode.setTags ${id}`, () => {
        const found = account.get(id);
        if (found === 'notFound') return found;
        const tagged = { ...found, tags };
        account.put(tagged);
        return tagged;
      }),
    deleteTag: (tag) =>
      actor.call(`linode.deleteTag ${tag}`, () => {
        for (const linode of account.existing.filter(({ tags }) => tags.includes(tag))) {
          account.put({ ...linode, tags: linode.tags.filter((kept) => kept !== tag) });
        }
      }),
  };
}

const exchange = (kind: 'rejected' | 'transient', reason: string): Exchange => ({
  verdict: { kind, status: kind === 'rejected' ? 400 : null, reason },
  header: () => null,
});

const toWire = ({ backupsEnabled, created, ...linode }: Linode) => ({
  ...linode,
  created: new Date(created).toISOString().slice(0, 19),
  backups: { enabled: backupsEnabled },
});
