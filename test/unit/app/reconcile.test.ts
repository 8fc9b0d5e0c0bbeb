import { describe, expect, it } from 'vitest';
import { readAgentToken } from '../../../lib/app/agent-token.ts';
import { reconcile } from '../../../lib/app/reconcile.ts';
import { clusterTag, reapTag, type Tag } from '../../../lib/core/base/names.ts';
import {
  durationMs,
  type EpochMs,
  hours,
  minus,
  minutes,
  plus,
  seconds,
  toIso,
} from '../../../lib/core/base/units.ts';
import type { Linode } from '../../../lib/core/cluster/linode.ts';
import type { ClusterRecord, EndedRecord, Provisioning } from '../../../lib/core/cluster/record.ts';
import type { PassRequest } from '../../../lib/core/pass/batches.ts';
import { AppError } from '../../../lib/errors.ts';
import type { CreateRequest, LinodeApi } from '../../../lib/ports.ts';
import { createMemoryTable } from '../../../simulators/aws/memory-table.ts';
import {
  aCluster,
  aDeleting,
  aLinode,
  aRunning,
  aSpec,
  created,
  deleting,
  eventsOf,
  gone,
  ID,
  LAUNCH,
  linodeIdOf,
  neverCreated,
  OUR_TAGS,
  planned,
  REAP_TAG,
  statesOf,
  teardownOf,
  usd,
} from '../../support/builders.ts';
import { aCatalogue, aClock, recordingMetrics, silentLog } from '../../support/doubles.ts';

const untagged = [aLinode({ tags: OUR_TAGS }), aLinode({ index: 1, tags: OUR_TAGS })];

interface Options {
  /** The time of the invocation; by default half an hour after the launch. */
  readonly now?: EpochMs;
  readonly passwordKey?: string;
  /** Whether the save of the record conflicts, because a newer revision exists. */
  readonly isOutdated?: (next: ClusterRecord) => boolean;
  /** Whether another pass has saved the same record just before, so that the save conflicts. */
  readonly isSavedByOther?: (next: ClusterRecord) => boolean;
}

/**
 * The pass over one record. Linode lists `linodes`, by default two without a reap tag; the test
 * replaces methods of Linode's API by `linode`.
 */
function aWorld(
  record: ClusterRecord,
  linode: Partial<LinodeApi>,
  linodes: readonly Linode[] = untagged,
  options: Options = {},
) {
  const {
    now = plus(record.createdAt, minutes(30)),
    isOutdated = () => false,
    isSavedByOther = () => false,
  } = options;
  const clock = aClock(now);
  let saved = record;
  const store = {
    get: async () => saved,
    save: async (next: ClusterRecord) => {
      if (isOutdated(next)) return 'conflict';
      saved = { ...next, revision: next.revision + 1 };
      return isSavedByOther(next) ? 'conflict' : saved;
    },
  };
  const calls: string[] = [];
  const sent: string[] = [];
  const recorded = (name: string, answer: (...args: never[]) => Promise<unknown>) =>
    ((...args: never[]) => {
      calls.push(name);
      return answer(...args);
    }) as never;
  const deletions: EpochMs[] = [];
  const deletedIds = new Set<number>();
  const answers: Record<string, (...args: never[]) => Promise<unknown>> = {
    listByTag: async (tag: Tag) =>
      linodes.filter(({ id, tags }) => tags.includes(tag) && !deletedIds.has(id)),
    get: async (id: number) => linodes.find((found) => found.id === id) ?? 'notFound',
    delete: async (id: number) => {
      deletedIds.add(id);
      deletions.push(clock.now());
      return 'deleted';
    },
    deleteTag: async () => {},
    ...linode,
  };
  const api = Object.fromEntries(
    Object.entries(answers).map(([name, answer]) => [name, recorded(name, answer)]),
  );
  const errors: string[] = [];
  const passes: object[] = [];
  const metrics = recordingMetrics();
  const released: ClusterRecord[] = [];
  const run = (request: Partial<PassRequest> = {}) =>
    reconcile(
      {
        catalogue: aCatalogue(),
        clock,
        linode: api as unknown as LinodeApi,
        store: store as never,
        // Note the record as it is in the store when the budget is released.
        caps: { release: async () => void released.push(saved) } as never,
        secrets: { passwordKey: async () => options.passwordKey ?? null },
        publicUrl: () => 'https://api.example.com',
        jobs: createMemoryTable().jobs,
        reports: createMemoryTable().reports,
        allowances: createMemoryTable().allowances,
        notifier: { send: async ({ kind }) => void sent.push(kind) },
        metrics,
        log: {
          ...silentLog,
          info: (message, details) => message === 'pass' && passes.push({ ...details }),
          error: (message) => void errors.push(message),
        },
      },
      [{ clusterId: ID, ...request }],
      { by: plus(clock.now(), minutes(5)), reserveMs: seconds(20), noticesMs: seconds(5) },
    );
  const callsOf = (name: string) => calls.filter((call) => call === name).length;
  const { emitted } = metrics;
  return {
    ...{ clock, run, callsOf, deletions, errors, passes, emitted, sent, released },
    record: () => saved,
  };
}

