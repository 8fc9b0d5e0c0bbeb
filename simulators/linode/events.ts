import { images } from './catalogue.ts';
import { type Row, wireTime } from './json.ts';

export type EventAction = 'linode_create' | 'linode_boot' | 'linode_shutdown' | 'linode_delete';

/** Something that happens to a Linode between two instants; what it shows follows from the time. */
export interface EventRecord {
  readonly id: number;
  readonly action: EventAction | 'linode_update';
  readonly linodeId: number;
  readonly linodeLabel: string;
  readonly image: string | null;
  readonly created: number;
  /** Scheduled until then. */
  readonly startsAt: number | null;
  /** null: never. */
  readonly endsAt: number | null;
  readonly failed: boolean;
}

const DAYS_KEPT = 90;

export const isKept = (event: EventRecord, now: number): boolean =>
  event.created > now - DAYS_KEPT * 86_400_000;

const ended = new WeakMap<EventRecord, Row>();

/** As the API shows it; the same object once it has ended. */
export function wireEvent(event: EventRecord, now: number): Row {
  if (event.endsAt === null || now < event.endsAt) return eventRow(event, now);
  const row = ended.get(event) ?? eventRow(event, now);
  ended.set(event, row);
  return row;
}

function eventRow(event: EventRecord, now: number): Row {
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

function progress(event: EventRecord, now: number) {
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
  // Recorded: the time since it was scheduled counts, too.
  const duration = (now - event.created) / 1000;
  return { status: 'started', percent: Math.min(99, Math.floor(share * 100)), duration };
}

function secondaryEntity({ action, image, linodeId }: EventRecord, url: string): Row | null {
  if (image === null) return null;
  if (action === 'linode_create') {
    const label = images.get(image)?.label ?? image;
    return { id: image, type: 'image', label, url: `/v4/images/${image}` };
  }
  if (action !== 'linode_boot') return null;
  const label = `My ${images.get(image)?.label ?? image} Disk Profile`;
  return { id: linodeId, type: 'linode_config', label, url: `${url}/configs/${linodeId}` };
}
