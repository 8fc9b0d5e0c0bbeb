import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** The folders of a node that the scripts of a room name. */
const FOLDERS = /(?<![\w.$@])\/(etc|root|run|usr\/local\/lib|var\/log)(?=\/|\s)/g;

/**
 * A folder that stands for the root of a node, in which scripts of a room run: with commands of the
 * node's system replaced by `commands`, which are scripts for sh.
 */
export function aSandbox(commands: Readonly<Record<string, string>>) {
  const root = mkdtempSync(join(tmpdir(), 'room-sandbox-'));
  const bin = join(root, 'bin');
  const put = (path: string, text: string) => {
    const file = join(root, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    return file;
  };
  for (const [name, script] of Object.entries(commands)) {
    chmodSync(put(`bin/${name}`, `#!/bin/sh\n${script}\n`), 0o755);
  }
  for (const folder of ['etc/systemd/system', 'root', 'run']) {
    mkdirSync(join(root, folder), { recursive: true });
  }
  const env = { PATH: `${bin}:${process.env.PATH}`, SANDBOX: root };
  const inside = (script: string) =>
    script.replaceAll(FOLDERS, `${root}/$1`).replace('export PATH=', `export PATH=${bin}:`);
  return {
    root,
    env,
    /** The script with the folder in place of the root. */
    inside,
    put,
    has: (path: string) => existsSync(join(root, path)),
    read: (path: string) => readFileSync(join(root, path), 'utf8'),
    run: (script: string) => spawnSync('sh', ['-c', inside(script)], { encoding: 'utf8', env }),
    remove: () => rmSync(root, { recursive: true }),
  };
}
