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
/** A program that starts another in a session of its own, which writes to the same output. */
const LASTING_PAIR = [
  '-e',
  `const options = { detached: true, stdio: ['ignore', 'inherit', 'inherit'] };
  require('node:child_process').spawn(process.execPath, ${JSON.stringify(LASTING)}, options);`,
];

describe('a program that a test starts', () => {
  let pair: Running;

  it('may start another program', async () => {
    pair = startNode(LASTING_PAIR, env);
    await pair.says('here');
    expect(pair.child.exitCode).toBeNull();
  });

  it('is killed after its test, together with the program that it started', async () => {
    await pair.ended; // resolves when no process is left that can write to the output
    expect(pair.child.signalCode).toBe('SIGKILL');
  });

  it('is quoted in the error where it ends without the text that the test waits for', async () => {
    const { says } = startNode(['-e', 'console.log("no"); process.exitCode = 3'], env);
    await expect(says('yes')).rejects.toThrow('ended with 3 before it said "yes": no');
  });
});

describe('when the process that started it is gone, it ends:', () => {
  it('a program of Node', async () => {
    const { child, says } = startNode(LASTING, env);
    await says('here');
    child.disconnect();
    expect(await once(child, 'exit')).toEqual([1, null]);
  });

  it.skipIf(!hasTerminals)('a program in a terminal (needs python3)', async () => {
    const { child, says, ended } = startInTerminal(LASTING, env);
    await says('here');
    child.stdin?.end();
    expect((await ended).code).not.toBe(0);
  });

  it('any other program', async () => {
    const { child, says, ended } = startProgram([process.execPath, ...LASTING], env);
    await says('here');
    child.stdin?.end();
    expect((await ended).code).not.toBe(0);
  });
});

it.skipIf(!hasTerminals)(
  'a program that leaves its terminal with changed settings is reported on standard error',
  async () => {
    const leavesTerminalRaw = [
      '-e',
      'process.stdin.setRawMode(true); process.kill(process.pid, "SIGKILL")',
    ];
    expect(await startInTerminal(leavesTerminalRaw, env).ended).toMatchObject({
      stderr: 'The terminal is not left as it was found.\n',
    });
  },
);