const putTags = async (id: number, tags: readonly string[]) => aLinode({ id, tags: [...tags] });

describe('reap tags that Linode does not keep', () => {
  it.each([
    ['the list lags behind', putTags],
    ['they are dropped', async () => aLinode({ tags: OUR_TAGS })],
    ['Linode answers notFound', async () => 'notFound' as const],
    [
      'they are refused',
      async () => {
        throw new AppError('linodeRejected', 'no');
      },
    ],
  ])('are put at most every ten seconds where %s', async (_, setTags) => {
    const { run, callsOf } = aWorld(aRunning(), { setTags });
    await run().catch(() => {});
    // Two nodes, and at most one look each 10 seconds in the five minutes of the invocation.
    expect(callsOf('setTags')).toBeLessThanOrEqual(2 * 30);
    expect(callsOf('listByTag')).toBeLessThanOrEqual(31);
  });

  it('do not delay the teardown', async () => {
    const record = aRunning({ budget: usd(0.015) });
    const teardownAt = teardownOf(record, record.createdAt);
    const { clock, run, deletions } = aWorld(record, { setTags: putTags });
    clock.set(plus(teardownAt, seconds(-3)));
    await run();
    expect(deletions).toEqual([teardownAt, teardownAt]);
  });
});

it('old reap tags that can not be deleted do not delay the teardown', async () => {
  const record = aRunning({ budget: usd(0.015), reapTags: ['reap=20261101T0000Z'] });
  const teardownAt = teardownOf(record, record.createdAt);
  const tags = [...OUR_TAGS, reapTag(teardownAt)];
  const deleteTag = async (_: Tag, by: EpochMs) => {
    // The call takes all the time that it is given.
    world.clock.set(by);
    throw new AppError('linodeUnavailable', 'no answer');
  };
  const world = aWorld(record, { deleteTag }, [aLinode({ tags }), aLinode({ index: 1, tags })]);
  world.clock.set(plus(teardownAt, seconds(-5)));
  await world.run();
  expect(Math.min(...world.deletions) - teardownAt).toBeLessThanOrEqual(seconds(10));
});

