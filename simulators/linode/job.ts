import type { AgentCall } from './agent-call.ts';
import { archiveOf } from './archive.ts';

/** A GET of an input, which must have so many bytes, or a PUT of results. */
export type Transfer =
  | { readonly kind: 'get'; readonly url: string; readonly bytes: number }
  | { readonly kind: 'put'; readonly url: string; readonly body: Uint8Array<ArrayBuffer> };

/** Whether the whole file arrived. */
export async function moveFile(transfer: Transfer, signal: AbortSignal): Promise<boolean> {
  const { kind, url } = transfer;
  const body = kind === 'put' ? transfer.body : null;
  try {
    const response = await fetch(url, { method: kind, body, signal });
    let bytes = 0;
    for await (const part of response.body ?? []) bytes += part.length;
    return response.ok && (kind === 'put' || bytes === transfer.bytes);
  } catch {
    return false;
  }
}

/** The part of the answer to `job` that the simulated node reads. */
interface Job {
  readonly command: string;
  readonly on: 'head' | 'all';
  readonly tasks: string | null;
  readonly results: readonly string[];
  readonly gracePeriodSeconds: number;
  readonly logEverySeconds: number;
  readonly inputs: readonly { readonly url: string; readonly bytes: number }[];
}

/** How the command has ended on the node. */
interface End {
  /** Epoch milliseconds. */
  readonly at: number;
  readonly code: number | null;
  readonly isLastCall: boolean;
  readonly detail: string;
}

export interface Place {
  readonly rank: number;
  readonly nodes: number;
}

/** In this order; `over`: nothing more is to come from the node. */
type Step = 'ask' | 'get' | 'stage' | 'start' | 'run' | 'tell' | 'offer' | 'put' | 'end' | 'over';

const SECOND = 1_000;
const ALIVE_AFTER = 60 * SECOND;
const PAUSE_MAX = 20 * SECOND;
/** How long a command runs that does not sleep. */
const RUN_SECONDS = 20;
/** How often an input or the results are tried. */
const TRIES_MAX = 25;
const SEGMENT_BYTES = 65_536;
const LINES_MAX = 1_000_000;

/**
 * Plays the agent of a job on a node that runs nothing, in the order and with the times of the script
 * in lib/core/room/scripts/job.ts. Of the command it honours `sleep`, `exit` and `seq`.
 */
export class SimulatedJob {
  readonly #place: Place;
  #step: Step = 'ask';
  #job: Job | null = null;
  #teardownAt: number;
  /** When an answer first said that the job is to stop. */
  #stopAt = Number.POSITIVE_INFINITY;
  /** How many inputs are on the node. */
  #inputs = 0;
  /** The calls and the transfers that failed, one after the other. */
  #failures = 0;
  #lost = 0;
  #nextAt: number;
  #startedAt = 0;
  #end: End | null = null;
  #heardAt = 0;
  #firstLines: Buffer | null = null;
  /** How many of the later lines are in the part of the log that is sent. */
  #lines = 0;
  #loggedAt = 0;
  #sent = 0;
  #archive: Uint8Array<ArrayBuffer> | null = null;
  #target: { readonly url: string; readonly name: string } | null = null;

  /** `now`, `teardownAt`: epoch milliseconds. */
  constructor(place: Place, now: number, teardownAt: number) {
    this.#place = place;
    this.#nextAt = now;
    this.#teardownAt = teardownAt;
  }

