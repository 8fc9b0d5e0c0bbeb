import { describe, expect, it } from 'vitest';
import { createAllowance } from '../../../../cli/mcp/allowance.ts';
import type { Session } from '../../../../cli/mcp/session.ts';
import { extend, launch } from '../../../../cli/mcp/spending.ts';
import type { Cluster } from '../../../../client/answers.ts';
import { type Api, NoContact, type Path, Refusal, type Request } from '../../../../client/api.ts';

const NOT_FOUND = new Refusal('http://onebuck', 404, null, 'not found');
const CONFLICT = new Refusal('http://onebuck', 409, null, 'used with another body');
const asking = { confirm: () => {} };

/**
 * A session with an allowance of a dollar, and an API that launches at most one cluster for each
 * idempotency key. `fail` is asked before the answer to each request that spends, and may throw.
 */
function startSession(fail: (request: Request) => void = () => {}) {
  const clusters = new Map<string, Cluster>();
  const idOfKey = new Map<string, string>();
  const answer = (path: Path, request: Request = {}): unknown => {
    const { method = 'GET', body, headers = {} } = request;
    if (path === '/health') return { time: '2026-11-10T10:00:00Z' };
    if (method === 'POST') {
      const key = headers['idempotency-key'] ?? '';
      const { budgetUsd } = body as { budgetUsd: number };
      const known = clusters.get(idOfKey.get(key) ?? '');
      if (known !== undefined && known.spec.budgetUsd !== budgetUsd) throw CONFLICT;
      const id = known?.id ?? `caaaaaaaaa${'abc'[clusters.size]}`;
      idOfKey.set(key, id);
      const launched = { id, name: null, status: 'running', nodes: [], budgetUsd };
      const money = { spentUsd: 0, leftUsd: budgetUsd, hourlyUsd: 0.01 };
      const rest = { next: null, trouble: null, job: null, spec: { budgetUsd } };
      if (known === undefined) {
        clusters.set(id, { ...launched, ...money, ...rest } as unknown as Cluster);
      }
      fail(request);
      return clusters.get(id);
    }
    const id = path.split('/')[2] ?? '';
    const found = clusters.get(id);
    if (found === undefined) throw NOT_FOUND;
    if (method === 'PATCH') {
      fail(request);
      clusters.set(id, { ...found, ...(body as object) });
    }
    return clusters.get(id);
  };
  const api: Api = {
    json: async (path, request) => answer(path, request) as never,
    text: async () => '',
  };
  const allowance = createAllowance(1);
  const session: Session = {
    context: {} as Session['context'],
    ssh: {},
    api,
    allowance,
    launched: new Map(),
    unclear: new Set(),
    spending: Promise.resolve(),
  };
  return { session, allowance, clusters };
}

const noAnswer = () => {
  throw new NoContact('http://onebuck', 'socket hang up');
};

describe('what an agent has at stake', () => {
  it('is the dearer of two launches at once with one key', async () => {
    const { session, allowance } = startSession();
    const ask = (budgetUsd: number) => launch(session, { budgetUsd, idempotencyKey: 'k' }, asking);
    const answers = await Promise.allSettled([ask(0.9), ask(0.01)]);
    expect(answers.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
    expect(allowance.left()).toBe(0.1);
  });

  it('stays after an unclear answer, though the same key is tried with a lower budget', async () => {
    let isLost = true;
    const { session, allowance } = startSession(() => isLost && noAnswer());
    const ask = (budgetUsd: number) => launch(session, { budgetUsd, idempotencyKey: 'k' }, asking);
    await expect(ask(0.9)).rejects.toThrow('Call launch again with idempotencyKey k.');
    expect(allowance.left()).toBe(0.1);
    isLost = false;
    await expect(ask(0.05)).rejects.toThrow('used with another body');
    expect(allowance.left()).toBe(0.1);
    await ask(0.9);
    expect(allowance.left()).toBe(0.1);
  });

  it('stays where the answer to a launch is no cluster that can be shown', async () => {
    const { session, allowance, clusters } = startSession();
    const broken = {
      ...session,
      api: { ...session.api, json: async () => ({ id: 'c' }) as never },
    };
    await expect(launch(broken, { budgetUsd: 0.9 }, asking)).rejects.toThrow(TypeError);
    expect(clusters.size).toBe(0);
    expect(allowance.left()).toBe(0.1);
  });

  it('is given back by a refusal, of a launch and of an extension', async () => {
    const { session, allowance } = startSession(() => {
      throw new Refusal('http://onebuck', 422, null, 'a cap');
    });
    await expect(launch(session, { budgetUsd: 0.9 }, asking)).rejects.toThrow('a cap');
    expect(allowance.left()).toBe(1);
  });

  it('is not lowered by a lower budget while a higher one may still arrive', async () => {
    const lost = new Set([0.8]);
    const { session, allowance, clusters } = startSession(({ body }) => {
      if (lost.has((body as { budgetUsd: number }).budgetUsd)) noAnswer();
    });
    await launch(session, { budgetUsd: 0.1 }, asking);
    const [cluster = ''] = clusters.keys();
    await extend(session, { cluster, budgetUsd: 0.3 }, asking);
    expect(allowance.left()).toBe(0.7);
    await extend(session, { cluster, budgetUsd: 0.2 }, asking);
    expect(allowance.left()).toBe(0.8);
    await expect(extend(session, { cluster, budgetUsd: 0.8 }, asking)).rejects.toThrow('hang up');
    await extend(session, { cluster, budgetUsd: 0.2 }, asking);
    expect(allowance.left()).toBeCloseTo(0.2);
  });
});
