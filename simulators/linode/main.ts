import { createClock } from '../../lib/adapters/clock.ts';
import { startLinodeSimulator } from './simulator.ts';

/**
 * Runs the simulator in its own process. Environment: PORT (default 3100), LINODE_TOKEN (the only
 * token that the simulator accepts), CLOCK_RATE, CLOCK_ORIGIN (epoch milliseconds) and STATE_FILE.
 */
const { PORT, LINODE_TOKEN, CLOCK_RATE, CLOCK_ORIGIN, STATE_FILE } = process.env;

const simulator = await startLinodeSimulator({
  now: createClock({
    originMs: numberIn('CLOCK_ORIGIN', CLOCK_ORIGIN, Date.now()),
    rate: numberIn('CLOCK_RATE', CLOCK_RATE, 1),
  }).now,
  port: numberIn('PORT', PORT, 3100),
  tokens: LINODE_TOKEN ? { [LINODE_TOKEN]: '*' } : {},
  playsAgents: true,
  ...(STATE_FILE ? { stateFile: STATE_FILE } : {}),
});

console.log(`Linode simulator on ${simulator.url}`);
if (!LINODE_TOKEN) console.error('LINODE_TOKEN is not set: only the public catalogue is served');

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void simulator.close());
}

function numberIn(name: string, text: string | undefined, fallback: number): number {
  if (text === undefined || text === '') return fallback;
  const value = Number(text);
  if (Number.isFinite(value)) return value;
  throw new RangeError(`${name} must be a number, not ${text}`);
}