describe('a pass that creates', () => {
  const TAGS = [...OUR_TAGS, REAP_TAG];

  /**
   * The first pass over a cluster of two nodes. `sends` has each create: its request, its time and
   * deadline, and the states of the nodes in the record at that time.
   */
  function aLaunch(create: LinodeApi['create'], options: Options = {}, record = aCluster()) {
    const sends: { request: CreateRequest; at: EpochMs; notAfter: EpochMs; states: string[] }[] =
      [];
    const recordingCreate: LinodeApi['create'] = (request, limits) => {
      const { notAfter } = limits;
      sends.push({ request, notAfter, at: world.clock.now(), states: statesOf(world.record()) });
      return create(request, limits);
    };
    const world = aWorld(record, { create: recordingCreate }, [], { now: LAUNCH, ...options });
    const sendsOf = (index: number) =>
      sends.filter(({ request }) => request.label === `onebuck-${ID}-${index}`);
    return { ...world, sends, sendsOf };
  }

  it('saves its intent before a create leaves, and lets creates leave for 60 s', async () => {
    const { run, sends } = aLaunch(async () => ({ kind: 'unknown', reason: 'no answer' }));
    await run().catch(() => {});
    expect(sends[0]).toMatchObject({ at: LAUNCH, notAfter: plus(LAUNCH, seconds(60)) });
    expect(sends.map(({ states }) => states)).toEqual(sends.map(() => ['creating', 'creating']));
  });

  it('lists no Linodes before its first creates, only before it repeats them', async () => {
    const listed: number[] = [];
    const { run, callsOf } = aLaunch(async () => {
      listed.push(callsOf('listByTag'));
      return { kind: 'unknown', reason: 'no answer' };
    });
    await run().catch(() => {});
    // Two creates without a list; the third create comes 30 seconds later, after a list.
    expect(listed.slice(0, 2)).toEqual([0, 0]);
    expect(listed[2]).toBeGreaterThan(0);
  });

  it('lists Linodes of a cluster in deletion even if no create was ever sent', async () => {
    const { run, callsOf } = aWorld(aDeleting({ nodes: [planned(0), planned(1)] }), {}, []);
    await run();
    expect(callsOf('listByTag')).toBeGreaterThan(0);
  });

  it('creates nothing where the table has a newer revision of the record', async () => {
    const { run, sends } = aLaunch(async () => ({ kind: 'refused', reason: 'no' }), {
      isOutdated: () => true,
    });
    await run();
    expect(sends).toEqual([]);
  });

  it.each([
    ['its reply was lost', async () => ({ kind: 'unknown', reason: 'no answer' }) as const],
    [
      'the create threw',
      async () => {
        throw new AppError('linodeUnavailable', 'no answer');
      },
    ],
  ])('counts a node as billed, and repeats its create after 30 s, where %s', async (_, create) => {
    const { run, record, sendsOf } = aLaunch(create);
    await run().catch(() => {});
    expect(record()).toMatchObject({ phase: 'provisioning' });
    expect(record().nodes[0]).toMatchObject({ state: 'creating', sentAt: LAUNCH });
    const [first, second, third] = sendsOf(0);
    expect(second?.request).toEqual(first?.request);
    const times = [first, second, third].map((send) => send?.at ?? Number.NaN);
    expect(times).toEqual([0, 30, 60].map((after) => plus(LAUNCH, seconds(after))));
  });

  it('records the nodes as planned again where Linode refused the token', async () => {
    const { run, record } = aLaunch(async () => {
      throw new AppError('linodeDenied', 'no such token');
    });
    await expect(run()).rejects.toThrow('no such token');
    expect(statesOf(record())).toEqual(['planned', 'planned']);
  });

  it('gives each node another password', async () => {
    const createNode: LinodeApi['create'] = async ({ label }) => {
      const index = Number(label.at(-1));
      return { kind: 'created', linode: aLinode({ index, tags: TAGS }) };
    };
    const { run, sends } = aLaunch(createNode, { passwordKey: 'a key of the deployment' });
    await run().catch(() => {});
    const passwords = sends.map(({ request }) => request.rootPassword);
    expect(new Set(passwords).size).toBe(2);
    expect(passwords).not.toContain(null);
  });

  const refuse: LinodeApi['create'] = async () => ({ kind: 'refused', reason: 'no' });
  const keyed = { passwordKey: 'a key of the deployment' };

  async function userDataOf(record: Provisioning, options: Options = keyed) {
    const { run, sends } = aLaunch(refuse, options, record);
    await run().catch(() => {});
    return sends.map(({ request }) => Buffer.from(request.userData ?? '', 'base64').toString());
  }

  it('tells each node of a room its rank, its address, and by which token it calls', async () => {
    const network = {
      kind: 'private',
      vlan: 'onebuck-dev',
      subnet: { block: 7, bits: 24 },
    } as const;
    const spec = aSpec({ nodes: 2, userData: '#!/bin/sh\necho of the user\n' });
    const [first, second] = await userDataOf(aCluster({ agent: true, network, spec }));
    for (const [index, text] of [first, second].entries()) {
      expect(text).toContain(`cluster=${ID} rank=${index} nodes=2\n`);
      expect(text).toContain(`cidr=10.128.7.0/24 me=10.128.7.${index + 1}\n`);
      expect(text).toContain(`echo https://api.example.com/agent/${ID}/${index} > $d/url\n`);
      expect(text).toContain('\n#!/bin/sh\necho of the user\n');
      const [token = ''] = /oba_\S+/.exec(text ?? '') ?? [];
      expect(readAgentToken(keyed.passwordKey, token, LAUNCH)).toEqual({
        clusterId: ID,
        rank: index,
        expiresAt: plus(LAUNCH, hours(7 * 24)),
      });
    }
  });

  it('tells nodes with a limit their slice, and others of none', async () => {
    const transfer = { gb: 1_000, gbPrice: usd(0.005) };
    const record = aCluster({ agent: true, bought: { ...aCluster().bought, transfer } });
    const [limited] = await userDataOf({ ...record, limited: true });
    const [unlimited] = await userDataOf(record);
    // Half a GB, of which Linode may count 7 % more, less 17 minutes at 96 kB/s.
    expect(limited).toContain('\nslice=367080000\n');
    expect(unlimited).not.toContain('slice=');
  });

  it.each([
    ['setups', { setup: ['mpi'] as const }],
    ['open ports', { openPorts: ['80'] }],
  ])('gives nodes with %s and no agent user data without an agent', async (_, changes) => {
    const [text] = await userDataOf(aCluster({ spec: aSpec({ nodes: 2, ...changes }) }));
    expect(text).toContain('rank=0');
    expect(text).not.toContain('onebuck-agent');
  });

  it('joins each node to the network of the cluster with an address of its own', async () => {
    const network = {
      ...({ kind: 'isolated', vlan: `onebuck-${ID}` } as const),
      subnet: { block: 7, bits: 24 },
    } as const;
    const vlansOf = async (record: Provisioning) => {
      const { run, sends } = aLaunch(refuse, keyed, record);
      await run().catch(() => {});
      return sends.map(({ request }) => request.vlan);
    };
    expect(await vlansOf(aCluster({ network }))).toEqual([
      { label: `onebuck-${ID}`, address: '10.128.7.1/24' },
      { label: `onebuck-${ID}`, address: '10.128.7.2/24' },
    ]);
    expect(await vlansOf(aCluster())).toEqual([null, null]);
  });

  it("gives other nodes the user's own user data as it is", async () => {
    const spec = aSpec({ nodes: 2, userData: 'as it is' });
    expect(await userDataOf(aCluster({ spec }))).toEqual(['as it is', 'as it is']);
  });

  it('creates no node of a room whose key is gone, and counts none as billed', async () => {
    const cluster = aCluster({ spec: aSpec({ setup: ['mpi'] }) });
    const { run, sends, record } = aLaunch(refuse, {}, cluster);
    await expect(run()).rejects.toThrow('The secret has lost its passwordKey');
    expect([sends, statesOf(record())]).toEqual([[], ['planned', 'planned']]);
  });
});

