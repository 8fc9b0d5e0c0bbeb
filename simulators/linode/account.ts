import type { CreateRequest } from './create-request.ts';
import { type AccountEvent, type EventAction, isKept } from './events.ts';
import { type Grant, type Instance, type Limit, newInstance, type Power } from './instance.ts';
import type { InvoiceSettings } from './invoice-settings.ts';
import { corrected, type Invoice, newInvoice, withMonthlyInvoices } from './invoices.ts';
import type { SimulatorSettings } from './settings.ts';

/** The whole account, as the state file keeps it. */
export interface AccountState {
  readonly version: 1;
  readonly nextLinodeId: number;
  readonly nextEventId: number;
  readonly tags: readonly string[];
  readonly instances: readonly Instance[];
  readonly events: readonly AccountEvent[];
  /** Absent: the state is of a simulator that had no VLANs. */
  readonly vlans?: readonly Vlan[];
  /** Absent: the state is of a simulator that made no invoices. */
  readonly invoices?: readonly Invoice[];
}

/** A VLAN, which is the label's in its region. The first Linode that names it makes it. */
export interface Vlan {
  readonly region: string;
  readonly label: string;
  readonly created: number;
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
 * The account that the simulator serves: all Linodes that the account ever had, its tags and its
 * events. The account has no clock; callers pass the time, in virtual epoch milliseconds.
 */
export class Account {
  /** How often the account has changed since the process started. */
  changes = 0;
  /** By id, oldest first. */
  readonly #instances: Map<number, Instance>;
  /** Ids of the Linodes that the API shows, oldest first; deleted Linodes that linger included. */
  readonly #present = new Set<number>();
  /** The id of each Linode that the API shows, by its label. */
  readonly #idsByLabel = new Map<string, number>();
  #existing = 0;
  readonly #tags: Set<string>;
  #vlans: readonly Vlan[];
  /** Oldest first. */
  #invoices: readonly Invoice[];
  /** By id, oldest first. */
  readonly #events: Map<number, AccountEvent>;
  /** The ids of a Linode's events, by the Linode's id. */
  readonly #eventsOf = new Map<number, number[]>();
  #nextLinodeId: number;
  #nextEventId: number;

  constructor(state: AccountState) {
    this.#instances = new Map(state.instances.map((instance) => [instance.id, instance]));
    for (const instance of state.instances) {
      if (!isGoneAtOnce(instance)) this.#addPresent(instance);
    }
    this.#tags = new Set(state.tags);
    this.#vlans = state.vlans ?? [];
    this.#invoices = state.invoices ?? [];
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
      instances: this.allInstances(),
      events: [...this.#events.values()],
      vlans: this.#vlans,
      invoices: this.#invoices,
    };
  }

  /** Every Linode that the account ever had, deleted Linodes included, oldest first. */
  allInstances(): Instance[] {
    return [...this.#instances.values()];
  }

  /** The Linode with this id, if the account ever had it. */
  everHad(id: number): Instance | undefined {
    return this.#instances.get(id);
  }

  /** The Linodes that the API shows; deleted Linodes that linger included. */
  present(now: number): Instance[] {
    const instances: Instance[] = [];
    for (const id of this.#present) {
      const instance = this.find(id, now);
      if (instance !== undefined) instances.push(instance);
    }
    return instances;
  }

  /** The Linodes that the API showed at an earlier time, but with their labels and tags of now. */
  presentAsOf(then: number): Instance[] {
    return this.allInstances().filter(
      ({ created, goneAt }) => created <= then && (goneAt === null || then < goneAt),
    );
  }

  find(id: number, now: number): Instance | undefined {
    if (!this.#present.has(id)) return undefined;
    const instance = this.#instances.get(id);
    if (instance === undefined || instance.goneAt === null || now < instance.goneAt)
      return instance;
    this.#removePresent(instance);
    return undefined;
  }

  findByLabel(label: string, now: number): Instance | undefined {
    const id = this.#idsByLabel.get(label);
    return id === undefined ? undefined : this.find(id, now);
  }

  /** The number of Linodes that are not deleted. */
  get existing(): number {
    return this.#existing;
  }

  /** `address`: of the Linode's machine; null: it has none. */
  create(
    request: CreateRequest,
    now: number,
    settings: SimulatorSettings,
    address: string | null,
  ): Instance {
    const id = this.#nextLinodeId++;
    const ordinal = id - FIRST_LINODE_ID;
    const instance = newInstance({ id, ordinal, request, now, settings, address });
    this.#instances.set(id, instance);
    this.#addPresent(instance);
    for (const tag of instance.tags) this.#tags.add(tag);
    this.#makeVlans(instance, now);
    const provisionedAt = address === null ? instance.provisionedAt : null;
    this.#record(instance, 'linode_create', now, { startsAt: now, endsAt: provisionedAt });
    if (address === null && instance.booted) {
      const times = { startsAt: instance.provisionedAt, endsAt: instance.runningAt };
      this.#record(instance, 'linode_boot', now, times);
    }
    this.changes += 1;
    return instance;
  }

  update(
    instance: Instance,
    change: Partial<
      Pick<Instance, 'label' | 'tags' | 'group' | 'maintenancePolicy' | 'type' | 'region' | 'past'>
    >,
    now: number,
  ): Instance {
    const updated = { ...instance, ...change, updated: now };
    this.#instances.set(instance.id, updated);
    this.#idsByLabel.delete(instance.label);
    this.#idsByLabel.set(updated.label, instance.id);
    for (const tag of updated.tags) this.#tags.add(tag);
    this.#record(updated, 'linode_update', now, { startsAt: now, endsAt: now });
    this.changes += 1;
    return updated;
  }

  /** Makes another type of the Linode, or takes it to another region, at once. */
  become(
    id: number,
    kind: { readonly type?: string; readonly region?: string },
    now: number,
  ): void {
    const instance = this.find(id, now);
    if (instance === undefined || instance.deleted !== null) return;
    const { type, region, past = [] } = instance;
    if ((kind.type ?? type) === type && (kind.region ?? region) === region) return;
    this.update(instance, { ...kind, past: [...past, { type, region, until: now }] }, now);
  }

  /** The Linode sends so many bytes to the internet, at once. */
  send(id: number, bytes: number, now: number): void {
    const instance = this.find(id, now);
    if (instance === undefined || instance.deleted !== null) return;
    const sentAtOnce = [...(instance.sentAtOnce ?? []), { at: now, bytes }];
    this.#instances.set(id, { ...instance, sentAtOnce });
    this.changes += 1;
  }

  /** The agent on the Linode hands a larger allowance for a month to the firewall. */
  allow(id: number, { month, bytes }: Pick<Grant, 'month' | 'bytes'>, now: number): void {
    this.#limit(id, (limit) => ({
      ...limit,
      grants: [...limit.grants, { at: now, month, bytes }],
    }));
  }

