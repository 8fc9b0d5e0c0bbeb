import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { packagedTemplate, templatePath } from './package.ts';
import { allowedBy, policyText, wildcards } from './policies.ts';
import { pythonPrograms } from './python.ts';

/**
 * `npm run lint:stack` checks the template that `npm run package` has written: its policies must
 * have no wildcards without a reason, and cfn-lint, if this machine has Python, must find nothing.
 */
const allowed = allowedBy(packagedTemplate());
const tooWide = wildcards(allowed);
for (const statement of allowed) console.log(policyText(statement));
for (const text of tooWide) {
  console.log(`TOO WIDE: ${text}: remove the wildcard, or give a reason in checks/policies.ts`);
}
console.log(`policies: ${allowed.length} statements, ${tooWide.length} findings`);

const isClean = lint();
process.exit(tooWide.length === 0 && isClean ? 0 : 1);

function lint(): boolean {
  const bin = pythonPrograms();
  if (bin === null) {
    console.log('SKIPPED: cfn-lint needs python3 with venv, which this machine lacks.');
    return true;
  }
  // W3005: the framework declares some dependencies twice, which does no harm.
  const args = ['--ignore-checks', 'W3005', '--', templatePath];
  const { status } = spawnSync(join(bin, 'cfn-lint'), args, { stdio: 'inherit' });
  if (status === 0) console.log('cfn-lint: 0 findings');
  return status === 0;
}