describe('a teardown that the reaper asks for before its time', () => {
  const record = aRunning();
  const teardownAt = teardownOf(record, LAUNCH);

  it('begins at that time, though the cluster is due minutes later', async () => {
    const now = minus(teardownAt, minutes(10));
    const {
      run,
      record: saved,
      deletions,
    } = aWorld({ ...record, dueAt: teardownAt }, {}, untagged, { now });
    const beginAt = plus(now, seconds(40));
    await run({ beginAt });
    expect(deletions).toEqual(record.nodes.map(() => beginAt));
    expect(saved().history.map(({ event }) => event)).toContain(
      `begins its teardown before ${toIso(teardownAt)}: many Linodes are due at once`,
    );
  });

  it('does not begin if somebody has meanwhile moved the teardown time far away', async () => {
    const now = minus(teardownAt, hours(2));
    const {
      run,
      record: saved,
      deletions,
    } = aWorld({ ...record, dueAt: teardownAt }, {}, untagged, { now });
    await run({ beginAt: now });
    expect([saved().phase, deletions]).toEqual(['running', []]);
  });

  it('adds nothing to a teardown that another function has begun', async () => {
    const deleting = aDeleting({ dueAt: plus(teardownAt, minutes(5)) });
    const now = minus(teardownAt, minutes(1));
    const { run, record: saved, callsOf } = aWorld(deleting, {}, untagged, { now });
    await run({ beginAt: now });
    expect([saved(), callsOf('listByTag')]).toEqual([deleting, 0]);
  });
});

