import { execFile, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listen } from '../../../simulators/listen.ts';
import { type Env, hasTerminals, startProgramInTerminal } from '../../support/children.ts';
import { aCluster } from '../client/builders.ts';
import { buildBinary, envIn } from './binary.ts';

/* Each script is read by its own shell, which asks the built program; the API is a stand-in. */

const hasShell = (shell: string) => spawnSync(shell, ['-c', 'exit 0']).status === 0;
const CTRL_X = '\x18';

const answers: Readonly<Record<string, unknown>> = {
  '/clusters': {
    clusters: [
      aCluster({ id: 'caaaaaaaaaa', name: 'job' }),
      aCluster({ id: 'cbbbbbbbbbb', name: 'rm -rf $(pwd)' }),
    ],
  },
  '/regions': { regions: [{ id: 'us-east' }, { id: 'us-west' }, { id: 'de-fra-2' }] },
};

let folder: string;
let server: Server;
let env: Env;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'onebuck-completion-'));
  mkdirSync(join(folder, 'bin'));
  symlinkSync(join(buildBinary(), 'onebuck.mjs'), join(folder, 'bin/onebuck'));
  mkdirSync(join(folder, 'work'));
  writeFileSync(join(folder, 'work/spec.json'), '{}');
  writeFileSync(join(folder, 'work/launch-notes'), '');
  server = createServer(({ url = '' }, answer) => {
    const found = answers[url.split('?')[0] ?? ''];
    answer.writeHead(found === undefined ? 404 : 200).end(JSON.stringify(found ?? {}));
  });
  const atServer = { ONEBUCK_URL: await listen(server, 0), ONEBUCK_TOKEN: 'token' };
  const { PATH = '' } = process.env;
  env = { ...envIn(folder, atServer), PATH: `${join(folder, 'bin')}:${PATH}` };
});
afterAll(() => {
  server.close();
  rmSync(folder, { recursive: true, force: true });
});

/** What is on the line, and what the shell may put in place of its last word. */
const CASES: readonly (readonly [line: string, candidates: readonly string[]])[] = [
  ['onebuck la', ['launch']],
  ['onebuck --json schedule pa', ['pause']],
  ['onebuck launch --on', ['--on-partial']],
  ['onebuck launch --on-partial ', ['destroy', 'keep']],
  ['onebuck launch --network i', ['isolated']],
  ['onebuck launch --setup s', ['slurm']],
  ['onebuck quote --region us-', ['us-east', 'us-west']],
  ['onebuck schedule add --timezone Europe/Berl', ['Europe/Berlin']],
  ['onebuck completion ', ['bash', 'fish', 'zsh']],
  ['onebuck show ', ['caaaaaaaaaa', 'cbbbbbbbbbb', 'job']],
  ['onebuck rm jo', ['job']],
  ['onebuck launch --file sp', ['spec.json']],
];

/** The lines that a script prints, sorted. The server of this process answers meanwhile. */
async function printed([shell = '', ...args]: readonly string[], script: string) {
  const cwd = join(folder, 'work');
  const { stdout, stderr } = await promisify(execFile)(shell, [...args, '-c', script], {
    cwd,
    env,
  });
  expect(stderr).toBe('');
  return stdout.split('\n').filter(Boolean).toSorted();
}

describe.skipIf(!hasShell('bash'))('in bash (needs bash)', () => {
  /** As readline does: the function of `complete`, and file names where it has found nothing. */
  const completed = (words: readonly string[]) =>
    printed(
      ['bash', '--norc', '--noprofile'],
      `source <(onebuck completion bash)
      [[ "$(complete -p onebuck)" == 'complete -o default -F _onebuck onebuck' ]] || exit 1
      COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}
      _onebuck
      if [[ \${#COMPREPLY[@]} -eq 0 ]]; then compgen -o default -- '${words.at(-1)}'
      else printf '%s\\n' "\${COMPREPLY[@]}"; fi`,
    );

  it.each(CASES)('%s<Tab> offers %j', async (line, candidates) => {
    expect(await completed(line.split(' '))).toEqual(candidates);
  });

  it('completes a value after =, of which bash makes a word of its own', async () => {
    expect(await completed(['onebuck', 'inventory', '--format', '=', 's'])).toEqual(['ssh']);
    const values = await completed(['onebuck', 'launch', '--on-partial', '=']);
    expect(values).toEqual(['destroy', 'keep']);
  });
});

describe.skipIf(!hasShell('fish'))('in fish (needs fish)', () => {
  const completed = (line: string) =>
    printed(['fish', '--no-config'], `onebuck completion fish | source; complete -C '${line}'`);

  it.each(CASES)('%s<Tab> offers %j', async (line, candidates) => {
    expect((await completed(line)).map((one) => one.split('\t')[0])).toEqual(candidates);
  });

  it('completes a value after =', async () => {
    expect(await completed('onebuck inventory --format=s')).toEqual(['--format=ssh']);
  });
});

describe.skipIf(!hasShell('zsh') || !hasTerminals)('in zsh (needs zsh and python3)', () => {
  /** Types the line and Tab in an interactive zsh; returns the line then, and all that was shown. */
  async function typed(line: string) {
    const zsh = startProgramInTerminal(['zsh', '-f', '-i'], { ...env, TERM: 'dumb', PS1: '' });
    const setUp = [
      `cd ${folder}/work`,
      'autoload -Uz compinit && compinit -u -D',
      'source <(onebuck completion zsh)',
      // Ctrl-X shows the line that is being typed, and takes it away.
      'show-line() { print -r -- "LINE<$BUFFER>"; zle kill-buffer }',
      'zle -N show-line && bindkey "^X" show-line',
      'setopt no_beep; print READY$((40 + 2))',
    ];
    zsh.child.stdin?.write(`${setUp.join('; ')}\r`);
    await zsh.says('READY42');
    zsh.child.stdin?.write(`${line}\t${CTRL_X}`);
    await zsh.says('LINE<onebuck');
    zsh.child.stdin?.write('exit\r');
    const { stdout } = await zsh.ended;
    const [, completedLine] = /LINE<(onebuck.*)>/.exec(stdout) ?? [];
    return { completedLine, shown: stdout.slice(stdout.indexOf('READY42')) };
  }

  it.each(CASES)('%s<Tab> offers %j', async (line, candidates) => {
    const { completedLine, shown } = await typed(line);
    if (candidates.length > 1) {
      for (const candidate of candidates) expect(shown).toContain(candidate);
    } else {
      expect(completedLine).toBe(`${line.replace(/\S+$/, '')}${candidates[0]} `);
    }
  });

  it('completes a value after =', async () => {
    const { completedLine } = await typed('onebuck inventory --format=s');
    expect(completedLine).toBe('onebuck inventory --format=ssh ');
  });

  it('finds the script as a file in its fpath', async () => {
    const inFpath =
      'mkdir ../functions && onebuck completion zsh >../functions/_onebuck; ' +
      'fpath=(../functions $fpath); autoload -Uz compinit; compinit -u -D; print $_comps[onebuck]';
    expect(await printed(['zsh', '-f'], inFpath)).toEqual(['_onebuck']);
  });
});
