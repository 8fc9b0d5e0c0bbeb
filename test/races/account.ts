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
/** Of a nanode, the one type that there is. */
const HOURLY = usd(0.0075);

/** Hears of what is done to the account, at that instant, and by whom. */
export interface Watch {
  created(linode: Linode, by: string): void;
  deleted(linode: Linode, by: string): void;
}

/** The Linodes of an account, with unique labels. All that it does takes effect at one instant. */
export class Account {
  /** In the order in which they came to be. */
  readonly #alive = new Map<number, Linode>();
  readonly #deleted: { readonly linode: Linode; readonly at: EpochMs }[] = [];
  /** How many creates came for each label, whatever they were answered. */
  readonly asked = new Map<string, number>();

  constructor(
    readonly now: () => EpochMs,
    /** How long a create may take, though nobody may wait for it any more. */
    readonly createMax: DurationMs = seconds(10),
  ) {}

  get deleted(): readonly { readonly linode: Linode; readonly at: EpochMs }[] {
    return this.#deleted;
  }

  /** As they are now; new ones take a while to boot. */
  get alive(): Linode[] {
    return [...this.#alive.values()].map((linode) =>
      this.now() < plus(linode.created, BOOT_TIME) ? { ...linode, status: 'booting' } : linode,
    );
  }

  /** What Linode bills for those that bear or bore the tag. */
  bill(tag: Tag): MicroUsd {
    const machines = [
      ...this.alive.map((linode) => ({ linode, until: this.now() })),
      ...this.#deleted.map(({ linode, at }) => ({ linode, until: at })),
    ].filter(({ linode }) => linode.tags.includes(tag));
    const started = machines.map(({ linode, until }) => (until - linode.created) / hours(1));
    return sum(started.map((length) => microUsd(HOURLY * Math.max(1, Math.ceil(length)))));
  }

  get(id: number): Linode | 'notFound' {
    return this.alive.find((one) => one.id === id) ?? 'notFound';
  }

  put(linode: Linode): void {
    this.#alive.set(linode.id, { ...linode, status: 'running' });
  }

  /** null: the label is taken. */
  create(label: string, tags: readonly string[]): Linode | null {
    this.asked.set(label, (this.asked.get(label) ?? 0) + 1);
    if (this.alive.some((one) => one.label === label)) return null;
    const id = 1_000 + this.#alive.size + this.#deleted.length;
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
    return this.alive.find((one) => one.id === id) ?? null;
  }

  delete(linode: Linode): void {
    this.#alive.delete(linode.id);
    this.#deleted.push({ linode, at: this.now() });
  }
}

/** The account as one actor reaches it, each call over the network; creates by the real client. */
export function linodeApi(account: Account, actor: Actor, log: Log, watch: Watch): LinodeApi {
  const find = (what: string, matches: (linode: Linode) => boolean) =>
    actor.call(`linode.${what}`, () => account.alive.filter(matches));
  const findByLabel = async (label: string) =>
    (await find('findByLabel', (one) => one.label === label))[0] ?? 'notFound';
  const http = {
    token: async () => 'token',
    sendOnce: async ({ body }: { body?: Readonly<Record<string, unknown>> }) => {
      const { label, tags } = body as { label: string; tags: string[] };
      const post = (): Exchange => {
        const made = account.create(label, tags);
        if (made === null) return exchange('rejected', 'Label must be unique');
        watch.created(made, actor.name);
        return { verdict: { kind: 'ok', body: toWire(made), maxAge: null }, header: () => null };
      };
      return actor.call(`POST ${label}`, post, {
        lost: () => exchange('transient', 'no answer'),
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
        for (const one of account.alive.filter(({ tags }) => tags.includes(tag))) {
          account.put({ ...one, tags: one.tags.filter((other) => other !== tag) });
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
