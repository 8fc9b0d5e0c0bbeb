import { describe, expect, it } from 'vitest';
import { jobSchema } from '../../../lib/core/job/job.ts';
import { type JobForm, jobFaults, jobFormOf, jobFrom, noJob } from '../../../web/src/job-form.ts';
import { inLabels, isLabelled } from '../../../web/src/labels.ts';
import { editedSpec, formOf } from '../../../web/src/schedule.ts';
import { emptyForm, faultOf, isAskable, ownFaults, specOf } from '../../../web/src/spec.ts';

const upload = { id: 'uaaaaaaaaaa', name: 'src, 3 files', bytes: 100 };
const typed: JobForm = {
  ...noJob,
  ...{ command: 'sh run.sh\n', results: 'out/\n *.csv \n\n', env: 'SEED=7\nURL=a=b c\n' },
  ...{ uploads: [upload], on: 'all', tasks: '1-100, 200', grace: '60', onFailure: 'keep' },
};

describe('a job that is typed', () => {
  it('is sent as the API takes it, and read back from a schedule as it was typed', () => {
    const job = jobFrom(typed);
    expect(job).toEqual({
      ...{ command: 'sh run.sh\n', results: ['out/', '*.csv'], env: { SEED: '7', URL: 'a=b c' } },
      ...{ inputs: ['uaaaaaaaaaa'], on: 'all', tasks: '1-100,200', gracePeriodSeconds: 60 },
      ...{ onDone: 'destroy', onFailure: 'keep' },
    });
    expect(jobSchema.safeParse(job).success).toBe(true);
    expect(jobFrom(jobFormOf({ job }))).toEqual(job);
    expect(jobSchema.safeParse(jobFrom({ ...noJob, command: 'ls' })).success).toBe(true);
  });

  it('is none without a command', () => {
    expect(jobFrom(noJob)).toBeNull();
    expect(specOf(emptyForm)).not.toHaveProperty('job');
    expect(specOf({ ...emptyForm, job: typed })).toHaveProperty('job.command');
    expect(jobFormOf({})).toEqual(noJob);
    expect(jobFormOf({ job: null })).toEqual(noJob);
  });

  it('has a fault where more than a command is given, and where a variable has no value', () => {
    const faults = (some: object) =>
      Object.entries(jobFaults({ ...noJob, ...some })).flatMap(([path, fault]) =>
        fault ? [path] : [],
      );
    expect(faults({})).toEqual([]);
    expect(faults({ uploads: [upload] })).toEqual(['job.command']);
    expect(faults({ results: 'out/' })).toEqual(['job.command']);
    expect(faults({ command: 'ls', env: 'SEED' })).toEqual(['job.env']);
    expect(faults({ command: 'ls', env: '=7' })).toEqual(['job.env']);
    expect(faults({ command: 'ls', env: 'SEED=\n\n' })).toEqual([]);
    const asked = { ...emptyForm, region: 'us-east', image: 'linode/debian12' };
    expect(isAskable(asked)).toBe(true);
    expect(ownFaults({ ...asked, job: { ...noJob, tasks: '1-2' } })).toHaveProperty([
      'job.command',
    ]);
  });

  it('has the API’s faults under the labels of its fields', () => {
    expect(inLabels('job.command must be shorter')).toBe('Command must be shorter');
    expect(inLabels('job.inputs[1] is not there')).toBe('Files, item 2, is not there');
    expect(inLabels('job.env.SEED must be a text')).toBe('Variables: SEED must be a text');
    expect(
      inLabels('job.tasks are dealt to all nodes: set job.on to all, or leave tasks out'),
    ).toBe('Tasks are dealt to all nodes: set Run on to all, or leave tasks out');
    expect(faultOf({ 'job.env.SEED': 'must be a text' }, 'job.env')).toBe('must be a text');
    for (const path of ['job', 'job.command', 'job.inputs[0]', 'job.env.SEED']) {
      expect(isLabelled(path), path).toBe(true);
    }
  });

  it('of a schedule stays as it is until somebody changes it', () => {
    const spec = { nodes: 1, type: 'g6-nanode-1', job: { command: 'ls', inputs: ['ubbbbbbbbbb'] } };
    const form = formOf(spec, []);
    expect(form.job).toMatchObject({ command: 'ls', uploads: [{ id: 'ubbbbbbbbbb' }] });
    expect(editedSpec(spec, form, form)).toEqual(spec);
    const without = { ...form, job: noJob };
    expect(editedSpec(spec, form, without)).toMatchObject({ job: null });
  });
});
