import { livesOf, micros, type Rate, ratesOf } from './bill.ts';
import { types } from './catalogue.ts';
import type { Instance } from './instance.ts';
import type { InvoiceSettings, LabelForm } from './invoice-settings.ts';
import { overagesIn } from './transfer.ts';

/** An invoice as the account keeps it. Amounts are in micro-dollars, times in epoch milliseconds. */
export interface Invoice {
  readonly id: number;
  readonly date: number;
  /** Made by itself on the first of a month, not because somebody asked for one. */
  readonly isMonthly: boolean;
  readonly items: readonly InvoiceItem[];
}

export interface InvoiceItem {
  readonly label: string;
  readonly type: 'hourly' | 'misc';
  readonly quantity: number;
  /** A decimal, as the API writes it. */
  readonly unitPrice: string;
  readonly microUsd: number;
  readonly taxMicroUsd: number;
  readonly from: number;
  readonly to: number;
  readonly region: string | null;
  /** What the item is of, so that a later invoice does not bill it again; null: nothing of ours. */
  readonly of: string | null;
}

const HOUR = 3_600_000;
const FIRST_INVOICE_ID = 30_000_001;
/** US dollars for a GB beyond the pool, in most regions. */
const OVERAGE_USD = 0.005;

/** The invoices with those of the months that have ended since, oldest first. */
export function withMonthlyInvoices(
  invoices: readonly Invoice[],
  instances: readonly Instance[],
  settings: InvoiceSettings,
  now: number,
): readonly Invoice[] {
  const [first] = instances;
  if (first === undefined) return invoices;
  let made = invoices;
  const last = made.findLast(({ isMonthly }) => isMonthly);
  for (let end = nextMonth(last?.date ?? first.created); end <= now; end = nextMonth(end)) {
    made = [...made, newInvoice(made, instances, settings, { date: end, isMonthly: true })];
  }
  return made;
}

/** An invoice of all that no earlier invoice has billed up to its date. */
export function newInvoice(
  earlier: readonly Invoice[],
  instances: readonly Instance[],
  settings: InvoiceSettings,
  { date, isMonthly }: Pick<Invoice, 'date' | 'isMonthly'>,
): Invoice {
  const billed = new Map<string, { quantity: number; microUsd: number }>();
  for (const { of, quantity, microUsd } of earlier.flatMap(({ items }) => items)) {
    if (of === null) continue;
    const before = billed.get(of) ?? { quantity: 0, microUsd: 0 };
    billed.set(of, {
      quantity: before.quantity + quantity,
      microUsd: before.microUsd + microUsd,
    });
  }
  const charges = [
    ...instances.flatMap((instance) => chargesOf(instance, settings, date)),
    ...extraCharges(settings, instances, date),
  ];
  const items = charges.flatMap((charge) => {
    const before = billed.get(charge.of ?? '') ?? { quantity: 0, microUsd: 0 };
    const quantity = charge.quantity - before.quantity;
    return quantity <= 0 ? [] : [itemOf(charge, quantity, before.microUsd, settings)];
  });
  return { id: FIRST_INVOICE_ID + earlier.length, date, isMonthly, items };
}

/** The invoice with other amounts of the items whose labels match: Linode has corrected it. */
export const corrected = (
  invoice: Invoice,
  { labels, factor }: { readonly labels: string; readonly factor: number },
): Invoice => ({
  ...invoice,
  items: invoice.items.map((item) =>
    new RegExp(labels).test(item.label)
      ? { ...item, microUsd: Math.round(item.microUsd * factor) }
      : item,
  ),
});

/** What is billed for something up to a date, earlier invoices included. */
interface Charge {
  readonly of: string | null;
  readonly label: string;
  readonly type: 'hourly' | 'misc';
  readonly quantity: number;
  readonly rate: Rate;
  readonly from: number;
  readonly to: number;
  readonly region: string | null;
}

function itemOf(
  { rate, ...charge }: Charge,
  quantity: number,
  billedMicroUsd: number,
  { cents, taxPercent, decimalComma }: InvoiceSettings,
): InvoiceItem {
  const most = rate.monthly === null ? Number.POSITIVE_INFINITY : micros(rate.monthly);
  const exact = Math.min(charge.quantity * micros(rate.hourly), most) - billedMicroUsd;
  const microUsd = cents ? Math.round(exact / 10_000) * 10_000 : exact;
  const taxMicroUsd = Math.round((microUsd * taxPercent) / 100);
  const unitPrice = decimalComma ? `${rate.hourly}`.replace('.', ',') : `${rate.hourly}`;
  return { ...charge, quantity, unitPrice, microUsd, taxMicroUsd };
}