describe('a pass that destroys', () => {
  const unavailable = async () => {
    throw new AppError('linodeUnavailable', 'Linode is down');
  };

  it('gives the list 20 seconds and each deletion 25 seconds', async () => {
    const limits: Record<string, number> = {};
    const now = plus(LAUNCH, minutes(30));
    const { run } = aWorld(aDeleting(), {
      listByTag: async (_, by) => {
        limits.list ??= by - now;
        return limits.delete === undefined ? untagged : [];
      },
      delete: async (_, by) => {
        limits.delete ??= by - now;
        return 'deleted';
      },
    });
    await run().catch(() => {});
    expect(limits).toEqual({ list: seconds(20), delete: seconds(25) });
  });

  it('repeats a failing deletion every ten seconds, throws, and is due again', async () => {
    const { clock, run, record, callsOf } = aWorld(aDeleting(), {
      delete: async () => {
        // Each try takes a tenth of a second.
        clock.set(plus(clock.now(), durationMs(100)));
        return unavailable();
      },
    });
    const end = plus(clock.now(), minutes(5));
    await expect(run()).rejects.toMatchObject({ code: 'linodeUnavailable' });
    expect(statesOf(record())).toEqual(['created', 'created']);
    expect(callsOf('delete')).toBeGreaterThan(2 * 20);
    expect(callsOf('delete')).toBeLessThanOrEqual(2 * 30);
    expect(record()).toHaveProperty('dueAt', expect.closeTo(clock.now() + seconds(10), -3));
    expect(clock.now()).toBeLessThanOrEqual(end);
  });

  it('deletes the nodes in the record where the list fails, and ends nothing', async () => {
    const nodes = [created(0), deleting(1)];
    const { run, record, callsOf } = aWorld(aDeleting({ nodes }), {
      listByTag: unavailable,
    });
    await run().catch(() => {});
    expect(record()).toMatchObject({ phase: 'deleting' });
    expect(statesOf(record())).toEqual(['deleting', 'deleting']);
    expect(callsOf('delete')).toBe(1);
  });

  it('deletes a node that the list lacks where its Linode can not be read', async () => {
    const { run, record, callsOf } = aWorld(aDeleting(), { get: unavailable }, []);
    await run().catch(() => {});
    expect(callsOf('delete')).toBe(2);
    expect(record()).toMatchObject({ phase: 'deleted' });
  });

  it('leaves a Linode alone from which a person took the ownership tag', async () => {
    const taken = [aLinode({ tags: ['theirs'] }), aLinode({ index: 1, tags: OUR_TAGS })];
    const { run, record, deletions } = aWorld(aDeleting(), {}, taken);
    await run().catch(() => {});
    expect(deletions).toHaveLength(1);
    expect(eventsOf(record() as EndedRecord).join()).toContain('node 0 taken over: lives on');
  });

  it.each([
    ['a Linode of another cluster bears them', async () => [aLinode({ id: 7, tags: [REAP_TAG] })]],
    ['the list of their bearers fails', unavailable],
  ])("removes the cluster's tag, but leaves the reap tags where %s", async (_, listBearers) => {
    const removed: Tag[] = [];
    const { run, record } = aWorld(aDeleting({ nodes: [gone(0)], reapTags: [REAP_TAG] }), {
      listByTag: (tag) => (tag === REAP_TAG ? listBearers() : Promise.resolve([])),
      deleteTag: async (tag) => void removed.push(tag),
    });
    await run();
    expect(removed).toEqual([clusterTag(ID)]);
    expect(record()).toMatchObject({ phase: 'deleted' });
  });

  it('releases the budget after the end of the cluster is in the record', async () => {
    const { run, released } = aWorld(aDeleting(), {});
    await run();
    expect(released).toMatchObject([{ phase: 'deleted' }]);
  });

  it('releases no budget where its save of the end conflicts', async () => {
    const isOutdated = (next: ClusterRecord) => next.phase === 'deleted';
    const { run, released, errors } = aWorld(aDeleting(), {}, untagged, { isOutdated });
    await run();
    expect([released, errors]).toEqual([[], []]);
  });

  it.each([
    [usd(0.015), []],
    [usd(0.0149), ['cluster is over its budget, and lives', 'cluster overspent its budget']],
  ])('logs, with a budget of %i micro-dollars, the errors %j', async (budget, logged) => {
    const { run, errors } = aWorld(aDeleting({ budget }), {});
    await run();
    expect(errors).toEqual(logged);
  });

  it('emits the lead of a teardown in time, and the amount of an overspend', async () => {
    const teardown = { deletingSince: plus(LAUNCH, minutes(29)), endReason: 'budget' as const };
    const { run, emitted } = aWorld(aDeleting({ ...teardown, budget: usd(0.015) }), {});
    await run();
    expect(emitted).toEqual([{ TeardownLead: 1_800 }]);

    const dearer = aWorld(aDeleting({ budget: usd(0.0149) }), {});
    await dearer.run();
    // When the pass finds it while nodes live, and at the end.
    expect(dearer.emitted).toEqual([{ Overspend: 0.0001 }, { Overspend: 0.0001 }]);
  });

  it('emits a failed launch, and nothing for a cluster that a DELETE ended', async () => {
    const failed = { endReason: 'failed', failure: 'no capacity' } as const;
    const { run, record, emitted } = aWorld(
      aDeleting({ ...failed, nodes: [neverCreated(0)] }),
      {},
      [],
    );
    await run();
    expect(record().phase).toBe('failed');
    expect(emitted).toEqual([{ FailedLaunches: 1 }]);

    const requested = aWorld(aDeleting(), {});
    await requested.run();
    expect(requested.emitted).toEqual([]);
  });

  it.each([
    [true, []],
    [false, ['gone']],
  ])('with another pass ahead (%j) releases the budget, and sends %j', async (isAhead, kinds) => {
    const isSavedByOther = (next: ClusterRecord) => isAhead && next.phase === 'deleted';
    const { run, released, sent } = aWorld(aDeleting(), {}, untagged, { isSavedByOther });
    await run();
    expect(released).toHaveLength(1);
    expect(sent).toEqual(kinds);
  });

  it('logs an overspend though the answer to its last save is lost', async () => {
    const isOutdated = (next: ClusterRecord) => {
      if (next.phase === 'deleted') throw new Error('socket hang up');
      return false;
    };
    const overspent = aDeleting({ budget: usd(0.0149) });
    const { run, errors, emitted } = aWorld(overspent, {}, untagged, { isOutdated });
    await expect(run()).rejects.toThrow('socket hang up');
    expect(errors.at(-1)).toBe('cluster overspent its budget');
    // The first is of the pass that found it while nodes lived.
    expect(emitted).toEqual([{ Overspend: 0.0001 }, { Overspend: 0.0001 }]);
  });
});

