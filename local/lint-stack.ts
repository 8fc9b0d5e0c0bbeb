import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { pythonPrograms } from './python.ts';
import { projectDir } from './service.ts';

/** `npm run lint:stack`: cfn-lint over the template that `npm run package` has written. */
const bin = pythonPrograms();
if (bin === null) {
  console.log('SKIPPED: cfn-lint needs python3 with venv, which is not here.');
  process.exit(0);
}
const template = join(projectDir, '.serverless', 'cloudformation-template-update-stack.json');
// W3005: the framework says twice what depends on what, which does no harm.
const args = ['--ignore-checks', 'W3005', '--', template];
const { status } = spawnSync(join(bin, 'cfn-lint'), args, { stdio: 'inherit' });
if (status === 0) console.log('cfn-lint: 0 findings');
process.exit(status ?? 1);
