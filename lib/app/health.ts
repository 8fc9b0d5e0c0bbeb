import { type EpochMs, minutes, plus } from '../core/base/units.ts';
import type { Clock, InvoiceStore } from '../ports.ts';

export interface HealthDeps {
  readonly clock: Clock;
  readonly invoices: Pick<InvoiceStore, 'book'>;
}

/** Anybody may ask, as often as they like. */
const REMEMBERED = minutes(5);

/**
 * What an operator should mend, though everything works; read every 5 minutes at most. Never throws:
 * the API is alive without the table.
 */
export function createHealthNotes({ clock, invoices }: HealthDeps): () => Promise<string[]> {
  let known: { readonly notes: Promise<string[]>; readonly until: EpochMs } | null = null;
  const read = async (): Promise<string[]> => {
    const { access } = await invoices.book();
    return access === 'denied' ? [NO_INVOICES] : [];
  };
  return () => {
    if (known === null || clock.now() > known.until) {
      known = { notes: read().catch(() => []), until: plus(clock.now(), REMEMBERED) };
    }
    return known.notes;
  };
}

const NO_INVOICES =
  "Linode's invoices are not read: the Linode token lacks the scope account:read_only.";
