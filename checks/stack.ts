import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectDir } from '../build/project.ts';
import { allowedBy, type Template, tell, wildcards } from './policies.ts';
import { pythonPrograms } from './python.ts';

/**
 * `npm run lint:stack`: the template that `npm run package` has written. Its policies must allow no
 * more than they name; cfn-lint, where Python is at hand, must find nothing.
 */
const template = join(projectDir, '.serverless', 'cloudformation-template-update-stack.json');
const allowed = allowedBy(JSON.parse(readFileSync(template, 'utf8')) as Template);
const faults = wildcards(allowed);
for (const one of allowed) console.log(tell(one));
for (const fault of faults) console.log(`FAULT: ${fault}: name it, or argue for it`);
console.log(`policies: ${allowed.length} statements, ${faults.length} findings`);

const isClean = lint();
process.exit(faults.length === 0 && isClean ? 0 : 1);

function lint(): boolean {
  const bin = pythonPrograms();
  if (bin === null) {
    console.log('SKIPPED: cfn-lint needs python3 with venv, which is not here.');
    return true;
  }
  // W3005: the framework says twice what depends on what, which does no harm.
  const args = ['--ignore-checks', 'W3005', '--', template];
  const { status } = spawnSync(join(bin, 'cfn-lint'), args, { stdio: 'inherit' });
  if (status === 0) console.log('cfn-lint: 0 findings');
  return status === 0;
}
