import { images } from './catalogue.ts';
import { type Row, wireTime } from './json.ts';

export type EventAction =
  | 'linode_create'
  | 'linode_boot'
  | 'linode_reboot'
  | 'linode_shutdown'
  | 'linode_delete';

/**
 * An event of the account: something that happens to a Linode between two instants. Its status and
 * progress in the API follow from the time.
 */
export interface AccountEvent {
  readonly id: number;
  readonly action: EventAction | 'linode_update';
  readonly linodeId: number;
  readonly linodeLabel: string;
  readonly image: string | null;
  readonly created: number;
  /** Epoch milliseconds; the status is `scheduled` until then. null: the event never starts. */
  readonly startsAt: number | null;
  /** Epoch milliseconds; null: the event never ends. */
  readonly endsAt: number | null;
  readonly failed: boolean;
}

const DAYS_KEPT = 90;

export const isKept = (event: AccountEvent, now: number): boolean =>
  event.created > now - DAYS_KEPT * 86_400_000;

const rowsOfEnded = new WeakMap<AccountEvent, Row>();

/** The event as the API shows it; always the same object once the event has ended. */
export function wireEvent(event: AccountEvent, now: number): Row {
  if (event.endsAt === null || now < event.endsAt) return eventRow(event, now);
  const row = rowsOfEnded.get(event) ?? eventRow(event, now);
  rowsOfEnded.set(event, row);
  return row;
}

function eventRow(event: AccountEvent, now: number): Row {
  const url = `/v4/linode/instances/${event.linodeId}`;
  const { status, percent, duration } = progress(event, now);
  return {
    id: event.id,
    created: wireTime(event.created),
    seen: false,
    read: false,
    percent_complete: percent,
    time_remaining: percent === 100 ? 0 : null,
    rate: null,
    duration,
    action: event.action,
    username: 'simulator',
    entity: { label: event.linodeLabel, id: event.linodeId, type: 'linode', url },
    status,
    secondary_entity: secondaryEntity(event, url),
    message: '',
    details: {},
  };
}

function progress(event: AccountEvent, now: number) {
  const { startsAt, endsAt } = event;
  if (event.action === 'linode_update') {
    return { status: 'notification', percent: null, duration: null };
  }
  if (endsAt !== null && now >= endsAt) {
    const status = event.failed ? 'failed' : 'finished';
    return { status, percent: 100, duration: (endsAt - event.created) / 1000 };
  }
  if (startsAt === null || now < startsAt) {
    return { status: 'scheduled', percent: 0, duration: null };
  }
  const share = endsAt === null ? 0.5 : (now - startsAt) / (endsAt - startsAt);
  // The real API's duration includes the time in which the event was only scheduled.
  const duration = (now - event.created) / 1000;
  return { status: 'started', percent: Math.min(99, Math.floor(share * 100)), duration };
}

function secondaryEntity({ action, image, linodeId }: AccountEvent, url: string): Row | null {
  if (image === null) return null;
  if (action === 'linode_create') {
    const label = images.get(image)?.label ?? image;
    return { id: image, type: 'image', label, url: `/v4/images/${image}` };
  }
  if (action !== 'linode_boot') return null;
  const label = `My ${images.get(image)?.label ?? image} Disk Profile`;
  return { id: linodeId, type: 'linode_config', label, url: `${url}/configs/${linodeId}` };
}
