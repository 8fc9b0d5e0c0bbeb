import { describe, expect, it } from 'vitest';
import { LOCAL_AWS, startSecret } from '../../support/aws.ts';
import { hasTerminals, startInTerminal } from '../../support/children.ts';
import { runScript, scriptEnv } from './script.ts';
import { FULL, SECRET_ID, startLinode } from './setup-world.ts';

const SETUP = ['setup', '--stage', 'prod'];

async function startWorld() {
  const { url, changes } = await startSecret(SECRET_ID, null);
  const { simulator } = await startLinode();
  const env = { ...LOCAL_AWS, AWS_ENDPOINT_URL: url, LINODE_API_URL: simulator.url };
  return { env, tokens: () => changes.map((value) => JSON.parse(value).linodeToken as unknown) };
}

it('npm run setup creates the secret with the token that it reads, and an API token', async () => {
  const { env, tokens } = await startWorld();
  const { code, stdout, stderr } = await runScript(SETUP, env, `${FULL}\n`);
  expect([code, stdout]).toEqual([0, expect.stringMatching(/^onebuck_\S{43}\n$/)]);
  expect(tokens()).toEqual([FULL]);
  expect(stderr).not.toContain(FULL);
  expect(stderr).toContain('LINODE_API_URL is set');
});

it('npm run setup prints one line of advice for a fault, and exits with 1', async () => {
  const { env, tokens } = await startWorld();
  const changes = [{ AWS_REGION: '' }, { LINODE_API_URL: 'http://127.0.0.1' }];
  const ended = await Promise.all(
    changes.map((change) => runScript(SETUP, { ...env, LINODE_TOKEN: FULL, ...change })),
  );
  expect(ended.map(({ code, stdout }) => [code, stdout])).toEqual([
    [1, ''],
    [1, ''],
  ]);
  expect(ended.map(({ stderr }) => stderr.trim().split('\n').at(-1))).toEqual([
    'Set AWS_REGION, or give --region.',
    'LINODE_API_URL must be a URL that ends in /v4.',
  ]);
  expect(tokens()).toEqual([]);
});

describe.skipIf(!hasTerminals)('on a terminal, the Linode token', () => {
  /** Types the keys at the question; returns the terminal's text and the tokens that were saved. */
  async function type(keys: string) {
    const { env, tokens } = await startWorld();
    const [name, ...args] = SETUP;
    const script = ['--import', 'tsx', `ops/${name}.ts`, ...args];
    const { child, says, ended } = startInTerminal(script, scriptEnv(env));
    await says('(not shown): ');
    child.stdin?.write(keys);
    const { code, stdout, stderr } = await ended;
    expect(stderr).toBe(''); // on_terminal.py would report changed settings of the terminal here
    return { code, seen: stdout, tokens: tokens() };
  }

  it('is typed without an echo', async () => {
    const { seen, ...rest } = await type(`${FULL}\r`);
    expect(rest).toEqual({ code: 0, tokens: [FULL] });
    expect(seen).toContain('Your Linode token (not shown): ');
    expect(seen).toMatch(/\nonebuck_\S{43}\r?\n/);
    expect(seen).not.toContain(FULL.slice(0, 8));
  });

  it('can be corrected while it is typed, and pasted', async () => {
    const keys = `wrong\x15x\x7f\x1b[200~${FULL}\x1b[201~yz\x7f\x7f\r`;
    expect(await type(keys)).toMatchObject({ code: 0, tokens: [FULL] });
  });

  it.each([
    ['Ctrl-C', 'abc\x03'],
    ['Ctrl-D', '\x04'],
  ])('is not needed: %s ends setup, and the terminal keeps its settings', async (_, keys) => {
    const { seen, ...rest } = await type(keys);
    expect(rest).toEqual({ code: 130, tokens: [] });
    expect(seen).not.toContain('abc');
  });
});
