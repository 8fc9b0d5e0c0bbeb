import { describe, expect, it } from 'vitest';
import { list } from '../../../cli/clusters.ts';
import type { Context } from '../../../cli/context.ts';
import { remove } from '../../../cli/remove.ts';
import { showSchedules } from '../../../cli/schedules.ts';
import type { Terminal } from '../../../cli/terminal.ts';
import type { Clusters } from '../../../client/answers.ts';
import { type Api, Refusal, refusalOf } from '../../../client/api.ts';
import { startApi, TEN_NANODES } from '../../support/api-world.ts';

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
  return { text, json: async (path, request) => JSON.parse(await text(path, request)) };
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
