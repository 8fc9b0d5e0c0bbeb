import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { projectDir } from '../../../build/project.ts';
import { ended, startNode } from '../../support/children.ts';

const PROFILES = '[default]\nregion = eu-central-1\n[profile two]\nregion = ap-south-1\n';

/** What ops/region.cjs answers to the framework, in an environment with two AWS profiles. */
async function regionOf(env: Readonly<Record<string, string>>, options: object = {}) {
  const home = mkdtempSync(join(tmpdir(), 'onebuck-region-'));
  onTestFinished(() => rmSync(home, { recursive: true }));
  mkdirSync(join(home, '.aws'));
  writeFileSync(join(home, '.aws', 'config'), PROFILES);
  const file = JSON.stringify(join(projectDir, 'ops', 'region.cjs'));
  const program = `require(${file})({ options: ${JSON.stringify(options)} }).then(console.log)`;
  const { stdout } = await ended(startNode(['-e', program], { HOME: home, ...env }));
  return stdout.trim();
}

it.each([
  ['the default AWS profile', {}, {}, 'eu-central-1'],
  ['the profile in AWS_PROFILE', { AWS_PROFILE: 'two' }, {}, 'ap-south-1'],
  ['the profile in --aws-profile', {}, { 'aws-profile': 'two' }, 'ap-south-1'],
  ['AWS_REGION, before the profile', { AWS_REGION: 'us-west-2' }, {}, 'us-west-2'],
])('the region of the stack is that of %s', async (_, env, options, region) => {
  expect(await regionOf(env, options)).toBe(region);
});

it('commands that only read serverless.yml get us-east-1 where nothing names a region', async () => {
  expect(await regionOf({ AWS_CONFIG_FILE: '/dev/null' })).toBe('us-east-1');
});
