import { reap } from '../lib/app/reap.ts';
import { clock, log, metrics, nudge, store } from '../lib/wire.ts';

export const handler = () =>
  reap({ clock: clock(), store: store(), nudge: nudge(), metrics: metrics(), log: log() });
