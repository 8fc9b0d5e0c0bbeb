import type { EpochMs } from '../base/units.ts';
import type { Life } from './life.ts';
import { type LiveRecord, troubleOf } from './record.ts';

/** What Onebuck does next about a live cluster. */
export interface Next {
  /** Onebuck acts at this instant or earlier. */
  readonly at: EpochMs;
  /** What Onebuck does and why, to be read after "Onebuck": `destroys its nodes, when …`. */
  readonly why: string;
}

/** `life` is the life of `record` at the present instant. */
export function nextOf(record: LiveRecord, { teardownAt, limit }: Life): Next {
  const { phase, dueAt } = record;
  if (phase === 'running') {
    const ends = {
      budget: 'the budget is used up',
      maxHours: `${record.maxHours} hours are over`,
      done: 'what is paid anyway is over: its job has ended',
    };
    return { at: teardownAt, why: `destroys its nodes, when ${ends[limit]}` };
  }
  const trouble = troubleOf(record);
  if (trouble !== null) return { at: dueAt, why: `waits for Linode: ${trouble.reason}` };
  if (phase === 'deleting') return { at: dueAt, why: 'looks whether its nodes are gone' };
  if (record.createFrom === dueAt) {
    return { at: dueAt, why: 'creates its nodes, after those of clusters launched before it' };
  }
  const planned = record.nodes.filter(({ state }) => state === 'planned').length;
  const why = planned > 0 ? `creates ${planned} of its nodes` : 'looks whether its nodes are up';
  return { at: dueAt, why };
}
