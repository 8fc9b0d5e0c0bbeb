import { SimulatedAgent } from './agent.ts';
import type { AgentCall } from './agent-call.ts';
import { agentFilesIn } from './agent-files.ts';
import type { SimulatedApi } from './api.ts';
import type { Node } from './asks.ts';
import type { Instance } from './instance.ts';
import { moveFile, type Transfer } from './job.ts';
import type { SimulatorSettings } from './settings.ts';

type Options = Pick<SimulatedApi, 'allow' | 'instance' | 'instances'> & {
  /** Virtual epoch milliseconds. */
  readonly now: () => number;
  readonly settings: () => SimulatorSettings;
};

/** How often the agents look at their clocks, in real milliseconds. */
const LOOK_EVERY_MS = 500;
/** The calls at a time, as each takes a place among the functions. */
const CALLS_MAX = 5;
const CALL_MS_MAX = 30_000;

/**
 * Plays the agents of the simulated Linodes, which boot nothing: each reads the node's user data as
 * the node would, and calls the URL in it. Returns what stops them.
 */
export function playAgents({ now, instances, instance, allow, settings }: Options): () => void {
  const agents = new Map<number, SimulatedAgent | null>();
  const stopping = new AbortController();

  /** null: no agent runs on the Linode, now or ever. */
  function agentOf(linode: Instance): SimulatedAgent | null {
    const { id, label, userData, runningAt, deleted } = linode;
    if (deleted !== null || runningAt === null || now() < runningAt) return null;
    const known = agents.get(id);
    if (known !== undefined) return known;
    const files = agentFilesIn(userData);
    const { readySeconds, unreadyLabels } = settings();
    const fails = unreadyLabels.some((pattern) => new RegExp(pattern).test(label));
    const doneAt = runningAt + readySeconds * 1_000;
    const node: Node = {
      instance: () => instance(id) ?? linode,
      allow: (allowance) => allow(id, allowance),
    };
    const fault = fails ? FAULT : null;
    const agent = files === null ? null : new SimulatedAgent(files, doneAt, fault, node);
    agents.set(id, agent);
    return agent;
  }

  async function post({ url, token }: SimulatedAgent, call: AgentCall): Promise<unknown> {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    const signal = AbortSignal.any([stopping.signal, AbortSignal.timeout(CALL_MS_MAX)]);
    try {
      const body = JSON.stringify(call);
      const response = await fetch(url, { method: 'POST', headers, body, signal });
      const answer: unknown = await response.json();
      return response.ok ? answer : null;
    } catch {
      return null;
    }
  }

  const move = (transfer: Transfer) => moveFile(transfer, stopping.signal);

  const act = (agent: SimulatedAgent): Promise<void> =>
    agent.act({
      now,
      isGone: () => stopping.signal.aborted,
      post: (call) => post(agent, call),
      move,
    });

  async function look(): Promise<void> {
    const due = instances()
      .map(agentOf)
      .filter((agent) => agent !== null)
      .filter((agent) => agent.nextAt() <= now());
    for (let start = 0; start < due.length && !stopping.signal.aborted; start += CALLS_MAX) {
      await Promise.all(due.slice(start, start + CALLS_MAX).map(act));
    }
  }

  let isLooking = false;
  const timer = setInterval(async () => {
    if (isLooking) return;
    isLooking = true;
    await look();
    isLooking = false;
  }, LOOK_EVERY_MS);
  timer.unref();
  return () => {
    clearInterval(timer);
    stopping.abort();
  };
}

const FAULT = 'cloud-init: error. the simulated Linode has a label of unreadyLabels';
