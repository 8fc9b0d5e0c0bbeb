import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { callsForStack, callsWithinBoundary, judgePolicy } from './deployer/judge.ts';
import { readAwsFacts } from './deployer/schemas.ts';
import { packagedTemplate, templatePath } from './package.ts';
import { allowedBy, policyText, wildcards } from './policies.ts';
import { pythonPrograms } from './python.ts';

/**
 * `npm run lint:stack` checks the template that `npm run package` has written: its policies must
 * have no wildcards without a reason. If this machine has Python, cfn-lint must find nothing, and the
 * policies in ops/policies must allow what CloudFormation does to deploy the template, and what the
 * roles of the template allow. (`npm run test:deploy` finds what the policies allow needlessly.)
 */
const template = packagedTemplate();
const allowed = allowedBy(template);
const tooWide = wildcards(allowed);
for (const statement of allowed) console.log(policyText(statement));
for (const text of tooWide) {
  console.log(`TOO WIDE: ${text}: remove the wildcard, or give a reason in checks/policies.ts`);
}
console.log(`policies: ${allowed.length} statements, ${tooWide.length} findings`);

const bin = pythonPrograms();
if (bin === null) {
  console.log('SKIPPED: cfn-lint needs python3 with venv, which this machine lacks.');
}
const isClean = bin === null || (lint(bin) && isDeployable(bin));
process.exit(tooWide.length === 0 && isClean ? 0 : 1);

function isDeployable(programs: string): boolean {
  const place = { id: '123456789012', region: 'us-east-1', stage: 'dev' };
  const forStack = callsForStack(template, place, readAwsFacts(programs));
  const denied = [
    ...judgePolicy('deployer', place, forStack).denied.map((text) => `deployer.json: ${text}`),
    ...judgePolicy('boundary', place, callsWithinBoundary(template, place)).denied.map(
      (text) => `boundary.json: ${text}`,
    ),
  ];
  for (const text of denied) console.log(`DENIED by ops/policies/${text}`);
  console.log(`deploying: ${forStack.length} calls of CloudFormation, ${denied.length} denied`);
  return denied.length === 0;
}

function lint(bin: string): boolean {
  // W3005: the framework declares some dependencies twice, which does no harm.
  const args = ['--ignore-checks', 'W3005', '--', templatePath];
  const { status } = spawnSync(join(bin, 'cfn-lint'), args, { stdio: 'inherit' });
  if (status === 0) console.log('cfn-lint: 0 findings');
  return status === 0;
}
