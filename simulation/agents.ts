import { type AgentClaim, agentToken, expiryFrom } from '../lib/app/agent-token.ts';
import { authorizeAgent } from '../lib/app/authorize-agent.ts';
import { hearAgent } from '../lib/app/hear-agent.ts';
import { type ClusterId, isClusterId } from '../lib/core/base/names.ts';
import { epochMs, toIso } from '../lib/core/base/units.ts';
import { hasJob } from '../lib/core/cluster/job-nodes.ts';
import { lifeOf } from '../lib/core/cluster/life.ts';
import { type ClusterRecord, ENDED_KEPT, isLive } from '../lib/core/cluster/record.ts';
import { runnersOf } from '../lib/core/job/job.ts';
import { AppError } from '../lib/errors.ts';
import type { AgentReports, Nudge } from '../lib/ports.ts';
import type { MemoryFiles } from '../simulators/aws/memory-files.ts';
import { SimulatedAgent } from '../simulators/linode/agent.ts';
import type { AgentCall } from '../simulators/linode/agent-call.ts';
import { agentFilesIn } from '../simulators/linode/agent-files.ts';
import type { Instance } from '../simulators/linode/instance.ts';
import type { Transfer } from '../simulators/linode/job.ts';
import type { Allowance } from './allowances.ts';
import type { Chance } from './chance.ts';
import { type Deps, PASSWORD_KEY } from './functions.ts';
import type { Promised } from './invariants.ts';
import type { Ending } from './lambda.ts';
import type { Options } from './options.ts';
import { HOUR, MINUTE, SECOND, type VirtualTime } from './time.ts';

export interface AgentsOptions {
  readonly time: VirtualTime;
  readonly chance: Chance;
  readonly options: Options;
  readonly injectsFaults: () => boolean;
  readonly find: (id: number) => Instance | undefined;
  /** The agent on a Linode hands a larger allowance to its firewall. */
  readonly allow: (id: number, allowance: Allowance) => void;
  /** The Linodes of this deployment that exist. */
  readonly alive: () => readonly Instance[];
  readonly records: () => readonly ClusterRecord[];
  readonly reports: AgentReports;
  readonly files: MemoryFiles;
  /** All nodes that run the job of the cluster have told its end, and Onebuck has answered each. */
  readonly jobOver: (id: ClusterId) => void;
  /** Onebuck has answered that the node may send so much in the month. */
  readonly answered: (asked: AgentClaim & { call: AgentCall }, allowance: Allowance) => void;
  /** Runs the function of the API. */
  readonly api: (work: (deps: Deps) => Promise<unknown>) => Promise<Ending>;
  readonly countFault: (fault: string) => void;
  readonly violated: (promise: Promised, detail: string) => void;
}

/** A call as it reaches the API. */
interface Sent {
  readonly token: string;
  readonly id: string;
  readonly rank: string;
  readonly call: AgentCall;
  /** Whether the API must refuse the token. */
  readonly isForged?: boolean;
}

/** When cloud-init is done, after the Linode runs. */
const BOOT_MS = 10 * SECOND;
const LIES_EVERY_MS = 40 * MINUTE;
const READY: AgentCall = { event: 'ready', detail: '' };
const FAILED: AgentCall = { event: 'failed', detail: '\u001b[2Jfailed\nafter all' };
const GREED: AgentCall = { event: 'sending', detail: '', sentBytes: 1e18 };
const DUE: AgentCall = { event: 'due', detail: '' };

/**
 * The agents on the Linodes of a world, over a network that loses, doubles and delays their calls.
 * Some of them lie, and somebody forges tokens. Checks that no call does more than it may.
 */
export class Agents {
  readonly #outside: AgentsOptions;
  readonly #known = new Set<number>();
  /** Whose next call is awaited, by the id of its Linode. */
  readonly #agents = new Map<number, { readonly agent: SimulatedAgent }>();
  /** When each node was first shown as ready. */
  readonly #readyAt = new Map<string, number>();
  /** The nodes of each cluster that have told the end of the job, and have heard an answer. */
  readonly #ended = new Map<string, Set<number>>();
  /** The clusters of which an agent said that it has made the last call. */
  readonly #lastCalls = new Set<string>();

  constructor(outside: AgentsOptions) {
    this.#outside = outside;
  }

