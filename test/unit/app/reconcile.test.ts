import { describe, expect, it } from 'vitest';
import { reconcile } from '../../../lib/app/reconcile.ts';
import { clusterTag, reapTag, type Tag } from '../../../lib/core/base/names.ts';
import {
  durationMs,
  type EpochMs,
  minutes,
  plus,
  seconds,
  toIso,
} from '../../../lib/core/base/units.ts';
import type { Linode } from '../../../lib/core/cluster/linode.ts';
import type { ClusterRecord, EndedRecord } from '../../../lib/core/cluster/record.ts';
import { AppError } from '../../../lib/errors.ts';
import type { CreateRequest, LinodeApi } from '../../../lib/ports.ts';
import {
  aCluster,
  aDeleting,
  aLinode,
  aRunning,
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
import { aClock, recordingMetrics, silentLog } from '../../support/doubles.ts';

const untagged = [aLinode({ tags: OUR_TAGS }), aLinode({ index: 1, tags: OUR_TAGS })];

interface Options {
  /** Half an hour after the launch, unless told otherwise. */
  readonly now?: EpochMs;
  readonly passwordKey?: string;
  /** Whether a newer record is there when one is about to be saved. */
  readonly isOutdated?: (next: ClusterRecord) => boolean;
  /** Whether another pass saves the same at the same instant, and first. */
  readonly isTwin?: (next: ClusterRecord) => boolean;
}

/** One record, and a Linode that lists two nodes and does as told otherwise. */
function aWorld(
  record: ClusterRecord,
  linode: Partial<LinodeApi>,
  linodes: readonly Linode[] = untagged,
  options: Options = {},
) {
  const {
    now = plus(record.createdAt, minutes(30)),
    isOutdated = () => false,
    isTwin = () => false,
  } = options;
  const clock = aClock(now);
  let saved = record;
  const store = {
    get: async () => saved,
    save: async (next: ClusterRecord) => {
      if (isOutdated(next)) return 'conflict';
      saved = { ...next, revision: next.revision + 1 };
      return isTwin(next) ? 'conflict' : saved;
    },
  };
  const calls: string[] = [];
  const sent: string[] = [];
  const told = (name: string, answer: (...args: never[]) => Promise<unknown>) =>
    ((...args: never[]) => {
      calls.push(name);
      return answer(...args);
    }) as never;
  const deletions: EpochMs[] = [];
  const gone = new Set<number>();
  const answers: Record<string, (...args: never[]) => Promise<unknown>> = {
    listByTag: async (tag: Tag) =>
      linodes.filter(({ id, tags }) => tags.includes(tag) && !gone.has(id)),
    get: async (id: number) => linodes.find((one) => one.id === id) ?? 'notFound',
    delete: async (id: number) => {
      gone.add(id);
      deletions.push(clock.now());
      return 'deleted';
    },
    deleteTag: async () => {},
    ...linode,
  };
  const api = Object.fromEntries(
    Object.entries(answers).map(([name, answer]) => [name, told(name, answer)]),
  );
  const errors: string[] = [];
  const passes: object[] = [];
  const metrics = recordingMetrics();
  const released: ClusterRecord[] = [];
  const run = () =>
    reconcile(
      {
        clock,
        linode: api as unknown as LinodeApi,
        store: store as never,
        // With the record as it is by then.
        caps: { release: async () => void released.push(saved) } as never,
        secrets: { passwordKey: async () => options.passwordKey ?? null },
        notifier: { send: async ({ kind }) => void sent.push(kind) },
        metrics,
        log: {
          ...silentLog,
          info: (message, details) => message === 'pass' && passes.push({ ...details }),
          error: (message) => void errors.push(message),
        },
      },
      ID,
      { by: plus(clock.now(), minutes(5)), reserveMs: seconds(20), noticesMs: seconds(5) },
    );
  const count = (name: string) => calls.filter((call) => call === name).length;
  const { emitted } = metrics;
  return {
    ...{ clock, run, count, deletions, errors, passes, emitted, sent, released },
    record: () => saved,
  };
}

const putTags = async (id: number, tags: readonly string[]) => aLinode({ id, tags: [...tags] });

describe('tags that do not stick', () => {
  it.each([
    ['the list lags behind', putTags],
    ['they are dropped', async () => aLinode({ tags: OUR_TAGS })],
    ['the server does not know the call', async () => 'notFound' as const],
    [
      'they are refused',
      async () => {
        throw new AppError('linodeRejected', 'no');
      },
    ],
  ])('are not put over and over where %s', async (_, setTags) => {
    const { run, count } = aWorld(aRunning(), { setTags });
    await run().catch(() => {});
    // Two nodes, and a look each 10 seconds at the most while the invocation lasts.
    expect(count('setTags')).toBeLessThanOrEqual(2 * 30);
    expect(count('listByTag')).toBeLessThanOrEqual(31);
  });

  it('put off no look at the cluster beyond its teardown time', async () => {
    const record = aRunning({ budget: usd(0.015) });
    const teardownAt = teardownOf(record, record.createdAt);
    const { clock, run, deletions } = aWorld(record, { setTags: putTags });
    clock.set(plus(teardownAt, seconds(-3)));
    await run();
    expect(deletions).toEqual([teardownAt, teardownAt]);
  });
});

it('old tags that can not be removed hold up no teardown', async () => {
  const record = aRunning({ budget: usd(0.015), reapTags: ['reap=20261101T0000Z'] });
  const teardownAt = teardownOf(record, record.createdAt);
  const tags = [...OUR_TAGS, reapTag(teardownAt)];
  const deleteTag = async (_: Tag, by: EpochMs) => {
    // As long as it may take.
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

  /** Two nodes to create. What was sent, when, and with which states of the nodes on record. */
  function aLaunch(create: LinodeApi['create'], options: Options = {}) {
    const sends: { request: CreateRequest; at: EpochMs; notAfter: EpochMs; states: string[] }[] =
      [];
    const noting: LinodeApi['create'] = (request, limits) => {
      const { notAfter } = limits;
      sends.push({ request, notAfter, at: world.clock.now(), states: statesOf(world.record()) });
      return create(request, limits);
    };
    const world = aWorld(aCluster(), { create: noting }, [], { now: LAUNCH, ...options });
    const sendsOf = (index: number) =>
      sends.filter(({ request }) => request.label === `onebuck-${ID}-${index}`);
    return { ...world, sends, sendsOf };
  }

  it('has saved so before the first create leaves, and lets none leave later', async () => {
    const { run, sends } = aLaunch(async () => ({ kind: 'unknown', reason: 'no answer' }));
    await run().catch(() => {});
    expect(sends[0]).toMatchObject({ at: LAUNCH, notAfter: plus(LAUNCH, seconds(60)) });
    expect(sends.map(({ states }) => states)).toEqual(sends.map(() => ['creating', 'creating']));
  });

  it('lists Linodes only after a create may have left, and each time from then on', async () => {
    const listed: number[] = [];
    const { run, count } = aLaunch(async () => {
      listed.push(count('listByTag'));
      return { kind: 'unknown', reason: 'no answer' };
    });
    await run().catch(() => {});
    // Two creates without a list, then again after 30 seconds.
    expect(listed.slice(0, 2)).toEqual([0, 0]);
    expect(listed[2]).toBeGreaterThan(0);
  });

  it('lists Linodes on the way out even if it has sent no create', async () => {
    const { run, count } = aWorld(aDeleting({ nodes: [planned(0), planned(1)] }), {}, []);
    await run();
    expect(count('listByTag')).toBeGreaterThan(0);
  });

  it('creates nothing where a newer record is there', async () => {
    const { run, sends } = aLaunch(async () => ({ kind: 'refused', reason: 'no' }), {
      isOutdated: () => true,
    });
    await run();
    expect(sends).toEqual([]);
  });

  it.each([
    ['its reply was lost', async () => ({ kind: 'unknown', reason: 'no answer' }) as const],
    [
      'it failed in whatever way',
      async () => {
        throw new AppError('linodeUnavailable', 'no answer');
      },
    ],
  ])('keeps a node billed, and sends the same after half a minute, where %s', async (_, create) => {
    const { run, record, sendsOf } = aLaunch(create);
    await run().catch(() => {});
    expect(record()).toMatchObject({ phase: 'provisioning' });
    expect(record().nodes[0]).toMatchObject({ state: 'creating', sentAt: LAUNCH });
    const [first, second, third] = sendsOf(0);
    expect(second?.request).toEqual(first?.request);
    const times = [first, second, third].map((one) => one?.at ?? Number.NaN);
    expect(times).toEqual([0, 30, 60].map((after) => plus(LAUNCH, seconds(after))));
  });

  it('knows that nothing was made where the token was refused', async () => {
    const { run, record } = aLaunch(async () => {
      throw new AppError('linodeDenied', 'no such token');
    });
    await expect(run()).rejects.toThrow('no such token');
    expect(statesOf(record())).toEqual(['planned', 'planned']);
  });

  it('gives each node a password of its own', async () => {
    const make: LinodeApi['create'] = async ({ label }) => {
      const index = Number(label.at(-1));
      return { kind: 'created', linode: aLinode({ index, tags: TAGS }) };
    };
    const { run, sends } = aLaunch(make, { passwordKey: 'a key of the deployment' });
    await run().catch(() => {});
    const passwords = sends.map(({ request }) => request.rootPassword);
    expect(new Set(passwords).size).toBe(2);
    expect(passwords).not.toContain(null);
  });
});

describe('a pass that destroys', () => {
  const unavailable = async () => {
    throw new AppError('linodeUnavailable', 'Linode is down');
  };

  it('has 20 seconds for the list and a minute for the deletions', async () => {
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
    expect(limits).toEqual({ list: seconds(20), delete: seconds(60) });
  });

  it('tries a deletion that fails every ten seconds, then says so and is due again', async () => {
    const { clock, run, record, count } = aWorld(aDeleting(), {
      delete: async () => {
        // As long as it may take.
        clock.set(plus(clock.now(), durationMs(100)));
        return unavailable();
      },
    });
    const end = plus(clock.now(), minutes(5));
    await expect(run()).rejects.toMatchObject({ code: 'linodeUnavailable' });
    expect(statesOf(record())).toEqual(['created', 'created']);
    expect(count('delete')).toBeGreaterThan(2 * 20);
    expect(count('delete')).toBeLessThanOrEqual(2 * 30);
    expect(record()).toHaveProperty('dueAt', expect.closeTo(clock.now() + seconds(10), -3));
    expect(clock.now()).toBeLessThanOrEqual(end);
  });

  it('believes no list that failed, and deletes what it knows of', async () => {
    const nodes = [created(0), deleting(1)];
    const { run, record, count } = aWorld(aDeleting({ nodes }), {
      listByTag: unavailable,
    });
    await run().catch(() => {});
    expect(record()).toMatchObject({ phase: 'deleting' });
    expect(statesOf(record())).toEqual(['deleting', 'deleting']);
    expect(count('delete')).toBe(1);
  });

  it('asks for what the list does not show, and deletes it if it can not be read', async () => {
    const { run, record, count } = aWorld(aDeleting(), { get: unavailable }, []);
    await run().catch(() => {});
    expect(count('delete')).toBe(2);
    expect(record()).toMatchObject({ phase: 'deleted' });
  });

  it('leaves a Linode alone that was taken over', async () => {
    const taken = [aLinode({ tags: ['theirs'] }), aLinode({ index: 1, tags: OUR_TAGS })];
    const { run, record, deletions } = aWorld(aDeleting(), {}, taken);
    await run().catch(() => {});
    expect(deletions).toHaveLength(1);
    expect(eventsOf(record() as EndedRecord).join()).toContain('node 0 lost the ownership tag');
  });

  it.each([
    ['another cluster bears them', async () => [aLinode({ id: 7, tags: [REAP_TAG] })]],
    ['nobody can say who bears them', unavailable],
  ])('removes its own tag, but leaves the reap tags where %s', async (_, listBearers) => {
    const removed: Tag[] = [];
    const { run, record } = aWorld(aDeleting({ nodes: [gone(0)], reapTags: [REAP_TAG] }), {
      listByTag: (tag) => (tag === REAP_TAG ? listBearers() : Promise.resolve([])),
      deleteTag: async (tag) => void removed.push(tag),
    });
    await run();
    expect(removed).toEqual([clusterTag(ID)]);
    expect(record()).toMatchObject({ phase: 'deleted' });
  });

  it('frees the budget when the end is on record, and not before', async () => {
    const { run, released } = aWorld(aDeleting(), {});
    await run();
    expect(released).toMatchObject([{ phase: 'deleted' }]);
  });

  it('frees no budget where a newer record is there', async () => {
    const isOutdated = (next: ClusterRecord) => next.phase === 'deleted';
    const { run, released, errors } = aWorld(aDeleting(), {}, untagged, { isOutdated });
    await run();
    expect([released, errors]).toEqual([[], []]);
  });

  it.each([
    [usd(0.015), []],
    [usd(0.0149), ['cluster overspent its budget']],
  ])('of a cluster with %i micro-dollars tells the errors %j', async (budget, told) => {
    const { run, errors } = aWorld(aDeleting({ budget }), {});
    await run();
    expect(errors).toEqual(told);
  });

  it('counts by how much it was overspent, and how long before its last hour it was gone', async () => {
    const begun = { deletingSince: plus(LAUNCH, minutes(29)), endReason: 'budget' as const };
    const { run, emitted } = aWorld(aDeleting({ ...begun, budget: usd(0.015) }), {});
    await run();
    expect(emitted).toEqual([{ TeardownLead: 1_800 }]);

    const dearer = aWorld(aDeleting({ budget: usd(0.0149) }), {});
    await dearer.run();
    expect(dearer.emitted).toEqual([{ Overspend: 0.0001 }]);
  });

  it('counts a cluster that has failed, and nothing of one that was asked to go', async () => {
    const failed = { endReason: 'failed', failure: 'no capacity' } as const;
    const { run, record, emitted } = aWorld(
      aDeleting({ ...failed, nodes: [neverCreated(0)] }),
      {},
      [],
    );
    await run();
    expect(record().phase).toBe('failed');
    expect(emitted).toEqual([{ FailedLaunches: 1 }]);

    const asked = aWorld(aDeleting(), {});
    await asked.run();
    expect(asked.emitted).toEqual([]);
  });

  it.each([
    [true, []],
    [false, ['gone']],
  ])('where its twin has ended it first, %j, frees the budget, and sends %j', async (is, told) => {
    const isTwin = (next: ClusterRecord) => is && next.phase === 'deleted';
    const { run, released, sent } = aWorld(aDeleting(), {}, untagged, { isTwin });
    await run();
    expect(released).toHaveLength(1);
    expect(sent).toEqual(told);
  });

  it('tells of an overspend though the answer to its last write is lost', async () => {
    const isOutdated = (next: ClusterRecord) => {
      if (next.phase === 'deleted') throw new Error('socket hang up');
      return false;
    };
    const overspent = aDeleting({ budget: usd(0.0149) });
    const { run, errors, emitted } = aWorld(overspent, {}, untagged, { isOutdated });
    await expect(run()).rejects.toThrow('socket hang up');
    expect(errors).toEqual(['cluster overspent its budget']);
    expect(emitted).toEqual([{ Overspend: 0.0001 }]);
  });
});

describe('a pass over a running cluster', () => {
  it('lets go of a node that was taken over, and touches it no more', async () => {
    const taken = [aLinode({ tags: ['theirs'] }), aLinode({ index: 1 })];
    const { run, record, count } = aWorld(aRunning(), {}, taken);
    await run();
    expect(statesOf(record())).toEqual(['gone', 'created']);
    expect(count('delete')).toBe(0);
  });

  it('moves the reap tag alone, and leaves a node that was taken over as it is', async () => {
    const put: [number, readonly string[]][] = [];
    const { run, record } = aWorld(
      aRunning(),
      {
        // Since the list, a person has taken one of them over.
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
    expect(statesOf(record())).toContain('gone');
  });
});

describe('the log', () => {
  it('has a line a pass: what it did, or why it waits, and until when', async () => {
    const { clock, run, passes } = aWorld(aRunning(), { setTags: putTags });
    const begun = clock.now();
    await run();
    const line = { clusterId: ID, phase: 'running' };
    expect(passes[0]).toEqual({
      ...line,
      steps: { retagNode: 2 },
      until: toIso(plus(begun, seconds(10))),
      why: 'looks at what came of its steps',
    });
    const bearing = [aLinode(), aLinode({ index: 1 })];
    const quietly = aWorld(aRunning({ notified: ['launched'] }), {}, bearing);
    await quietly.run();
    expect(quietly.passes).toEqual([
      {
        ...line,
        steps: { wait: 1 },
        until: toIso(plus(begun, minutes(30))),
        why: 'the next look at its nodes',
      },
    ]);
  });

  it('says what Linode answered where a step failed', async () => {
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

describe('what is in the way of a cluster', () => {
  const reason = 'GET /linode/instances: 429: Too many requests (attempts: 3)';

  it('is in its record from the first pass that met it to the first that does not', async () => {
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