  /** When there is something to do next, unless an answer before that changes it. */
  nextAt(): number {
    if (this.#step === 'over') return Number.POSITIVE_INFINITY;
    if (this.#step !== 'run' || this.#end !== null) return this.#nextAt;
    const news = Math.min(this.#endsAt(), this.#heardAt + ALIVE_AFTER, this.#logAt());
    return Math.max(this.#nextAt, news);
  }

  /** The file to move at `now`; null: none. */
  transferAt(now: number): Transfer | null {
    if (now < this.#nextAt) return null;
    this.#makeLastCall(now);
    if (this.#step === 'get') {
      const input = this.#job?.inputs[this.#inputs];
      return input === undefined ? null : { kind: 'get', ...input };
    }
    if (this.#step !== 'put' || this.#target === null || this.#archive === null) return null;
    return { kind: 'put', url: this.#target.url, body: this.#archive };
  }

  transferred(isDone: boolean, now: number): void {
    if (!isDone) {
      this.#lostTransfer(now);
      return;
    }
    this.#lost = 0;
    if (this.#step === 'put') {
      this.#step = 'end';
      return;
    }
    this.#inputs += 1;
    if (this.#inputs === this.#job?.inputs.length) this.#step = 'stage';
  }

  /** Asks for another address, as the old one may have expired; gives up in the end. */
  #lostTransfer(now: number): void {
    this.#lost += 1;
    this.#pause(now, this.#lost);
    const isInput = this.#step === 'get';
    if (this.#lost < TRIES_MAX) {
      this.#step = isInput ? 'ask' : 'offer';
    } else if (isInput) {
      this.#endUnstarted(now, 'an input can not be fetched');
    } else {
      this.#target = null;
      this.#step = 'end';
    }
  }

  /** What the node calls to say at `now`; null: nothing yet. */
  callAt(now: number): AgentCall | null {
    if (this.#step === 'over' || now < this.nextAt()) return null;
    this.#makeLastCall(now);
    const say = (call: Partial<AgentCall>) => ({ detail: '', ...call }) as AgentCall;
    switch (this.#step) {
      case 'ask':
        return say({ event: 'job' });
      case 'stage':
        return say({ event: 'staged' });
      case 'start':
        return say({ event: 'started' });
      case 'run':
        return this.#callOfRun(now);
      case 'tell':
        return say({
          event: 'exited',
          exitCode: this.#end?.code ?? null,
          detail: this.#end?.detail ?? '',
        });
      case 'offer':
        return say({ event: 'upload', bytes: this.#archive?.length ?? 0 });
      case 'end':
        return this.#callOfEnd();
      default:
        return null;
    }
  }

  /** `answer`: the body of a 200; null: Onebuck did not take the call. */
  answered(call: AgentCall, answer: unknown, now: number): void {
    if (answer === null) {
      this.#failures += 1;
      this.#pause(now, this.#failures);
      return;
    }
    this.#failures = 0;
    this.#heardAt = now;
    const heard = answer as Answer;
    switch (call.event) {
      case 'job':
        this.#job = heard.job ?? null;
        if (this.#job === null) this.#step = 'over';
        else this.#step = this.#inputs < this.#job.inputs.length ? 'get' : 'stage';
        return;
      case 'staged':
        this.#mayStart(heard, now);
        return;
      case 'started':
        this.#step = 'run';
        return;
      case 'log':
        this.#sent =
          (call.segment ?? 0) * SEGMENT_BYTES + Buffer.byteLength(call.data ?? '', 'base64');
        this.#loggedAt = now;
        return;
      case 'exited':
        this.#collect();
        return;
      case 'upload':
        this.#target = heard.upload ?? null;
        this.#step = 'put';
        return;
      case 'ended':
        this.#step = 'over';
    }
  }

  /** What any answer to the node's agents says. */
  heard({ teardownAt, stop }: Answer, now: number): void {
    this.#teardownAt = Date.parse(teardownAt);
    if (stop === true) this.#stopAt = Math.min(this.#stopAt, now);
  }

  #pause(now: number, failures: number): void {
    this.#nextAt = now + Math.min(2 ** failures * SECOND, PAUSE_MAX);
  }

  #mayStart({ start, askAgainSeconds = 1 }: Answer, now: number): void {
    if (start === 'never' || !this.#isRunner()) {
      this.#step = 'over';
    } else if (start === 'wait') {
      this.#nextAt = now + askAgainSeconds * SECOND;
    } else if (this.#job?.tasks != null && this.#tasks().length === 0) {
      this.#end = { at: now, code: 0, isLastCall: false, detail: 'this node has no task' };
      this.#step = 'end';
    } else {
      this.#startedAt = now;
      this.#step = 'start';
    }
  }

  /** Ends the command at the last call, or before it has begun. */
  #makeLastCall(now: number): void {
    if (this.#end !== null || this.#job === null || now < this.#lastCallAt()) return;
    if (!['ask', 'get', 'stage'].includes(this.#step)) return;
    this.#endUnstarted(now, 'the last call came before the command could start', true);
  }

  #endUnstarted(now: number, detail: string, isLastCall = false): void {
    this.#end = { at: now, code: null, isLastCall, detail };
    this.#step = this.#isRunner() ? 'end' : 'over';
  }

  #isRunner = (): boolean => this.#job?.on === 'all' || this.#place.rank === 0;

  #lastCallAt(): number {
    const graceMs = (this.#job?.gracePeriodSeconds ?? 0) * SECOND;
    return Math.min(this.#stopAt, this.#teardownAt - graceMs);
  }

  #callOfRun(now: number): AgentCall | null {
    this.#end ??= this.#endBy(now);
    const log = this.#end !== null || now >= this.#logAt() ? this.#callOfLog(now) : null;
    if (log !== null) return log;
    if (this.#end === null) {
      return now >= this.#heardAt + ALIVE_AFTER ? { event: 'alive', detail: '' } : null;
    }
    this.#step = 'tell';
    return this.callAt(now);
  }

  /** null: the command still runs. */
  #endBy(now: number): End | null {
    if (now < this.#endsAt()) return null;
    const isLastCall = this.#lastCallAt() < this.#ranBy();
    if (isLastCall) return { at: now, code: 143, isLastCall, detail: '' };
    const [, code = '0'] = /\bexit (\d{1,3})\b/.exec(this.#command()) ?? [];
    return { at: now, code: Number(code) & 255, isLastCall, detail: '' };
  }

  #command = (): string => this.#job?.command ?? '';

  /** When the command ends by itself. */
  #ranBy(): number {
    const [, count, unit = 's'] = /\bsleep (\d+(?:\.\d+)?)([smhd]?)/.exec(this.#command()) ?? [];
    const each = { s: 1, m: 60, h: 3_600, d: 86_400 }[unit] ?? 1;
    return this.#startedAt + Number(count ?? RUN_SECONDS) * each * SECOND;
  }

  #endsAt = (): number => Math.min(this.#ranBy(), this.#lastCallAt());

  /** The output: some lines at the start, and one more after 5 s, 10 s, 20 s and so on. */
  #log(lines: number): Buffer {
    const { rank, nodes } = this.#place;
    const passed = Array.from(
      { length: lines },
      (_, line) => `rank ${rank}: ${5 * 2 ** line} s have passed\n`,
    );
    const last = this.#end?.isLastCall === true ? [`rank ${rank}: SIGTERM\n`] : [];
    this.#firstLines ??= this.#linesAtStart(rank, nodes);
    return Buffer.concat([this.#firstLines, Buffer.from([...passed, ...last].join(''))]);
  }

  #linesAtStart(rank: number, nodes: number): Buffer {
    const tasks = this.#job?.tasks == null ? [] : [`ONEBUCK_TASK_IDS=${this.#tasks().join(' ')}`];
    const [, count = '0'] = /\bseq (\d+)\b/.exec(this.#command()) ?? [];
    const numbers = Array.from(
      { length: Math.min(Number(count), LINES_MAX) },
      (_, i) => `${i + 1}`,
    );
    const what = `This is rank ${rank} of ${nodes}. A simulated node runs nothing; it would run`;
    return Buffer.from(`${[what, `$ ${this.#command()}`, ...tasks, ...numbers].join('\n')}\n`);
  }

  #lineAt = (line: number): number => this.#startedAt + 5 * SECOND * 2 ** line;

  #isLogSent = (): boolean => this.#sent >= this.#log(this.#lines).length;

  /** When the next part of the log is sent while the command runs. */
  #logAt(): number {
    if (!this.#isLogSent()) return this.#startedAt;
    const every = (this.#job?.logEverySeconds ?? 0) * SECOND;
    return Math.max(this.#loggedAt + every, this.#lineAt(this.#lines));
  }

  /** null: all is sent. */
  #callOfLog(now: number): AgentCall | null {
    const until = this.#end?.at ?? now;
    if (this.#isLogSent()) while (this.#lineAt(this.#lines) <= until) this.#lines += 1;
    if (this.#isLogSent()) return null;
    const segment = Math.floor(this.#sent / SEGMENT_BYTES);
    const from = segment * SEGMENT_BYTES;
    const data = this.#log(this.#lines).subarray(from, from + SEGMENT_BYTES);
    return { event: 'log', detail: '', segment, data: data.toString('base64') };
  }

  /** Those of the sorted tasks whose place is the node's rank, modulo the number of nodes. */
  #tasks(): number[] {
    const { rank, nodes } = this.#place;
    const all = (this.#job?.tasks ?? '').split(',').flatMap((range) => {
      const [from = 0, to = from] = range.split('-').map(Number);
      return Array.from({ length: to - from + 1 }, (_, index) => from + index);
    });
    const sorted = [...new Set(all)].sort((a, b) => a - b);
    return sorted.filter((_, place) => place % nodes === rank);
  }

  #files(): Map<string, string> {
    const text = `Rank ${this.#place.rank} of ${this.#place.nodes}: ${this.#command()}\n`;
    return new Map((this.#job?.results ?? []).map((pattern) => [fileLike(pattern), text]));
  }

  #collect(): void {
    const files = this.#files();
    if (files.size > 0) this.#archive = archiveOf(files);
    this.#step = files.size > 0 ? 'offer' : 'end';
  }

  #callOfEnd(): AgentCall {
    const { code = null, isLastCall = false, detail = '' } = this.#end ?? {};
    const texts = [...this.#files().values()];
    const unpackedBytes = texts.reduce((total, text) => total + Buffer.byteLength(text), 0);
    const results =
      this.#target === null || this.#archive === null
        ? null
        : {
            name: this.#target.name,
            bytes: this.#archive.length,
            unpackedBytes,
            files: texts.length,
          };
    return { event: 'ended', detail, exitCode: code, lastCall: isLastCall, results };
  }
}

/** The answers of Onebuck to a node whose cluster has a job. */
interface Answer {
  readonly teardownAt: string;
  readonly stop?: boolean;
  readonly job?: Job;
  readonly start?: 'wait' | 'go' | 'never';
  readonly askAgainSeconds?: number;
  readonly upload?: { readonly url: string; readonly name: string };
}

/** The name of a file that the pattern of results means. */
const fileLike = (pattern: string): string =>
  pattern
    .replace(/\/$/, '/result.txt')
    .replaceAll('**/', '')
    .replaceAll(/\*+/g, 'result')
    .replaceAll('?', 'x')
    .replaceAll(/\[(.)[^\]]*\]/g, '$1')
    .slice(0, 100);