  /** Somebody takes away the firewall's table that limits what the Linode sends. */
  unlimit(id: number, now: number): void {
    this.#limit(id, (limit) => ({ ...limit, goneAt: limit.goneAt ?? now }));
  }

  /** The Linode loses what its firewall has counted, as when somebody rebuilds it. */
  loseCounter(id: number, now: number): void {
    this.#limit(id, (limit) => ({ ...limit, lostAt: [...(limit.lostAt ?? []), now] }));
  }

  #limit(id: number, changed: (limit: Limit) => Limit): void {
    const instance = this.#instances.get(id);
    if (instance?.limit === undefined || instance.deleted !== null) return;
    this.#instances.set(id, { ...instance, limit: changed(instance.limit) });
    this.changes += 1;
  }

  /** The machine of the Linode, made anew, has another address. */
  move(id: number, address: string): void {
    const instance = this.#instances.get(id);
    if (instance === undefined) return;
    this.#instances.set(id, { ...instance, ipv4: [address], power: 'provisioning' });
    this.changes += 1;
  }

  /** The machine of the Linode does something else, by a call or by itself. */
  setPower(id: number, power: Power, now: number): void {
    const instance = this.#instances.get(id);
    if (instance === undefined || instance.deleted !== null || instance.power === power) return;
    this.#instances.set(id, { ...instance, power });
    for (const event of this.eventsOf(id, now)) {
      if (event.endsAt === null) this.#events.set(event.id, { ...event, endsAt: now });
    }
    const action = POWER_ACTIONS[power];
    if (action !== undefined) this.#record(instance, action, now, { startsAt: now, endsAt: null });
    this.changes += 1;
  }

  /** Multiplies the prices of all Linodes that exist. */
  raisePrices(factor: number, now: number): void {
    for (const instance of this.allInstances()) {
      if (instance.deleted !== null) continue;
      const raises = [...(instance.raises ?? []), { at: now, factor }];
      this.#instances.set(instance.id, { ...instance, raises });
    }
    this.changes += 1;
  }

  delete(instance: Instance, now: number, settings: SimulatorSettings): void {
    const goneAt = now + settings.lingerDeletingSeconds * 1000;
    this.#instances.set(instance.id, { ...instance, deleted: now, goneAt });
    this.#existing -= 1;
    if (goneAt <= now) this.#removePresent(instance);
    // The deletion ends the Linode's creation and boot if they are still under way.
    for (const event of this.eventsOf(instance.id, now)) {
      if (event.endsAt !== null && event.endsAt <= now) continue;
      this.#events.set(event.id, { ...event, endsAt: now, failed: true });
    }
    const endsAt = now + settings.shutdownSeconds * 1000;
    this.#record(instance, 'linode_shutdown', now, { startsAt: now, endsAt });
    this.#record(instance, 'linode_delete', now, { startsAt: endsAt, endsAt: endsAt + 1000 });
    this.changes += 1;
  }

  /** Oldest first. */
  vlans(): readonly Vlan[] {
    return this.#vlans;
  }

  deleteVlan(region: string, label: string): void {
    this.#vlans = this.#vlans.filter((vlan) => vlan.region !== region || vlan.label !== label);
    this.changes += 1;
  }

  /** Oldest first, with those of the months that have ended since somebody looked. */
  invoices(settings: InvoiceSettings, now: number): readonly Invoice[] {
    const made = withMonthlyInvoices(this.#invoices, this.allInstances(), settings, now);
    if (made !== this.#invoices) this.changes += 1;
    this.#invoices = made;
    return made;
  }

  /** Bills at `date` what no invoice has billed: a threshold is reached, or the account is closed. */
  makeInvoice(settings: InvoiceSettings, date: number): Invoice {
    const before = this.invoices(settings, date);
    const made = newInvoice(before, this.allInstances(), settings, { date, isMonthly: false });
    this.#invoices = [...before, made];
    this.changes += 1;
    return made;
  }

  correctInvoice(id: number, change: { readonly labels: string; readonly factor: number }): void {
    this.#invoices = this.#invoices.map((invoice) =>
      invoice.id === id ? corrected(invoice, change) : invoice,
    );
    this.changes += 1;
  }

  tags(): string[] {
    return [...this.#tags];
  }

  hasTag(label: string): boolean {
    return this.#tags.has(label);
  }

  addTag(label: string, instances: readonly Instance[]): void {
    this.#tags.add(label);
    for (const instance of instances) {
      const tags = [...new Set([...instance.tags, label])];
      this.#instances.set(instance.id, { ...instance, tags });
    }
    this.changes += 1;
  }

  /** Takes the tag off every Linode that is not deleted; a deleted Linode keeps its last tags. */
  deleteTag(label: string): void {
    this.#tags.delete(label);
    for (const id of this.#present) {
      const instance = this.#instances.get(id);
      if (instance === undefined || instance.deleted !== null) continue;
      if (!instance.tags.includes(label)) continue;
      this.#instances.set(id, { ...instance, tags: instance.tags.filter((tag) => tag !== label) });
    }
    this.changes += 1;
  }

  /** The events of the last 90 days, oldest first. */
  events(now: number): AccountEvent[] {
    return [...this.#events.values()].filter((event) => isKept(event, now));
  }

  eventsOf(linodeId: number, now: number): AccountEvent[] {
    return (this.#eventsOf.get(linodeId) ?? [])
      .map((id) => this.#events.get(id))
      .filter((event) => event !== undefined)
      .filter((event) => isKept(event, now));
  }

  event(id: number, now: number): AccountEvent | undefined {
    const event = this.#events.get(id);
    return event !== undefined && isKept(event, now) ? event : undefined;
  }

  #makeVlans({ region, interfaces }: Instance, created: number): void {
    for (const one of interfaces) {
      if (one.purpose !== 'vlan') continue;
      const { label } = one;
      const exists = this.#vlans.some((vlan) => vlan.region === region && vlan.label === label);
      if (!exists) this.#vlans = [...this.#vlans, { region, label, created }];
    }
  }

  #addPresent(instance: Instance): void {
    this.#present.add(instance.id);
    this.#idsByLabel.set(instance.label, instance.id);
    if (instance.deleted === null) this.#existing += 1;
  }

  #removePresent(instance: Instance): void {
    this.#present.delete(instance.id);
    this.#idsByLabel.delete(instance.label);
  }

  #record(
    instance: Instance,
    action: AccountEvent['action'],
    now: number,
    times: Pick<AccountEvent, 'startsAt' | 'endsAt'>,
  ): void {
    // The events are in the order of their times, so all events after the first to keep are kept.
    for (const [oldId, event] of this.#events) {
      if (isKept(event, now)) break;
      this.#events.delete(oldId);
    }
    const id = this.#nextEventId++;
    const { id: linodeId, label: linodeLabel, image } = instance;
    this.#add({ id, action, linodeId, linodeLabel, image, created: now, ...times, failed: false });
  }

  #add(event: AccountEvent): void {
    this.#events.set(event.id, event);
    const ids = this.#eventsOf.get(event.linodeId);
    if (ids === undefined) this.#eventsOf.set(event.linodeId, [event.id]);
    else ids.push(event.id);
  }
}

/** The event that begins with the change. */
const POWER_ACTIONS: Readonly<Partial<Record<Power, EventAction>>> = {
  booting: 'linode_boot',
  rebooting: 'linode_reboot',
  shutting_down: 'linode_shutdown',
};

/** Whether the Linode did not linger after its deletion. */
const isGoneAtOnce = ({ deleted, goneAt }: Instance): boolean =>
  deleted !== null && goneAt !== null && goneAt <= deleted;
