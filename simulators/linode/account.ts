import type { CreateRequest } from './create-request.ts';
import { type EventRecord, isKept } from './events.ts';
import { type LedgerEntry, newInstance } from './instance.ts';
import type { SimulatorSettings } from './settings.ts';

/** What is kept on disk. */
export interface AccountState {
  readonly version: 1;
  readonly nextLinodeId: number;
  readonly nextEventId: number;
  readonly tags: readonly string[];
  readonly instances: readonly LedgerEntry[];
  readonly events: readonly EventRecord[];
}

const FIRST_LINODE_ID = 90_000_001;

export const emptyAccount: AccountState = {
  version: 1,
  nextLinodeId: FIRST_LINODE_ID,
  nextEventId: 1_500_000_001,
  tags: [],
  instances: [],
  events: [],
};

/**
 * The account that the simulator serves: its Linodes, past ones too, its tags and its events. It
 * has no clock: whoever calls says what time it is. `revision` tells whether anything changed.
 */
export class Account {
  revision = 0;
  readonly #ledger: Map<number, LedgerEntry>;
  /** Ids of those not gone, oldest first: the lingering deleted ones are among them. */
  readonly #present = new Set<number>();
  /** Their ids by label. */
  readonly #labels = new Map<string, number>();
  #existing = 0;
  readonly #tags: Set<string>;
  /** By id, oldest first. */
  readonly #events: Map<number, EventRecord>;
  readonly #eventsOf = new Map<number, number[]>();
  #nextLinodeId: number;
  #nextEventId: number;

  constructor(state: AccountState) {
    this.#ledger = new Map(state.instances.map((entry) => [entry.id, entry]));
    for (const entry of state.instances) {
      if (!isGoneForGood(entry)) this.#enter(entry);
    }
    this.#tags = new Set(state.tags);
    this.#events = new Map();
    for (const event of state.events) this.#add(event);
    this.#nextLinodeId = state.nextLinodeId;
    this.#nextEventId = state.nextEventId;
  }

