import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { freePort } from '../../../simulators/listen.ts';
import { LOCAL_AWS, startSecret } from '../../support/aws.ts';
import { runScript } from './script.ts';

const tokens = (args: readonly string[], env: Readonly<Record<string, string>>) =>
  runScript(['tokens', ...args], env);

const aSecret = async (secretId: string) =>
  (await startSecret(secretId, 'linode-token-0123456789')).url;

it("npm run tokens adds a token to the stage's secret, at the endpoint in its variable", async () => {
  const env = { ...LOCAL_AWS, AWS_ENDPOINT_URL: await aSecret('onebuck/prod') };
  const added = await tokens(['add', 'ann', '--stage', 'prod'], env);
  expect(added).toMatchObject({ code: 0, stdout: expect.stringMatching(/^onebuck_\S{43}\n$/) });
  expect((await tokens(['list', '--stage', 'prod'], env)).stdout).toMatch(/^ann {2}[0-9a-f]{8}\n$/);
});

it('npm run tokens finds the services of npm start by its file functions.env', async () => {
  const DATA_DIR = mkdtempSync(join(tmpdir(), 'onebuck-ops-'));
  onTestFinished(() => rmSync(DATA_DIR, { recursive: true }));
  const missing = await tokens(['list', '--stage', 'local'], { DATA_DIR });
  expect(missing).toMatchObject({ code: 1, stdout: '' });
  expect(missing.stderr).toContain('while npm start runs');

  const at = (url: string) =>
    Object.entries({ ...LOCAL_AWS, AWS_ENDPOINT_URL_SECRETS_MANAGER: url })
      .map(([name, value]) => `${name}=${value}\n`)
      .join('');
  writeFileSync(join(DATA_DIR, 'functions.env'), at(await aSecret('onebuck/local')));
  const added = await tokens(['add', 'ann', '--stage', 'local'], { DATA_DIR });
  expect(added).toMatchObject({ code: 0 });

  writeFileSync(join(DATA_DIR, 'functions.env'), at(`http://127.0.0.1:${await freePort()}`));
  const stopped = await tokens(['list', '--stage', 'local'], { DATA_DIR });
  expect(stopped).toEqual({
    code: 1,
    stdout: '',
    stderr: 'Onebuck does not run on this machine: npm start runs it.\n',
  });
});

it('npm run tokens prints a line or two of advice for a fault, and exits with 1', async () => {
  const env = { ...LOCAL_AWS, AWS_ENDPOINT_URL: await aSecret('onebuck/prod') };
  const { AWS_REGION: _, ...noRegion } = env;
  const wrong = await Promise.all([
    tokens([], env),
    tokens(['list'], env),
    tokens(['revoke', 'ann', '--stage', 'prod'], env),
    tokens(['list'], noRegion),
  ]);
  expect(wrong.map(({ code }) => code)).toEqual([1, 1, 1, 1]);
  expect(wrong.map(({ stderr }) => stderr)).toEqual([
    expect.stringMatching(/^Name a command\.\nUsage: npm run tokens/),
    expect.stringMatching(/^There is no secret onebuck\/dev .*\n.*npm run setup/),
    '"ann" has no tokens. "list" shows all owners with tokens.\n',
    'Set AWS_REGION, or give --region.\n',
  ]);
});
