import { describe, expect, it } from 'vitest';
import { list } from '../../../cli/clusters.ts';
import type { Context } from '../../../cli/context.ts';
import { layOut } from '../../../cli/format.ts';
import { asciiLook } from '../../../cli/fuse.ts';
import {
  addOwners,
  budgetBlocks,
  makeToken,
  revoke,
  setCaps,
  showBudget,
  showOwners,
} from '../../../cli/owners.ts';
import { remove } from '../../../cli/remove.ts';
import { showSchedules } from '../../../cli/schedules.ts';
import type { Terminal } from '../../../cli/terminal.ts';
import type { Budget, Clusters } from '../../../client/answers.ts';
import { type Api, Refusal, refusalOf } from '../../../client/api.ts';
import { startApi, TEN_NANODES } from '../../support/api-world.ts';

const STUDENTS = 'name,owner\nZoe Zimmer,zoe\n"Yara, Y.",yara\n';

type World = Awaited<ReturnType<typeof startApi>>;

/** The API's client of an owner, on the API's own function. */
function apiOf({ call }: World, owner: string): Api {
  const text: Api['text'] = async (
    path,
    { method = 'GET', query = {}, body, headers = {} } = {},
  ) => {
    const given = Object.entries(query).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, `${value}`]],
    );
    const target = `${path}?${new URLSearchParams(given)}`;
    const answer = await call(method, target, { owner, body, headers });
    if (answer.status >= 400) throw refusalOf('http://x', answer.status, answer.text);
    return answer.text;
  };
  return { text, json: async (path, request) => JSON.parse((await text(path, request)) || 'null') };
}

/** A command line of the owner, whose person answers each question with `answer`. */
function aContext(world: World, owner: string, answer = '') {
  const said: string[] = [];
  const asked: string[] = [];
  const terminal: Partial<Terminal> = {
    out: (lines) => void said.push(...[lines].flat()),
    note: (line) => void said.push(line),
    dim: (line) => line,
    columns: () => Number.POSITIVE_INFINITY,
    look: () => asciiLook(80),
    inputToEnd: async () => STUDENTS,
    canAsk: answer !== '',
    async ask(question) {
      asked.push(question);
      return answer;
    },
  };
  const context = {
    ...{ env: { XDG_STATE_HOME: '/nowhere' }, json: false, api: () => apiOf(world, owner) },
    terminal: terminal as Terminal,
    onInterrupt: () => ({ over() {} }),
    holdInterrupts: () => ({ over() {} }),
  } satisfies Context;
  return { context, said, asked };
}

async function aWorldOfThree() {
  const world = await startApi();
  for (const [owner, name] of [
    ['ann', 'one'],
    ['ann', 'two'],
    ['bob', 'three'],
  ] as const) {
    const launched = await world.call('POST', '/clusters', {
      ...{ owner, body: { ...TEN_NANODES, nodes: 1, name } },
    });
    expect(launched.status).toBe(202);
  }
  const namesOfLive = async () => {
    const { json } = await world.call('GET', '/clusters?status=live');
    return (json as Clusters).clusters
      .filter(({ status }) => status !== 'deleting')
      .map(({ name }) => name);
  };
  return { ...world, namesOfLive };
}

