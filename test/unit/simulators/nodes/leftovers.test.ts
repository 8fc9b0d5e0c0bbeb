import { describe, expect, it } from 'vitest';
import { labName } from '../../../../simulators/nodes/lab-name.ts';
import {
  cleanUpPlan,
  isAlive,
  processMark,
  type Standing,
  startIn,
} from '../../../../simulators/nodes/leftovers.ts';

const nothing: Standing = { namespaces: [], links: [], groups: [], folder: null };

describe('the plan of a clean-up', () => {
  it('kills first, and removes then what processes held', () => {
    const plan = cleanUpPlan(labName(1), {
      namespaces: ['ob1-90000001', 'ob1'],
      links: ['lo', 'eth0', 'ob1-host'],
      groups: ['/sys/fs/cgroup/onebuck-1/90000001', '/sys/fs/cgroup/onebuck-1'],
      folder: '/repository/.nodes/lab-1',
    });
    expect(plan).toEqual([
      { kind: 'kill', namespace: 'ob1' },
      { kind: 'kill', namespace: 'ob1-90000001' },
      { kind: 'removeNamespace', namespace: 'ob1' },
      { kind: 'removeNamespace', namespace: 'ob1-90000001' },
      { kind: 'removeLink', link: 'ob1-host' },
      { kind: 'removeRoute', subnet: '10.77.1.0/24' },
      { kind: 'removeGroup', folder: '/sys/fs/cgroup/onebuck-1/90000001' },
      { kind: 'removeGroup', folder: '/sys/fs/cgroup/onebuck-1' },
      { kind: 'removeFolder', folder: '/repository/.nodes/lab-1' },
    ]);
  });

  it('leaves other labs and strangers alone', () => {
    const plan = cleanUpPlan(labName(1), {
      ...nothing,
      namespaces: ['ob10', 'ob10-90000001', 'ob', 'docker', 'lob1', 'ob2-1'],
      links: ['ob10-host', 'docker0'],
    });
    expect(plan).toEqual([{ kind: 'removeRoute', subnet: '10.77.1.0/24' }]);
  });
});

describe('a process', () => {
  it('is alive by its id and the time of its start', () => {
    const mark = processMark(process.pid);
    expect(isAlive(mark)).toBe(true);
    expect(isAlive({ ...mark, startedAt: '1' })).toBe(false);
    expect(isAlive(processMark(2 ** 22 + 1))).toBe(false);
  });

  it('has its start behind a name with blanks and brackets', () => {
    const fields = Array.from({ length: 50 }, (_, index) => `${index + 3}`).join(' ');
    expect(startIn(`7 (tmux: (server) x) ${fields}`)).toBe('22');
  });
});