describe('a pass over a running cluster', () => {
  it('records a node as gone whose ownership tag a person took, and deletes nothing', async () => {
    const taken = [aLinode({ tags: ['theirs'] }), aLinode({ index: 1 })];
    const { run, record, callsOf } = aWorld(aRunning(), {}, taken);
    await run();
    expect(statesOf(record())).toEqual(['gone', 'created']);
    expect(callsOf('delete')).toBe(0);
  });

  it('replaces only the reap tag, and does not tag a node that a person took over', async () => {
    const put: [number, readonly string[]][] = [];
    const { run, record } = aWorld(
      aRunning(),
      {
        // Since the list was read, a person has taken the first node over.
        get: async (id) =>
          aLinode({ id, tags: id === linodeIdOf(0) ? ['theirs'] : [...OUR_TAGS, 'blue'] }),
        setTags: async (id, tags) => {
          put.push([id, tags]);
          return aLinode({ id, tags: [...tags] });
        },
      },
      [aLinode({ tags: OUR_TAGS }), aLinode({ index: 1, tags: [...OUR_TAGS, 'blue'] })],
    );
    await run();
    const reap = reapTag(teardownOf(aRunning(), LAUNCH));
    expect(put[0]).toEqual([linodeIdOf(1), [...OUR_TAGS, 'blue', reap]]);
    expect(put.map(([id]) => id)).not.toContain(linodeIdOf(0));
    expect(record().nodes[0]).toMatchObject({ untaggedAt: expect.any(Number) });
  });
});