describe('the admin', () => {
  it('sees whose the clusters are, and those of one owner', async () => {
    const world = await aWorldOfThree();
    const everybody = aContext(world, 'admin');
    await list(everybody.context, { all: false });
    expect(everybody.said[0]).toMatch(/^OWNER +ID +NAME/);
    expect(everybody.said.slice(1).map((line) => line.split(/ +/)[0])).toEqual([
      'bob',
      'ann',
      'ann',
    ]);
    const ofAnn = aContext(world, 'admin');
    await list(ofAnn.context, { all: false, owner: 'ann' });
    expect(ofAnn.said.join('\n')).toMatch(/ann .* two .*\nann .* one /);
    expect(ofAnn.said.join('\n')).not.toContain('bob');
  });

  it('has no column of owners while all clusters are the admin’s own', async () => {
    const world = await startApi();
    await world.call('POST', '/clusters', { body: { ...TEN_NANODES, nodes: 1 } });
    const { context, said } = aContext(world, 'admin');
    await list(context, { all: false });
    expect(said[0]).toMatch(/^ID +NAME/);
  });

  it('sees whose the schedules are, and those of one owner', async () => {
    const world = await startApi();
    for (const owner of ['ann', 'bob']) {
      const body = { cron: '0 4 * * *', timezone: 'UTC', spec: TEN_NANODES };
      expect((await world.call('POST', '/schedules', { owner, body })).status).toBe(201);
    }
    const { context, said } = aContext(world, 'admin');
    await showSchedules(context, {});
    expect(said[0]).toMatch(/^OWNER +ID/);
    expect(said).toHaveLength(3);
    const ofAnn = aContext(world, 'admin');
    await showSchedules(ofAnn.context, { owner: 'ann' });
    expect(ofAnn.said.slice(1)).toEqual([expect.stringMatching(/^ann /)]);
  });

  it('destroys all clusters of an owner after asking once, and no others', async () => {
    const world = await aWorldOfThree();
    const refusing = aContext(world, 'admin', 'n');
    const options = { owner: 'ann', all: true, yes: false, wait: false };
    await expect(remove(refusing.context, undefined, options)).rejects.toThrow('Nothing was done.');
    expect(await world.namesOfLive()).toHaveLength(3);
    const agreeing = aContext(world, 'admin', 'y');
    await remove(agreeing.context, undefined, options);
    expect(agreeing.asked).toHaveLength(1);
    expect(agreeing.asked[0]).toMatch(/"two".*\n.*"one".*\nDestroy 2 clusters of ann now\?/);
    expect(await world.namesOfLive()).toEqual(['three']);
    expect(agreeing.said).toEqual(['2 clusters of ann: being destroyed.']);
  });

  it('is told which clusters are left if one of them can not be destroyed', async () => {
    const world = await aWorldOfThree();
    const { context } = aContext(world, 'admin');
    const api = context.api();
    let deletions = 0;
    const json: typeof api.json = (path, request) => {
      if (request?.method === 'DELETE') deletions += 1;
      if (deletions < 2) return api.json(path, request);
      throw new Refusal('http://onebuck', 409, null, 'Cluster is changing fast.');
    };
    const failing = { ...context, api: () => ({ ...api, json }) };
    const options = { owner: 'ann', all: true, yes: true, wait: false };
    await expect(remove(failing, undefined, options)).rejects.toThrow(
      /^Cluster is changing fast\..*\nNot destroyed: c[a-z2-7]{10}\. The same command goes on\.$/s,
    );
    expect(await world.namesOfLive()).toHaveLength(2);
  });

  it('is not asked where nobody can answer, and destroys nothing then', async () => {
    const world = await aWorldOfThree();
    const { context } = aContext(world, 'admin');
    const options = { owner: 'ann', all: true, yes: false, wait: false };
    await expect(remove(context, undefined, options)).rejects.toThrow('Give --yes to destroy');
    expect(await world.namesOfLive()).toHaveLength(3);
  });

  it.each([
    ['without an owner', undefined, { all: true }],
    ['without --all', undefined, { owner: 'ann' }],
    ['with a cluster', 'one', { owner: 'ann', all: true }],
    ['without anything', undefined, {}],
  ])('destroys nothing %s', async (_, named, options) => {
    const world = await aWorldOfThree();
    const { context } = aContext(world, 'admin');
    const removing = remove(context, named, { all: false, yes: true, wait: false, ...options });
    await expect(removing).rejects.toThrow('Give a cluster; or, for all of an owner');
    expect(await world.namesOfLive()).toHaveLength(3);
  });
});

it('an owner destroys nothing of another owner', async () => {
  const world = await aWorldOfThree();
  const { context } = aContext(world, 'bob');
  const options = { owner: 'ann', all: true, yes: true, wait: false };
  await expect(remove(context, undefined, options)).rejects.toThrow();
  expect(await world.namesOfLive()).toHaveLength(3);
});

