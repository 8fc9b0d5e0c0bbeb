import { reap } from '../lib/reap.ts';
import { clock, log, nudge, store } from '../lib/wire.ts';

export const handler = () => reap({ clock: clock(), store: store(), nudge: nudge(), log: log() });
