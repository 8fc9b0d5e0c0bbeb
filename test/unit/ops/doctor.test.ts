import { expect, it } from 'vitest';
import { LOCAL_AWS } from '../../support/aws.ts';
import { runScript } from './script.ts';

it('npm run doctor prints a line for each check, and exits with 1 if anything is wrong', async () => {
  const nowhere = {
    AWS_ENDPOINT_URL: 'http://127.0.0.1:9',
    LINODE_API_URL: 'http://127.0.0.1:9/v4',
  };
  const env = { ...LOCAL_AWS, ...nowhere, LINODE_TOKEN: 'linode-token' };
  const { code, stdout, stderr } = await runScript(['doctor', '--stage', 'prod'], env);
  expect([code, stderr]).toEqual([1, '']);
  const lines = stdout.split('\n');
  expect(lines[0]).toMatch(/^ok +Node: /);
  expect(lines).toContain('ok       AWS region: us-east-1, for secret and stack');
  const unknown = lines.filter((line) => /^unknown .*ECONNREFUSED/.test(line));
  expect(unknown.map((line) => line.split(/ +|: /).slice(1, 3).join(' '))).toEqual([
    ...['AWS credentials', 'Functions at', 'Deployment this', 'Secret this', 'Linode token'],
  ]);
  expect(stdout).not.toContain('linode-token');

  const wrong = await runScript(['doctor'], env);
  expect([wrong.code, wrong.stdout]).toEqual([1, '']);
  expect(wrong.stderr).toContain("required option '--stage <stage>' not specified");
});
