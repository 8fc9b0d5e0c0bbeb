import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, resolve, sep } from 'node:path';
import type { Cluster, JobResult } from '../../client/answers.ts';
import type { Api } from '../../client/api.ts';
import { getJobResults } from '../../client/jobs.ts';
import { plural } from '../../client/plural.ts';
import type { Context } from '../context.ts';
import { CliError, withAdvice } from '../errors.ts';
import { patiently } from '../patience.ts';
import { createMeter } from './meter.ts';
import { getFile } from './transfer.ts';

/** Results that are here now. */
export interface Fetched {
  readonly results: readonly JobResult[];
  /** Where they are, as people write it from here, such as `out/`; null: there are none. */
  readonly place: string | null;
}

/** How many of the members that were left out are named. */
const LEFT_OUT_MAX = 10;

/**
 * Downloads the results of a job, and unpacks them into the folder `into`, those of a job on all nodes
 * into a folder for each node, such as n3. Throws a CliError with how to get them later.
 */
export async function fetchResults(
  context: Context,
  api: Api,
  { id, spec }: Pick<Cluster, 'id' | 'spec'>,
  into: string,
): Promise<Fetched> {
  const patterns = spec.job?.results ?? [];
  const results = await patiently(context, () => getJobResults(api, id));
  if (results.length === 0) return { results, place: null };
  const folder = createTemporaryFolder();
  try {
    const files = await download(context, api, { id, results, folder: folder.path });
    const places = new Set<string>();
    for (const [index, result] of results.entries()) {
      const at = spec.job?.on === 'all' ? join(into, `n${result.index}`) : into;
      const names = await unpackOne(context, { result, file: files[index] ?? '', at, patterns });
      places.add(placeOf(at, names));
    }
    const [place = into] = places;
    return { results, place: shortened(places.size === 1 ? place : `${into}${sep}`) };
  } catch (error) {
    throw withAdvice(error, `"onebuck results ${id} --into <folder>" fetches the results again.`);
  } finally {
    folder.remove();
  }
}

interface Download {
  readonly id: string;
  readonly results: readonly JobResult[];
  readonly folder: string;
}

/** The paths of the archives, in the order of the results. */
async function download(
  context: Context,
  api: Api,
  { id, results, folder }: Download,
): Promise<string[]> {
  const { terminal, json } = context;
  const total = results.reduce((sum, { bytes }) => sum + bytes, 0);
  const isDrawn = terminal.canRedraw && !json;
  const meter = createMeter(terminal, { doing: 'Downloading', total, isDrawn });
  const files: string[] = [];
  let before = 0;
  for (const result of results) {
    const file = join(folder, `${result.index}.tar.gz`);
    let offered: JobResult | null = result;
    await patiently(context, async () => {
      // After an outage, the URL may have expired.
      const now = offered ?? (await offeredAgain(api, id, result));
      offered = null;
      await getFile(now, file, (bytes) => meter.at(before + bytes));
    });
    before += result.bytes;
    files.push(file);
  }
  meter.done();
  return files;
}

async function offeredAgain(api: Api, id: string, { index }: JobResult): Promise<JobResult> {
  const found = (await getJobResults(api, id)).find((one) => one.index === index);
  if (found !== undefined) return found;
  throw new CliError('notFound', `The results of node ${index} of ${id} have expired.`);
}

interface Archive {
  readonly result: JobResult;
  readonly file: string;
  readonly at: string;
  readonly patterns: readonly string[];
}

async function unpackOne(
  { terminal }: Context,
  { result, file, at, patterns }: Archive,
): Promise<readonly string[]> {
  const { unpack } = await import('./unpack.ts');
  const { unpackedBytes, files } = result;
  const { names, leftOut } = await unpack(file, {
    ...{ into: at, patterns, unpackedBytes, files, tell: () => {} },
  });
  rmSync(file);
  if (leftOut.length > 0) {
    const more = leftOut.length > LEFT_OUT_MAX ? [`and ${leftOut.length - LEFT_OUT_MAX} more`] : [];
    const what = plural(leftOut.length, 'member');
    terminal.note(`Left out of the results of node ${result.index}, ${what}:`);
    for (const line of [...leftOut.slice(0, LEFT_OUT_MAX), ...more]) terminal.note(`  ${line}`);
  }
  return names;
}

/** The one folder or file that all names are, or lie in; else the folder that they are in. */
function placeOf(at: string, names: readonly string[]): string {
  const tops = new Set(names.map((name) => name.split('/')[0] ?? ''));
  const [top = ''] = tops;
  if (tops.size !== 1) return `${at}${sep}`;
  return names.includes(top) ? join(at, top) : join(at, top, sep);
}

/** The path from here, if that is shorter. */
function shortened(path: string): string {
  const end = path.endsWith(sep) ? sep : '';
  const fromHere = relative(process.cwd(), path) || '.';
  const short = `${fromHere}${end}`;
  return short.length < path.length ? short : path;
}

/** A folder that goes when the process ends, whatever ends it. */
export function createTemporaryFolder(): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'onebuck-'));
  const remove = () => rmSync(path, { recursive: true, force: true });
  process.once('exit', remove);
  return {
    path,
    remove() {
      process.off('exit', remove);
      remove();
    },
  };
}

/** The folder of --into, which is made if it is not there. */
export function folderOf(into: string | undefined): string {
  const folder = resolve(into ?? '.');
  try {
    mkdirSync(folder, { recursive: true });
  } catch (error) {
    throw new CliError('usage', `--into ${into} cannot be made: ${(error as Error).message}.`);
  }
  return folder;
}