  get state(): AccountState {
    return {
      version: 1,
      nextLinodeId: this.#nextLinodeId,
      nextEventId: this.#nextEventId,
      tags: this.tags(),
      instances: this.ledger(),
      events: [...this.#events.values()],
    };
  }

  /** Every Linode there ever was, oldest first. */
  ledger(): LedgerEntry[] {
    return [...this.#ledger.values()];
  }

  /** Those that the API shows, the lingering deleted ones among them. */
  present(now: number): LedgerEntry[] {
    const entries: LedgerEntry[] = [];
    for (const id of this.#present) {
      const entry = this.find(id, now);
      if (entry !== undefined) entries.push(entry);
    }
    return entries;
  }

  /** Those that the API showed at an earlier time, under today's labels and tags. */
  presentAsOf(then: number): LedgerEntry[] {
    return this.ledger().filter(
      (entry) => entry.created <= then && (entry.goneAt === null || then < entry.goneAt),
    );
  }

  find(id: number, now: number): LedgerEntry | undefined {
    if (!this.#present.has(id)) return undefined;
    const entry = this.#ledger.get(id);
    if (entry === undefined || entry.goneAt === null || now < entry.goneAt) return entry;
    this.#leave(entry);
    return undefined;
  }

  findByLabel(label: string, now: number): LedgerEntry | undefined {
    const id = this.#labels.get(label);
    return id === undefined ? undefined : this.find(id, now);
  }

  /** How many are not deleted. */
  get existing(): number {
    return this.#existing;
  }

  create(request: CreateRequest, now: number, settings: SimulatorSettings): LedgerEntry {
    const id = this.#nextLinodeId++;
    const entry = newInstance({ id, ordinal: id - FIRST_LINODE_ID, request, now, settings });
    this.#ledger.set(id, entry);
    this.#enter(entry);
    for (const tag of entry.tags) this.#tags.add(tag);
    this.#record(entry, 'linode_create', now, { startsAt: now, endsAt: entry.provisionedAt });
    if (entry.booted) {
      const times = { startsAt: entry.provisionedAt, endsAt: entry.runningAt };
      this.#record(entry, 'linode_boot', now, times);
    }
    this.revision += 1;
    return entry;
  }

  update(
    entry: LedgerEntry,
    change: Partial<Pick<LedgerEntry, 'label' | 'tags' | 'group' | 'maintenancePolicy'>>,
    now: number,
  ): LedgerEntry {
    const updated = { ...entry, ...change, updated: now };
    this.#ledger.set(entry.id, updated);
    this.#labels.delete(entry.label);
    this.#labels.set(updated.label, entry.id);
    for (const tag of updated.tags) this.#tags.add(tag);
    this.#record(updated, 'linode_update', now, { startsAt: now, endsAt: now });
    this.revision += 1;
    return updated;
  }

  delete(entry: LedgerEntry, now: number, settings: SimulatorSettings): void {
    const goneAt = now + settings.lingerDeletingSeconds * 1000;
    this.#ledger.set(entry.id, { ...entry, deleted: now, goneAt });
    this.#existing -= 1;
    if (goneAt <= now) this.#leave(entry);
    // What was still under way for it ends here.
    for (const event of this.eventsOf(entry.id, now)) {
      if (event.endsAt !== null && event.endsAt <= now) continue;
      this.#events.set(event.id, { ...event, endsAt: now, failed: true });
    }
    const endsAt = now + settings.shutdownSeconds * 1000;
    this.#record(entry, 'linode_shutdown', now, { startsAt: now, endsAt });
    this.#record(entry, 'linode_delete', now, { startsAt: endsAt, endsAt: endsAt + 1000 });
    this.revision += 1;
  }

  tags(): string[] {
    return [...this.#tags];
  }

  hasTag(label: string): boolean {
    return this.#tags.has(label);
  }

  addTag(label: string, to: readonly LedgerEntry[]): void {
    this.#tags.add(label);
    for (const entry of to) {
      const tags = [...new Set([...entry.tags, label])];
      this.#ledger.set(entry.id, { ...entry, tags });
    }
    this.revision += 1;
  }

  /** Takes it off every Linode that still exists; the ledger keeps it on those deleted before. */
  deleteTag(label: string): void {
    this.#tags.delete(label);
    for (const id of this.#present) {
      const entry = this.#ledger.get(id);
      if (entry === undefined || entry.deleted !== null || !entry.tags.includes(label)) continue;
      this.#ledger.set(id, { ...entry, tags: entry.tags.filter((tag) => tag !== label) });
    }
    this.revision += 1;
  }

  /** Of the last 90 days, oldest first. */
  events(now: number): EventRecord[] {
    return [...this.#events.values()].filter((event) => isKept(event, now));
  }

  eventsOf(linodeId: number, now: number): EventRecord[] {
    return (this.#eventsOf.get(linodeId) ?? [])
      .map((id) => this.#events.get(id))
      .filter((event) => event !== undefined)
      .filter((event) => isKept(event, now));
  }

  event(id: number, now: number): EventRecord | undefined {
    const event = this.#events.get(id);
    return event !== undefined && isKept(event, now) ? event : undefined;
  }

  #enter(entry: LedgerEntry): void {
    this.#present.add(entry.id);
    this.#labels.set(entry.label, entry.id);
    if (entry.deleted === null) this.#existing += 1;
  }

  #leave(entry: LedgerEntry): void {
    this.#present.delete(entry.id);
    this.#labels.delete(entry.label);
  }

  #record(
    entry: LedgerEntry,
    action: EventRecord['action'],
    now: number,
    times: Pick<EventRecord, 'startsAt' | 'endsAt'>,
  ): void {
    // Events come in the order of their times, so that the first to keep ends the search.
    for (const [old, event] of this.#events) {
      if (isKept(event, now)) break;
      this.#events.delete(old);
    }
    const id = this.#nextEventId++;
    const { id: linodeId, label: linodeLabel, image } = entry;
    this.#add({ id, action, linodeId, linodeLabel, image, created: now, ...times, failed: false });
  }

  #add(event: EventRecord): void {
    this.#events.set(event.id, event);
    const ids = this.#eventsOf.get(event.linodeId);
    if (ids === undefined) this.#eventsOf.set(event.linodeId, [event.id]);
    else ids.push(event.id);
  }
}

/** Gone at once; one that lingers is taken out when its time has passed. */
const isGoneForGood = ({ deleted, goneAt }: LedgerEntry): boolean =>
  deleted !== null && goneAt !== null && goneAt <= deleted;
