import type { AgentCall } from './agent-call.ts';
import type { Grant, Instance } from './instance.ts';
import { allowanceAt, countedInMonth, countsSince, monthAt, reachesAt } from './sending.ts';

/** The node on which an agent runs, and its firewall. */
export interface Node {
  readonly instance: () => Instance;
  readonly allow: (allowance: Pick<Grant, 'month' | 'bytes'>) => void;
}

const SECOND = 1_000;
/** How far ahead it looks. */
const MONTHS_AHEAD = 12;
/** How often the agent reads the firewall's counter. */
const LOOK_EVERY = 10 * SECOND;
/** If it got no more; and a second for each node with a lower rank. */
const UNCHANGED_PAUSE = 300 * SECOND;
/** If it got no answer; ranks up to here ask one after the other. */
const RANKS_APART = 30;

/**
 * Plays the part of a node's agent that asks for a larger allowance when half of the one that the
 * node has is sent, with the times of the node's own agent (lib/core/room/scripts).
 */
export class SimulatedAsks {
  readonly #node: Node;
  readonly #rank: number;
  #pausedUntil: number;

  /** `from`: when the agent begins to look, in epoch milliseconds. */
  constructor(node: Node, rank: number, from: number) {
    this.#node = node;
    this.#rank = rank;
    this.#pausedUntil = from;
  }

  /** When there is something to ask next, unless the node is granted more before that. */
  nextAt(): number {
    const from = this.#pausedUntil;
    let month = from;
    for (let months = 0; months < MONTHS_AHEAD; months += 1) {
      const at = this.#halfSentAt(month);
      if (at !== null) return from + Math.ceil((at - from) / LOOK_EVERY) * LOOK_EVERY;
      month = monthAt(month).end;
    }
    return Number.POSITIVE_INFINITY;
  }

  /** null: there is nothing to ask at `now`. */
  callAt(now: number): AgentCall | null {
    if (now < this.nextAt()) return null;
    const instance = this.#node.instance();
    const sentBytes = Math.floor(countedInMonth(instance, now));
    return { event: 'sending', detail: '', sentBytes, countedSince: countsSince(instance) };
  }

  /** `answer`: the body of a 200; null: Onebuck did not take the call. */
  answered({ countedSince }: AgentCall, answer: unknown, now: number): void {
    const { allowanceMonth: month, allowanceBytes: bytes } = (answer ?? {}) as Answer;
    const before = allowanceAt(this.#node.instance(), now);
    // The agent that asked is gone with what its node had counted.
    const isOwn = countsSince(this.#node.instance()) === countedSince;
    if (month !== undefined && bytes !== undefined && isOwn) this.#node.allow({ month, bytes });
    const isLarger = allowanceAt(this.#node.instance(), now) > before;
    const looks = isLarger ? 1 : this.#patience(answer !== null);
    this.#pausedUntil = now + looks * LOOK_EVERY;
  }

  /** How many looks later it asks again, having got no more. */
  #patience(isAnswered: boolean): number {
    if (!isAnswered) return 1 + Math.floor((this.#rank % RANKS_APART) / 3);
    return Math.floor(UNCHANGED_PAUSE / LOOK_EVERY + this.#rank / 10);
  }

  /** When half of the allowance is first sent, from `from` on in its month; null: not in that month. */
  #halfSentAt(from: number): number | null {
    const instance = this.#node.instance();
    return reachesAt(instance, Math.ceil(allowanceAt(instance, from) / 2), from);
  }
}

/** What the answer to `sending` has besides, if the cluster is limited. */
interface Answer {
  readonly allowanceMonth?: string;
  readonly allowanceBytes?: number;
}
