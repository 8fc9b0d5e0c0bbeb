import { expect, it } from 'vitest';
import { workIn } from '../../../client/work.ts';

it.each([
  ['120 vcpu-hours', { vcpuHours: 120 }],
  ['1,000 vCPU hours', { vcpuHours: 1000 }],
  ['2.5 cpu-h', { vcpuHours: 2.5 }],
  ['8 gpu-hours', { gpuHours: 8 }],
  ['1 GPU hour', { gpuHours: 1 }],
  ['120', { vcpuHours: 120 }],
  ['.5 vcpus-hours', { vcpuHours: 0.5 }],
])('%s is work', (text, work) => expect(workIn(text)).toEqual(work));

it.each(['', 'a lot', '0 vcpu-hours', '-1 vcpu-hours', '120 days', '1 2 vcpu-hours', '120 vcpu'])(
  '"%s" is no work',
  (text) => expect(workIn(text)).toBeNull(),
);