describe('the command budget', () => {
  it('shows what is left, spent and open, and when each cap starts anew, in 40 columns', async () => {
    const world = await startApi({ env: { MAX_WEEKLY_SPEND_PER_OWNER_USD: '4' } });
    await world.call('POST', '/clusters', { body: { ...TEN_NANODES, budgetUsd: 1 }, owner: 'ann' });
    const { context, said } = aContext(world, 'ann');
    await showBudget(context);
    expect(said[1]).toMatch(
      /^week {3}\|===\.{9}\| \$3\.00 of \$4\.00 left; \$0\.00 spent, \$1\.00 open; until Mon 23 Nov/,
    );
    const budget = await context.api().json<Budget>('/budget');
    const block = budgetBlocks(budget, world.clock.now(), asciiLook(40));
    const lines = layOut([block], { columns: 40, dim: (text) => text });
    expect(lines.filter((line) => line.length > 40)).toEqual([]);
  });

  it.each([
    [{ capUsd: 2, spentUsd: 1.999, openUsd: 0, leftUsd: 0.001 }, '|###########.|'],
    [{ capUsd: 2, spentUsd: 0.001, openUsd: 0, leftUsd: 1.999 }, '|#...........|'],
    [{ capUsd: 2, spentUsd: 1, openUsd: 1, leftUsd: 0 }, '|######======|'],
    [{ capUsd: 2, spentUsd: 5, openUsd: 1, leftUsd: 0 }, '|############|'],
    [{ capUsd: null, spentUsd: 1, openUsd: 1, leftUsd: null }, ''],
  ])('draws %j as %s', (used, bar) => {
    const span = { startedAt: '2026-11-23T00:00:00Z', resetsAt: '2026-11-24T00:00:00Z' };
    const budget: Budget = { owner: 'ann', periods: [{ period: 'day', ...span, ...used }] };
    const block = budgetBlocks(budget, 0, asciiLook(80));
    const [line = ''] = layOut([block], { columns: 200, dim: (text) => text });
    expect(line.replace(/^day {2}([|#=.]*).*$/, '$1')).toBe(bar);
  });
});

describe('the commands of owners', () => {
  it('add a class from a file, and print a token for each that works, once', async () => {
    const world = await startApi();
    const { context, said } = aContext(world, 'admin');
    await addOwners(context, ['xaver'], {
      file: '-',
      weeklyCap: '2',
      expires: '30d',
      may: 'launch',
    });
    const [head, ...rows] = said;
    expect(head).toBe('owner,token');
    expect(rows.slice(0, 3).map((row) => row.split(',')[0])).toEqual(['xaver', 'zoe', 'yara']);
    const token = rows[1]?.split(',')[1] ?? '';
    const answer = await world.call('GET', '/budget', {
      headers: { authorization: `Bearer ${token}` },
    });
    expect(answer.json).toMatchObject({ owner: 'zoe' });
    expect(answer.json.periods[1]).toMatchObject({ period: 'week', capUsd: 2 });
    const { json } = await world.call('GET', '/owners/zoe');
    expect(json.tokens).toMatchObject(
      [{ may: 'launch', expiresAt: /2026-12-22T12:00/ }].map((one) => ({
        ...one,
        expiresAt: expect.stringMatching(one.expiresAt),
      })),
    );
  });

  it('add nobody where one of them is there already, or twice', async () => {
    const world = await startApi();
    const { context, said } = aContext(world, 'admin');
    await expect(addOwners(context, ['zoe', 'bob', 'ann'], {})).rejects.toThrow(
      'Nobody was added: bob, ann are there already.',
    );
    await expect(addOwners(context, ['zoe', 'zoe'], {})).rejects.toThrow('zoe is there twice');
    await expect(addOwners(context, [], {})).rejects.toMatchObject({ failure: 'usage' });
    await expect(addOwners(context, ['zoe'], { expires: 'soon' })).rejects.toThrow('--expires');
    expect((await world.call('GET', '/owners/zoe')).status).toBe(404);
    expect(said).toEqual([]);
  });

  it('set caps, show them, make a token and revoke it', async () => {
    const world = await startApi();
    const { context, said } = aContext(world, 'admin', 'y');
    await setCaps(context, 'ann', { dailyCap: '1.5', monthlyCap: 'none' });
    await expect(setCaps(context, 'ann', {})).rejects.toMatchObject({ failure: 'usage' });
    await expect(setCaps(context, 'ann', { dailyCap: 'lots' })).rejects.toMatchObject({
      status: 400,
    });
    said.length = 0;
    await makeToken(context, 'ann', { may: 'read' });
    const token = said[0] ?? '';
    const [, id = ''] = /token (\w{8})\./.exec(said[1] ?? '') ?? [];
    said.length = 0;
    await showOwners(context);
    expect(said[0]).toBe('OWNER  DAY                  WEEK        MONTH       TOKENS');
    expect(said.find((line) => line.startsWith('ann'))).toBe(
      `ann    $1.50 of $1.50 left  $0.00 used  $0.00 used  ${id} (read), 1 in the secret`,
    );
    const look = () =>
      world.call('GET', '/budget', { headers: { authorization: `Bearer ${token}` } });
    expect((await look()).status).toBe(200);
    await revoke(context, 'ann', id, { yes: false });
    expect((await look()).status).toBe(403);
    await revoke(context, 'ann', undefined, { yes: true });
    expect(said.slice(-2)).toEqual([
      'ann is revoked.',
      '1 token of ann in the secret can still look: npm run tokens -- revoke ann takes them away.',
    ]);
  });
});
