import { gunzipSync } from 'node:zlib';

/** What a call of an agent says. */
export type AgentEvent = 'ready' | 'failed' | 'alive' | 'due';

export interface AgentCall {
  readonly event: AgentEvent;
  readonly detail: string;
}

/** The files of an agent, as its node's boot script leaves them. */
export interface AgentFiles {
  /** `https://…/agent/<cluster>/<rank>`. */
  readonly url: string;
  readonly token: string;
  /** Epoch milliseconds. */
  readonly teardownAt: number;
}

/**
 * The files that the boot script in the user data would write; null: it has no agent, or the user
 * data is none of Onebuck's.
 */
export function agentFilesIn(userData: string | null): AgentFiles | null {
  if (userData === null) return null;
  const text = unpacked(Buffer.from(userData, 'base64')).toString('latin1');
  const written = (pattern: RegExp) => pattern.exec(text)?.[1] ?? '';
  const url = written(/^echo (\S+) > \$d\/url$/m);
  const token = written(/echo (\S+) \| put \$d\/token /);
  const teardownAt = Date.parse(written(/echo (\S+) > \$d\/teardown-at$/m));
  return url === '' || token === '' || Number.isNaN(teardownAt) ? null : { url, token, teardownAt };
}

function unpacked(bytes: Buffer): Buffer {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  try {
    return gunzipSync(bytes);
  } catch {
    return bytes;
  }
}

const SECOND = 1_000;
const ALIVE_AFTER = 6 * 3_600 * SECOND;
const PAUSE = 30 * SECOND;
const ALIVE_PAUSE = 600 * SECOND;

/** Plays the agent of a node, with the times of the script in lib/core/room/scripts/agent.ts. */
export class SimulatedAgent {
  #files: AgentFiles;
  readonly #doneAt: number;
  readonly #fault: string | null;
  #told = false;
  #last: number;
  #pausedUntil = 0;

  /** `doneAt`: when cloud-init is done on its node; `fault`: why it failed, null: it did not. */
  constructor(files: AgentFiles, doneAt: number, fault: string | null = null) {
    this.#files = files;
    this.#doneAt = doneAt;
    this.#fault = fault;
    this.#last = doneAt;
  }

  get url(): string {
    return this.#files.url;
  }

  get token(): string {
    return this.#files.token;
  }

  /** When the agent calls next, unless an answer before that moves the teardown. */
  nextAt(): number {
    const news = this.#told ? this.#last + ALIVE_AFTER : this.#doneAt;
    return Math.max(this.#pausedUntil, Math.min(this.#dueAt(), news));
  }

  /** What the agent calls to say at `now`; null: nothing yet. */
  callAt(now: number): AgentCall | null {
    if (now < this.nextAt()) return null;
    if (now >= this.#dueAt()) return { event: 'due', detail: '' };
    if (this.#told) return { event: 'alive', detail: '' };
    return this.#fault === null
      ? { event: 'ready', detail: '' }
      : { event: 'failed', detail: this.#fault };
  }

  /** `answer`: the body of a 200; null: Onebuck did not take the call. */
  answered(call: AgentCall, answer: unknown, now: number): void {
    if (answer === null) {
      this.#pausedUntil = now + (call.event === 'alive' ? ALIVE_PAUSE : PAUSE);
      return;
    }
    const { token, teardownAt } = answer as { token: string; teardownAt: string };
    this.#files = { ...this.#files, token, teardownAt: Date.parse(teardownAt) };
    this.#last = now;
    if (call.event === 'ready' || call.event === 'failed') this.#told = true;
    if (call.event === 'due') this.#pausedUntil = now + PAUSE;
  }

  #dueAt(): number {
    const rank = Number(/\d+$/.exec(this.#files.url)?.[0] ?? 0);
    return this.#files.teardownAt + (15 + (rank % 30)) * SECOND;
  }
}
