import { describe, expect, it } from 'vitest';
import { addWords, changeOf, changeQuestion, type EditOptions } from '../../../cli/schedules.ts';
import type { Terminal } from '../../../cli/terminal.ts';

const context = { terminal: {} as Terminal, env: {} };
const spec = { nodes: 2, vcpus: 1, memoryMb: 1024, region: 'us-east', budgetUsd: 1, tags: ['a'] };
const changed = (options: Partial<EditOptions>) =>
  changeOf(context, { spec, retry: null }, { yes: true, ...options });

describe('the change that onebuck schedule edit sends', () => {
  it('has only the fields that options name', () => {
    expect(changed({})).toEqual({});
    expect(changed({ cron: '0 4 * * *', timezone: 'UTC', overlap: 'allow' })).toEqual({
      ...{ cron: '0 4 * * *', timezone: 'UTC', overlap: 'allow' },
    });
    expect(changed({ scheduleName: 'b', monthlyCap: '$20' })).toEqual({
      ...{ name: 'b', monthlyCapUsd: 20 },
    });
  });

  it('takes name and cap away with none', () => {
    expect(changed({ scheduleName: 'none', monthlyCap: 'none' })).toEqual({
      ...{ name: null, monthlyCapUsd: null },
    });
  });

  it('has when to try again, over the retry of before', () => {
    expect(changed({ retryFor: '120' })).toEqual({ retry: { forMinutes: 120 } });
    expect(changed({ retryFor: 'none' })).toEqual({ retry: null });
    const before = { spec, retry: { forMinutes: 60, everyMinutes: 15 } };
    expect(changeOf(context, before, { yes: true, retryEvery: '5' })).toEqual({
      retry: { forMinutes: 60, everyMinutes: 5 },
    });
  });

  it('has the whole spec, with the options over it', () => {
    expect(changed({ nodes: '3', budget: '2.5' })).toEqual({
      spec: { ...spec, nodes: 3, budgetUsd: 2.5 },
    });
    const { vcpus: _, memoryMb: __, ...others } = spec;
    expect(changed({ type: 'g6-nanode-1' })).toEqual({ spec: { ...others, type: 'g6-nanode-1' } });
    expect(spec).toHaveProperty('vcpus', 1);
  });
});

describe('the job that onebuck schedule edit sends', () => {
  const job = { command: 'make', inputs: ['uaaaaaaaaaa'], env: { A: '1' }, results: ['out/'] };
  const jobWith = (options: Partial<EditOptions>, ...command: string[]) =>
    changeOf(context, { spec: { ...spec, job }, retry: null }, { yes: true, ...options }, command)
      .spec;

  it('is that of before, unless an option or the command changes it', () => {
    expect(jobWith({ nodes: '3' })).toEqual({ ...spec, nodes: 3, job });
    expect(jobWith({}, 'make', 'all')).toEqual({ ...spec, job: { ...job, command: 'make all' } });
    expect(jobWith({ env: ['B=2'], grace: '90s' })).toEqual({
      ...spec,
      job: { ...job, env: { A: '1', B: '2' }, gracePeriodSeconds: 90 },
    });
  });

  it('has no inputs of before if it gets an upload', () => {
    const { inputs: _, ...others } = job;
    expect(jobWith({ upload: ['.'] })).toEqual({ ...spec, job: others });
  });

  it('is a new one where there was none', () => {
    expect(changeOf(context, { spec, retry: null }, { yes: true }, ['make']).spec).toEqual({
      ...spec,
      job: { command: 'make' },
    });
    expect(() => changed({ results: ['out/'] })).toThrow('Say what to run, after --');
  });
});

describe('the question of onebuck schedule add', () => {
  const schedule = { cron: '0 2 * * *', timezone: 'Europe/Berlin', spec };
  const run = 'Launches a cluster for up to $1.00 at each occurrence of 0 2 * * * in Europe/Berlin';

  it('says the caps of a day, a week and a month, and what a month may cost', async () => {
    expect(await addWords(schedule)).toBe(`${run}.\n31 runs a month: up to $31.00.\n`);
    const caps = { dailyCapUsd: 0.5, weeklyCapUsd: 4, monthlyCapUsd: 20 };
    expect(await addWords({ ...schedule, ...caps })).toBe(
      `${run}, at most $0.50 a day, $4.00 a week, $20.00 a month.\n` +
        '31 runs a month: up to $15.50, by its cap of $0.50 a day for up to 31 days.\n',
    );
  });

  it('has no cap that is none, and leaves a wrong one to the API', async () => {
    const caps = { dailyCapUsd: 'lots', monthlyCapUsd: null };
    expect(await addWords({ ...schedule, ...caps })).toMatch(/, at most \$lots a day\.\n31 runs/);
  });
});

describe('the question of onebuck schedule edit', () => {
  const noCaps = { dailyCapUsd: null, weeklyCapUsd: null, monthlyCapUsd: null };
  const before = { id: 's1', name: null, cron: '0 2 * * *', spec, ...noCaps };

  it('says what a month may cost with the change', async () => {
    expect(await changeQuestion(before, { cron: '0 * * * *' })).toMatch(
      /\n744 runs a month: up to \$744\.00\.\nChange it\?$/,
    );
    expect(await changeQuestion(before, { monthlyCapUsd: 5 })).toMatch(/up to \$5.00, its cap\./);
    expect(await changeQuestion({ ...before, weeklyCapUsd: 5 }, {})).toMatch(
      /up to \$30.00, by its cap of \$5\.00 a week for up to 6 weeks\./,
    );
    expect(await changeQuestion(before, { spec: { ...spec, budgetUsd: 10 } })).toMatch(
      /31 runs a month: up to \$310\.00\./,
    );
  });

  it('leaves a wrong expression to the API', async () => {
    expect(await changeQuestion(before, { cron: 'often' })).not.toMatch(/a month/);
  });
});
