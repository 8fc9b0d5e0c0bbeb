import { execFileSync } from 'node:child_process';
import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { followLog } from '../cli/jobs/follow.ts';
import { closingLine, exitCodeOf } from '../cli/jobs/run.ts';
import { getFile, putFile } from '../cli/jobs/transfer.ts';
import type { Cluster } from '../client/answers.ts';
import type { Api } from '../client/api.ts';
import { bytesWords } from '../client/bytes.ts';
import { getCluster } from '../client/clusters.ts';
import { createUpload, getJob, getJobResults } from '../client/jobs.ts';
import { input, patiently, setOutput } from './runner.ts';

/* The job of a cluster, by the inputs of the action. */

/** The lines of an input. */
const linesOf = (name: string): string[] =>
  (input(name) ?? '').split('\n').flatMap((line) => line.trim() || []);

/** The job of the inputs, whose files are uploaded; undefined: the input command is not given. */
export async function jobOfInputs(api: Api, dir: string) {
  const command = input('command');
  if (command === undefined) return undefined;
  if (input('exec') !== undefined) throw new Error('Give either the input command or exec.');
  const tasks = input('array');
  const on = input('on') ?? (tasks === undefined ? undefined : 'all');
  const paths = linesOf('upload');
  return {
    command,
    results: linesOf('results'),
    ...(on === undefined ? {} : { on }),
    ...(tasks === undefined ? {} : { tasks }),
    ...(paths.length === 0 ? {} : { inputs: [await upload(api, paths, dir)] }),
  };
}

/**
 * By the runner's own tar, since an action has no packages. What the ignore files name is sent, too:
 * mostly, earlier steps have built it.
 */
async function upload(api: Api, paths: readonly string[], dir: string): Promise<string> {
  const file = join(dir, 'upload.tar.gz');
  execFileSync('tar', ['-czf', file, '--exclude=.git', '--', ...paths]);
  const bytes = statSync(file).size;
  console.log(`Uploading ${paths.join(', ')}: ${bytesWords(bytes)}.`);
  return patiently(async () => {
    const { id, url } = await createUpload(api, bytes);
    await putFile(url, file, () => {});
    return id;
  });
}

/**
 * Shows the log until the job is over, and fetches the archives of its results. Throws how it ended
 * if it has not ended well.
 */
export async function followJob(api: Api, { id }: Pick<Cluster, 'id'>, dir: string): Promise<void> {
  const print = (lines: string | readonly string[]) => console.log([lines].flat().join('\n'));
  const terminal = { out: print, note: print, hasColour: true, settle: () => {} };
  // What a node prints is no command for the runner.
  const token = crypto.randomUUID();
  console.log(`::stop-commands::${token}`);
  await followLog({ terminal, json: false }, api, { id, ranks: null });
  console.log(`::${token}::`);
  const job = await patiently(() => getJob(api, id));
  const folder = await fetchArchives(api, id, dir);
  const cluster = await patiently(() => getCluster(api, id));
  setOutput('exit-code', `${exitCodeOf(job)}`);
  const line = closingLine(job, cluster, folder);
  if (job.state !== 'done') throw new Error(line);
  console.log(line);
}

/** The folder with an archive for each node; null: there are none. */
async function fetchArchives(api: Api, id: string, dir: string): Promise<string | null> {
  const results = await patiently(() => getJobResults(api, id));
  if (results.length === 0) return null;
  const folder = join(dir, 'results');
  mkdirSync(folder, { recursive: true });
  setOutput('results', folder);
  for (const { index } of results) {
    await patiently(async () => {
      const offered = (await getJobResults(api, id)).find((result) => result.index === index);
      if (offered !== undefined) await getFile(offered, join(folder, `n${index}.tar.gz`), () => {});
    });
  }
  return folder;
}
