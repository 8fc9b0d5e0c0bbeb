import type { AgentCall } from './agent-call.ts';
import type { AgentFiles } from './agent-files.ts';
import { type Node, SimulatedAsks } from './asks.ts';
import { SimulatedJob, type Transfer } from './job.ts';

const SECOND = 1_000;
const ALIVE_AFTER = 6 * 3_600 * SECOND;
const PAUSE = 30 * SECOND;
const ALIVE_PAUSE = 600 * SECOND;

/**
 * Plays the agents of a node: that of the node, with the times of the script in
 * lib/core/room/scripts/agent.ts, and that of the job, if its cluster has one.
 */
export class SimulatedAgent {
  #files: AgentFiles;
  readonly #doneAt: number;
  readonly #fault: string | null;
  readonly #rank: number;
  #told = false;
  #last: number;
  #pausedUntil = 0;
  /** null: the node sends what it wants to. */
  readonly #asks: SimulatedAsks | null;
  /** null: the node is not ready, or has no job. */
  #job: SimulatedJob | null = null;

  /**
   * `doneAt`: when cloud-init is done on its node; `fault`: why it failed, null: it did not. `node`:
   * for the firewall of a node that has a limit; null: it never asks for more.
   */
  constructor(
    files: AgentFiles,
    doneAt: number,
    fault: string | null = null,
    node: Node | null = null,
  ) {
    this.#files = files;
    const isLimited = files.slice !== null && node !== null;
    this.#doneAt = doneAt;
    this.#fault = fault;
    this.#last = doneAt;
    this.#rank = Number(/\d+$/.exec(files.url)?.[0] ?? 0);
    this.#asks = isLimited ? new SimulatedAsks(node, this.#rank, doneAt) : null;
  }

  get url(): string {
    return this.#files.url;
  }

  get token(): string {
    return this.#files.token;
  }

  /**
   * Has both agents do all that they have to do by now, until their node is gone. Without it, nobody
   * plays the agent of the job.
   */
  async act({ now, isGone, post, move }: Around): Promise<void> {
    while (this.nextAt() <= now() && !isGone()) {
      const call = this.callAt(now());
      if (call !== null) {
        const answer = await post(call);
        this.answered(call, answer, now());
        if (call.event === 'ready' && answer !== null) this.#beginJob(answer as Answer, now());
        continue;
      }
      const transfer = this.#job?.transferAt(now()) ?? null;
      if (transfer !== null) this.#job?.transferred(await move(transfer), now());
      const ofJob = isGone() ? null : (this.#job?.callAt(now()) ?? null);
      if (transfer === null && ofJob === null) return;
      if (ofJob === null) continue;
      const answer = await post(ofJob);
      if (answer !== null) this.#heard(answer as Answer, now());
      this.#job?.answered(ofJob, answer, now());
    }
  }

  /** When the agents do something next, unless an answer before that moves the teardown. */
  nextAt(): number {
    const others = [this.#asks, this.#job].map((one) => one?.nextAt() ?? Number.POSITIVE_INFINITY);
    return Math.min(this.#ownNextAt(), ...others);
  }

  /** What the agent of the node calls to say at `now`; null: nothing yet. */
  callAt(now: number): AgentCall | null {
    if (now < this.#ownNextAt()) return this.#asks?.callAt(now) ?? null;
    if (now >= this.#dueAt()) return { event: 'due', detail: '' };
    if (this.#told) return { event: 'alive', detail: '' };
    return this.#fault === null
      ? { event: 'ready', detail: '' }
      : { event: 'failed', detail: this.#fault };
  }

  /** `answer`: the body of a 200; null: Onebuck did not take the call. */
  answered(call: AgentCall, answer: unknown, now: number): void {
    const { event } = call;
    if (event === 'sending') {
      this.#asks?.answered(call, answer, now);
      if (answer !== null) this.#heard(answer as Answer, now);
      return;
    }
    if (answer === null) {
      this.#pausedUntil = now + (event === 'alive' ? ALIVE_PAUSE : PAUSE);
      return;
    }
    this.#heard(answer as Answer, now);
    this.#last = now;
    if (event === 'ready' || event === 'failed') this.#told = true;
    if (event === 'due') this.#pausedUntil = now + PAUSE;
  }

  #heard(answer: Answer, now: number): void {
    const { token, teardownAt } = answer;
    this.#files = { ...this.#files, token, teardownAt: Date.parse(teardownAt) };
    this.#job?.heard(answer, now);
  }

  /** Only the answers of a cluster with a job have the field `stop`. */
  #beginJob(answer: Answer, now: number): void {
    if (answer.stop === undefined) return;
    const { nodes, teardownAt } = this.#files;
    this.#job = new SimulatedJob({ rank: this.#rank, nodes }, now, teardownAt);
    this.#job.heard(answer, now);
  }

  #ownNextAt(): number {
    const news = this.#told ? this.#last + ALIVE_AFTER : this.#doneAt;
    return Math.max(this.#pausedUntil, Math.min(this.#dueAt(), news));
  }

  #dueAt(): number {
    return this.#files.teardownAt + (15 + (this.#rank % 30)) * SECOND;
  }
}

/** The world around the agents of a node. */
export interface Around {
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** Whether the node is deleted, or the play is over. */
  readonly isGone: () => boolean;
  /** The body of a 200; null: Onebuck did not take the call. */
  readonly post: (call: AgentCall) => Promise<unknown>;
  /** Whether the whole file arrived. */
  readonly move: (transfer: Transfer) => Promise<boolean>;
}

/** The part of each answer that the agent of a node reads. */
interface Answer {
  readonly token: string;
  readonly teardownAt: string;
  readonly stop?: boolean;
}
