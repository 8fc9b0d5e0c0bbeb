import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import {
  hasTerminals,
  type Running,
  startInTerminal,
  startNode,
  startProgram,
} from './children.ts';

const env = { PATH: process.env.PATH ?? '' };
const LASTING = ['-e', 'setInterval(() => {}, 1e6); console.log("here")'];
/** Starts another one in a session of its own, and shares its output with it. */
const LASTING_PAIR = [
  '-e',
  `const options = { detached: true, stdio: ['ignore', 'inherit', 'inherit'] };
  require('node:child_process').spawn(process.execPath, ${JSON.stringify(LASTING)}, options);`,
];

describe('a program', () => {
  let pair: Running;

  it('that has started another one', async () => {
    pair = startNode(LASTING_PAIR, env);
    await pair.says('here');
    expect(pair.child.exitCode).toBeNull();
  });

  it('is ended with it after its test', async () => {
    await pair.ended; // once nobody is left to write
    expect(pair.child.signalCode).toBe('SIGKILL');
  });

  it('that does not say what is waited for is quoted', async () => {
    const { says } = startNode(['-e', 'console.log("no"); process.exitCode = 3'], env);
    await expect(says('yes')).rejects.toThrow('ended with 3 before it said "yes": no');
  });
});

describe('a program whose starter is gone ends:', () => {
  it('one of Node', async () => {
    const { child, says } = startNode(LASTING, env);
    await says('here');
    child.disconnect();
    expect(await once(child, 'exit')).toEqual([1, null]);
  });

  it.skipIf(!hasTerminals)('one in a terminal (needs python3)', async () => {
    const { child, says, ended } = startInTerminal(LASTING, env);
    await says('here');
    child.stdin?.end();
    expect((await ended).code).not.toBe(0);
  });

  it('any other', async () => {
    const { child, says, ended } = startProgram([process.execPath, ...LASTING], env);
    await says('here');
    child.stdin?.end();
    expect((await ended).code).not.toBe(0);
  });
});

it.skipIf(!hasTerminals)('a terminal that is left in disorder is told of', async () => {
  const disorder = ['-e', 'process.stdin.setRawMode(true); process.kill(process.pid, "SIGKILL")'];
  expect(await startInTerminal(disorder, env).ended).toMatchObject({
    stderr: 'The terminal is not left as it was found.\n',
  });
});