  /** Starts the agents of Linodes that run by now. */
  tick(): void {
    const { time, alive, chance, options, find, allow } = this.#outside;
    for (const instance of alive()) {
      const { id, runningAt, userData } = instance;
      if (this.#known.has(id) || runningAt === null || time.now() < runningAt) continue;
      this.#known.add(id);
      const files = agentFilesIn(userData);
      if (files === null) continue;
      const fails = chance.happens(0.1) ? 'status: error' : null;
      const agent = new SimulatedAgent(files, runningAt + BOOT_MS + this.#lateMs(), fails, {
        instance: () => find(id) ?? instance,
        allow: (allowance) => allow(id, allowance),
      });
      this.#follow(id, agent);
      if (options.agentLies && chance.happens(0.4)) this.#lie(id, agent);
    }
  }

  /** Some nodes with a job take their time to get ready. */
  #lateMs(): number {
    const { chance, options, countFault } = this.#outside;
    if (!options.jobs || !chance.happens(options.agentsHang)) return 0;
    countFault('agent comes late');
    return chance.whole(MINUTE, 25 * MINUTE);
  }

  #exists = (id: number): boolean => this.#outside.find(id)?.deleted === null;

  /** The node has lost what it has counted, and its agent looks anew. */
  restart(id: number): void {
    const agent = this.#agents.get(id)?.agent;
    if (agent !== undefined) this.#follow(id, agent);
  }

  /** Has the agent call at its times until its Linode is deleted, or the agent is followed anew. */
  #follow(id: number, agent: SimulatedAgent): void {
    const { time } = this.#outside;
    const at = Math.max(time.now(), agent.nextAt());
    const one = { agent };
    this.#agents.set(id, one);
    time.at(at, async () => {
      if (!this.#exists(id) || this.#agents.get(id) !== one) return;
      await this.#hang();
      await agent.act({
        now: () => time.now(),
        isGone: () => !this.#exists(id) || this.#agents.get(id) !== one,
        post: (call) => this.#send(agent, call),
        move: (transfer) => this.#move(transfer),
      });
      if (this.#agents.get(id) === one) this.#follow(id, agent);
    });
  }

  /** Seldom, an agent does nothing for a while, or never again. */
  async #hang(): Promise<void> {
    const { time, chance, options, injectsFaults, countFault } = this.#outside;
    if (!options.jobs || !injectsFaults() || !chance.happens(options.agentsHang / 30)) return;
    const isForGood = chance.happens(0.3);
    countFault(isForGood ? 'agent vanishes' : 'agent hangs');
    await time.delay(isForGood ? 1_000 * HOUR : chance.whole(MINUTE, 20 * MINUTE));
  }

  /** A node gets an input, or puts its results. */
  async #move(transfer: Transfer): Promise<boolean> {
    const { time, chance, options, files, injectsFaults, countFault } = this.#outside;
    await time.delay(chance.whole(100, 20_000));
    if (injectsFaults() && chance.happens(options.filesFail)) {
      countFault('transfer broken');
      return false;
    }
    if (transfer.kind === 'get') return files.fetch(transfer.url)?.length === transfer.bytes;
    if (injectsFaults() && chance.happens(options.filesLost)) {
      countFault('results lost');
      return true;
    }
    return files.send(transfer.url, transfer.body);
  }

  /** A call over the network; null: no answer comes back, or a refusal. */
  async #send(agent: SimulatedAgent, call: AgentCall): Promise<unknown> {
    const { time, chance, options, injectsFaults, countFault } = this.#outside;
    const sent = { ...ofAgent(agent), call };
    const strikes = (probability: number, fault: string) => {
      const does = injectsFaults() && chance.happens(probability);
      if (does) countFault(fault);
      return does;
    };
    const delayMs = injectsFaults() ? chance.whole(0, options.agentDelayMsMax) : 0;
    if (delayMs > SECOND) countFault('agent call late');
    await time.delay(50 + delayMs);
    if (strikes(options.agentCallsLost, 'agent call lost')) return this.#noAnswer();
    if (strikes(options.agentCallsDoubled, 'agent call doubled')) {
      time.at(time.now() + chance.whole(0, MINUTE), () => void this.#arrive(sent));
    }
    const answer = await this.#arrive(sent);
    return strikes(options.agentCallsLost, 'agent answer lost') ? this.#noAnswer() : answer;
  }

  async #noAnswer(): Promise<null> {
    await this.#outside.time.delay(30 * SECOND);
    return null;
  }

  /** The call reaches the API; the body of its answer, or null. */
  async #arrive({ token, id, rank, call, isForged = false }: Sent): Promise<unknown> {
    const { api, violated, answered } = this.#outside;
    let answer: unknown = null;
    await api(async (deps) => {
      try {
        const claim = await authorizeAgent(deps, `Bearer ${token}`, { id, rank });
        if (isForged) violated('agents', `a forged call speaks for node ${rank} of ${id}`);
        let read: ClusterRecord | 'notFound' = 'notFound';
        const own = {
          ...deps,
          store: {
            ...deps.store,
            get: async (wanted: ClusterId) => (read = await deps.store.get(wanted)),
            save: async (record: ClusterRecord) => {
              this.#checkSave(claim.clusterId, record);
              const saved = await deps.store.save(record);
              if (saved !== 'conflict') read = saved;
              return saved;
            },
          },
          nudge: this.#watchedNudge(deps, claim.clusterId, () => read),
          limits: deps.agentLimits,
          endedKept: ENDED_KEPT,
        };
        const { teardownAt, ...heard } = await hearAgent(own, claim, call);
        answer = { ...heard, teardownAt: toIso(teardownAt) };
        this.#noteEnd(claim, call);
        const allowance = allowanceIn(answer);
        if (allowance !== null) answered({ ...claim, call }, allowance);
      } catch (error) {
        if (!(error instanceof AppError)) throw error;
      }
    });
    await this.#checkReports(id);
    return answer;
  }

  /** An agent may change nothing but its own cluster, and that by the end of its job only. */
  #checkSave(own: ClusterId, record: ClusterRecord): void {
    if (record.id === own && record.jobEnd !== undefined) return;
    this.#outside.violated('agents', `an agent of ${own} changes ${record.id}`);
  }

  #noteEnd({ clusterId, rank }: AgentClaim, { event, lastCall }: AgentCall): void {
    const { records, jobOver } = this.#outside;
    const record = records().find(({ id }) => id === clusterId);
    if (event !== 'ended' || !record || !hasJob(record)) return;
    // The teardown time ends the cluster of such a job.
    if (lastCall === true) this.#lastCalls.add(clusterId);
    const told = this.#ended.get(clusterId) ?? new Set();
    this.#ended.set(clusterId, told.add(rank));
    const isOver = runnersOf(record.spec.job, record.nodes.length)
      .filter((index) => index === 0 || record.nodes[index]?.state !== 'neverCreated')
      .every((index) => told.has(index));
    if (isOver && !this.#lastCalls.has(clusterId)) jobOver(clusterId);
  }

  /** An agent may nudge its own cluster only, and only where something is overdue. */
  #watchedNudge(
    { nudge, clock }: Deps,
    own: ClusterId,
    read: () => ClusterRecord | 'notFound',
  ): Nudge {
    return {
      ...nudge,
      reconcile: (batch) => {
        const record = read();
        const now = clock.now();
        const isOwn = batch.length === 1 && batch[0]?.clusterId === own;
        const isDue =
          record !== 'notFound' &&
          isLive(record) &&
          (record.dueAt <= now || lifeOf(record, now).teardownAt <= now);
        if (!isOwn || !isDue) {
          this.#outside.violated('agents', `an agent nudges ${own} before it is due`);
        }
        return nudge.reconcile(batch);
      },
    };
  }

  /** No report takes back that a node is ready, or moves the time. */
  async #checkReports(id: string): Promise<void> {
    if (!isClusterId(id)) return;
    const { reports, violated, options } = this.#outside;
    // Whatever was said before, is lost then.
    if (options.tableLoss === 'emptied') return;
    for (const [rank, report] of (await reports.read([id])).get(id) ?? []) {
      const node = `${id}/${rank}`;
      const before = this.#readyAt.get(node);
      if (report.kind === 'ready') this.#readyAt.set(node, report.at);
      if (report.kind === 'failed' && /\p{C}/u.test(report.reason)) {
        violated('agents', `the reason of ${node} has control characters`);
      }
      if (before !== undefined && (report.kind === 'failed' || report.at !== before)) {
        violated('agents', `${node} was ready at ${before}, and is ${report.kind} at ${report.at}`);
      }
    }
  }

  /** Somebody has taken over the node, and does the worst that can be done with its token. */
  #lie(id: number, agent: SimulatedAgent): void {
    const { time, chance, countFault, injectsFaults } = this.#outside;
    time.at(time.now() + chance.whole(MINUTE, LIES_EVERY_MS), async () => {
      if (!this.#exists(id) || !injectsFaults()) return;
      for (const sent of this.#liesOf(agent)) {
        countFault('agent lies');
        const answer = await this.#arrive(sent);
        // Whatever the node gets by its lies, it sends.
        if (sent.call.event === 'sending') this.#takeAllowance(id, answer);
      }
      this.#lie(id, agent);
    });
  }

  #takeAllowance(id: number, answer: unknown): void {
    const allowance = allowanceIn(answer);
    if (allowance !== null) this.#outside.allow(id, allowance);
  }

  #liesOf(agent: SimulatedAgent): Sent[] {
    const { chance, time, records, options } = this.#outside;
    const own = ofAgent(agent);
    const others = records().map((record) => record.id);
    const [first = 'caaaaaaaaaa' as ClusterId, ...rest] = others;
    const other = chance.oneOf([first, ...rest]);
    const forged = { ...own, isForged: true, call: DUE };
    const expiresAt = expiryFrom(epochMs(time.now()));
    const claim = { clusterId: other, rank: 0, expiresAt };
    const made = (key: string, of = claim) => ({
      ...{ id: of.clusterId, rank: `${of.rank}`, token: agentToken(key, of) },
      ...{ isForged: true, call: DUE },
    });
    const past = epochMs(time.now() - HOUR);
    const ofJob = options.jobs ? (['end', 'job'] as const) : [];
    const ofTransfer = options.transfer === 'none' ? [] : (['greed', 'greed'] as const);
    const kinds = ['early', 'late', 'many', 'others', 'forged', ...ofJob, ...ofTransfer] as const;
    switch (chance.oneOf(kinds)) {
      case 'early':
        return [{ ...own, call: DUE }];
      case 'late':
        return [READY, FAILED, READY, FAILED].map((call) => ({ ...own, call }));
      case 'many':
        return Array.from({ length: 40 }, () => ({ ...own, call: DUE }));
      case 'others':
        return [
          { ...forged, rank: `${Number(own.rank) + 1}` },
          { ...forged, id: other === own.id ? 'caaaaaaaaaa' : other },
        ];
      case 'end': {
        // The end of its own job, which it may tell as it likes, but once, and of no other node's.
        const ended = this.#anEnd();
        return [
          { ...own, call: ended },
          { ...own, call: this.#anEnd() },
          { ...forged, rank: `${Number(own.rank) + 1}`, call: ended },
          { ...forged, id: other === own.id ? 'caaaaaaaaaa' : other, call: ended },
        ];
      }
      case 'job':
        return [
          ...[{ event: 'staged' }, { event: 'started' }, { event: 'exited', exitCode: 9 }],
          ...[{ event: 'job' }, { event: 'log', segment: 513, data: 'AAAA' }],
          ...Array.from({ length: 8 }, () => ({ event: 'upload', bytes: 5_000_000_000 })),
        ].map((call) => ({ ...own, call: { detail: '', ...call } as AgentCall }));
      case 'greed':
        // Asks without end, whatever it has sent, and for others.
        return [
          ...Array.from({ length: 30 }, () => {
            const sentBytes = chance.oneOf([0, 1e9, 2e11, 1e18, -1, 0.5, 1e19]);
            const countedSince = chance.oneOf([0, 1, 1e9, 1e10, 1e11, -1, 0.5]);
            const said = { sentBytes, countedSince };
            return { ...own, call: { event: 'sending', detail: '', ...said } as const };
          }),
          { ...forged, rank: `${Number(own.rank) + 1}`, call: GREED },
          { ...forged, id: other === own.id ? 'caaaaaaaaaa' : other, call: GREED },
        ];
      case 'forged':
        return [
          made('the key of another deployment'),
          made(PASSWORD_KEY, { ...claim, expiresAt: past }),
          { ...made('x'), token: own.token.replace(/_[0-9a-z]+_/, `_${own.rank}0_`) },
        ];
    }
  }

  /** An end of a job, with results that are not there. */
  #anEnd(): AgentCall {
    const { chance } = this.#outside;
    const results = { name: 'raaaaaaaaaa', bytes: 7, unpackedBytes: 1e15, files: 1e9 };
    const exitCode = chance.oneOf([0, 7, null]);
    const lastCall = chance.happens(0.3);
    return { event: 'ended', detail: '\u001b[2J', exitCode, lastCall, results };
  }
}

/** What an answer lets the node send in the month; null: it says nothing of it. */
function allowanceIn(answer: unknown): Allowance | null {
  const { allowanceMonth: month, allowanceBytes: bytes } = (answer ?? {}) as {
    readonly allowanceMonth?: string;
    readonly allowanceBytes?: number;
  };
  return month === undefined || bytes === undefined ? null : { month, bytes };
}

function ofAgent({ url, token }: SimulatedAgent) {
  const [rank = '', id = ''] = url.split('/').toReversed();
  return { token, id, rank };
}
