import { functionsOf } from '../package.ts';
import type { Template } from '../policies.ts';
import { BY_URL } from './aws-request.ts';
import type { Emulator } from './emulator.ts';
import { expect } from './expect.ts';

/** Every call of a function so far must come from the Node of its `Runtime` in the template. */
export function expectRuntime(
  { recorder }: Emulator,
  template: Template,
  report: (text: string) => void,
): void {
  const runtimes = new Map(
    functionsOf(template).map(({ FunctionName, Runtime }) => [FunctionName, Runtime]),
  );
  const requests = recorder.requests.filter(({ caller }) => caller !== BY_URL);
  for (const { caller, node } of requests) {
    const runtime = runtimes.get(caller);
    const [major] = node.split('.');
    expect(runtime === `nodejs${major}.x`, `${caller} runs on Node ${node}, not on ${runtime}`);
  }
  const callers = new Set(requests.map(({ caller }) => caller));
  const versions = new Set(requests.map(({ node }) => node));
  report(`${callers.size} functions have run on Node ${[...versions].join(', ')}`);
}