describe('the log', () => {
  it('has one line for each pass: its steps, until when it waits, and why', async () => {
    const { clock, run, passes } = aWorld(aRunning(), { setTags: putTags });
    const teardown = clock.now();
    await run();
    const line = { clusterId: ID, phase: 'running' };
    expect(passes[0]).toEqual({
      ...line,
      steps: { retagNode: 2 },
      until: toIso(plus(teardown, seconds(10))),
      why: 'looks at what came of its steps',
    });
    const tagged = [aLinode(), aLinode({ index: 1 })];
    const idle = aWorld(aRunning({ notified: ['launched'] }), {}, tagged);
    await idle.run();
    expect(idle.passes).toEqual([
      {
        ...line,
        steps: { wait: 1 },
        until: toIso(plus(teardown, minutes(30))),
        why: 'the next look at its nodes',
      },
    ]);
  });

  it("has Linode's answer where a step failed", async () => {
    const fails = async () => {
      throw new AppError('linodeUnavailable', 'DELETE /linode/instances/100: 503');
    };
    const { run, passes } = aWorld(aDeleting(), { delete: fails });
    await expect(run()).rejects.toThrow('DELETE /linode/instances/100: 503');
    expect(passes[0]).toMatchObject({
      steps: { deleteNode: 2 },
      why: 'DELETE /linode/instances/100: 503',
    });
  });
});

describe('the trouble of a cluster', () => {
  const reason = 'GET /linode/instances: 429: Too many requests (attempts: 3)';

  it('is in the record from the first pass that meets it until a pass that does not', async () => {
    let isRefused = true;
    const listByTag = async () => {
      if (isRefused) throw new AppError('linodeUnavailable', reason);
      return [];
    };
    const { clock, run, record } = aWorld(aDeleting(), {
      listByTag,
      delete: async () => 'deleted',
    });
    const since = clock.now();
    await expect(run()).rejects.toThrow(reason);
    expect(record()).toMatchObject({ phase: 'deleting', trouble: { since, reason } });
    isRefused = false;
    await run();
    expect(record()).toMatchObject({ phase: 'deleted' });
    expect(record()).not.toHaveProperty('trouble');
  });
});