function chargesOf(instance: Instance, settings: InvoiceSettings, date: number): Charge[] {
  const { differences, monthEndHour } = settings;
  const own = differences.filter(({ labels }) => new RegExp(labels).test(instance.label));
  if (own.some(({ kind }) => kind === 'missing')) return [];
  const added = own.reduce((sum, one) => sum + (one.kind === 'hours' ? one.hours : 0), 0);
  const factor = own.reduce((all, one) => all * (one.kind === 'price' ? one.factor : 1), 1);
  const hasBackups = own.some(({ kind }) => kind === 'backups');
  const lives = livesOf(instance).filter(({ created }) => created <= date);
  return lives.flatMap((life, index) => {
    // The API shows a creation in whole seconds, and from then on Linode bills.
    const from = index === 0 ? life.created - (life.created % 1_000) : life.created;
    const until = Math.min(life.deleted ?? date, date);
    const rates = ratesOf(hasBackups ? { ...life, backupsEnabled: true } : life);
    const months = monthsOf(from, until, monthEndHour).filter(({ start }) => start < date);
    return months.flatMap(({ start, end, hours }, month) =>
      rates.map(
        (rate, place): Charge => ({
          of: `${instance.id}/${index}/${place}/${start}`,
          label: labelOf(
            settings.labelForm,
            life,
            placeName(place, rates.length, life, hasBackups),
          ),
          type: 'hourly',
          quantity: hours + (index === 0 && month === 0 && place === 0 ? added : 0),
          rate: place === 0 ? dearer(rate, factor) : rate,
          from: Math.max(from, start),
          to: Math.min(until, end - 1_000),
          region: life.region,
        }),
      ),
    );
  });
}

const dearer = ({ hourly, monthly }: Rate, factor: number): Rate => ({
  hourly: Math.round(hourly * factor * 1e6) / 1e6,
  monthly: monthly === null ? null : Math.round(monthly * factor * 100) / 100,
});

/** The order of `ratesOf`: the Linode, then its backups, then Linode Managed. */
function placeName(place: number, count: number, life: Instance, hasBackups: boolean): string {
  const plan = types.get(life.type)?.label ?? life.type;
  if (place === 0) return plan;
  const isBackups = place === 1 && (life.backupsEnabled || hasBackups) && count > 1;
  return isBackups ? `Backup Service - ${plan}` : 'Linode Managed';
}

interface MonthOfLife {
  readonly start: number;
  readonly end: number;
  /** Started hours. */
  readonly hours: number;
}

/** The months (UTC) in which a life has billed hours; a life has at least one hour. */
function monthsOf(
  from: number,
  until: number,
  reading: InvoiceSettings['monthEndHour'],
): MonthOfLife[] {
  const count = Math.max(1, Math.ceil((until - from) / HOUR));
  const months: { start: number; end: number; hours: number }[] = [];
  for (let hour = 0; hour < count; hour += 1) {
    const starts = from + hour * HOUR;
    const lasts = Math.max(starts + 1, Math.min(starts + HOUR, until));
    const touched = reading === 'once' ? [starts] : [starts, lasts - 1];
    for (const start of new Set(touched.map(monthStart))) {
      const last = months.at(-1);
      if (last?.start === start) last.hours += 1;
      else months.push({ start, end: nextMonth(start), hours: 1 });
    }
  }
  return months;
}

function extraCharges(
  { extraItems, overageGb }: InvoiceSettings,
  instances: readonly Instance[],
  date: number,
): Charge[] {
  const from = monthStart(date - 1);
  const misc = { from, to: date - 1_000, region: null };
  const extra = extraItems.map(({ label, quantity, unitPrice }): Charge => {
    const rate = { hourly: unitPrice, monthly: null };
    return { ...misc, of: `${label}/${from}`, label, type: 'hourly', quantity, rate };
  });
  const others = { region: null, gb: overageGb, gbUsd: OVERAGE_USD };
  const overages = [...overagesIn(instances, from, date), others].filter(({ gb }) => gb > 0);
  return [
    ...extra,
    ...overages.map(({ region, gb, gbUsd }, index): Charge => {
      const label = 'Outbound Transfer Overage';
      const rate = { hourly: gbUsd, monthly: null };
      const of = `${label}/${region ?? index}/${from}`;
      return { ...misc, of, label, type: 'misc', quantity: gb, rate, region };
    }),
  ];
}

/** `what`: the plan, or another service of the Linode. The first form is the real console's. */
export function labelOf(
  form: LabelForm,
  { id, label }: { id: number; label: string },
  what: string,
) {
  switch (form) {
    case 'console':
      return `${what} - ${label} (${id})`;
    case 'idOnly':
      return what.startsWith('Backup') ? `Backup Service - Linode ${id}` : `Linode ${id}`;
    case 'underscores':
      return `${what}_${label}_${id}`.replaceAll(/[ -]+/g, '_');
    case 'dots':
      return `${label.replaceAll('-', '.')} · ${what} · #${id}`;
    case 'truncated':
      return `${what} - ${label.slice(0, 15)}... (${id})`;
    case 'nameOnly':
      return `${what} - ${label}`;
    case 'shouted':
      return `${what} – ${label} – NR. ${id}`.toUpperCase();
    case 'nameFirst':
      return `${label}/${id}: ${what}`;
  }
}

function monthStart(at: number): number {
  const date = new Date(at);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth());
}

function nextMonth(at: number): number {
  const date = new Date(at);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1);
}
