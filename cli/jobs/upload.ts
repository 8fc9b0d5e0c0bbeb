import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { type Api, mayPass, Refusal } from '../../client/api.ts';
import { bytesWords } from '../../client/bytes.ts';
import { createUpload } from '../../client/jobs.ts';
import { plural } from '../../client/plural.ts';
import type { Spec } from '../../client/spec.ts';
import { runsFolder } from '../config.ts';
import type { Context } from '../context.ts';
import { patiently } from '../patience.ts';
import { createMeter } from './meter.ts';
import type { Collected } from './pack.ts';
import { createTemporaryFolder } from './results.ts';
import { putFile } from './transfer.ts';

/** What is to be uploaded of the current folder; null: nothing is. */
export async function collectUpload(
  { terminal }: Pick<Context, 'terminal'>,
  paths: readonly string[] | undefined,
): Promise<Collected | null> {
  if (paths === undefined) return null;
  const { collect } = await import('./pack.ts');
  const collected = collect(paths, process.cwd());
  for (const line of collected.leftOut) terminal.note(`Left out of the upload: ${line}`);
  return collected;
}

/** `Uploads 41 files of 3.2 MB, before they are packed.` */
export const uploadSentence = ({ files, bytes }: Collected): string =>
  `Uploads ${plural(files, 'file')} of ${bytesWords(bytes)}, before they are packed.`;

/** Packs and uploads. Returns the id of the upload. */
export async function upload(context: Context, api: Api, collected: Collected): Promise<string> {
  const { terminal, json } = context;
  const { pack } = await import('./pack.ts');
  const folder = createTemporaryFolder();
  const isDrawn = terminal.canRedraw && !json;
  const sending = context.onInterrupt(() => 'Nothing was launched.');
  try {
    const file = join(folder.path, 'upload.tar.gz');
    const packing = createMeter(terminal, { doing: 'Packing', total: collected.bytes, isDrawn });
    const bytes = await pack(collected, file, (packed) => packing.at(packed));
    const meter = createMeter(terminal, { doing: 'Uploading', total: bytes, isDrawn });
    const id = await patiently(context, async () => {
      const { id, url } = await createUpload(api, bytes);
      await putFile(url, file, (sent) => meter.at(sent));
      return id;
    });
    meter.done();
    return id;
  } finally {
    sending.over();
    folder.remove();
  }
}

interface Sending {
  /** A spec with a job, or without one. */
  readonly spec: Spec;
  /** The idempotency key. */
  readonly key: string;
  readonly collected: Collected | null;
}

/**
 * Uploads, and sends the spec with the upload by `send`. If that gets no clear answer, the spec is kept:
 * the same command with the same key sends the same upload again, so that it makes nothing twice.
 */
export async function sendWithUpload<Answer>(
  context: Context,
  api: Api,
  { spec, key, collected }: Sending,
  send: (spec: Spec) => Promise<Answer>,
): Promise<Answer> {
  if (collected === null) return send(spec);
  const sent = sentBefore(context.env, key);
  const body = sent.find(spec) ?? withInput(spec, await upload(context, api, collected));
  sent.keep(body);
  try {
    const answer = await send(body);
    sent.forget();
    return answer;
  } catch (error) {
    if (error instanceof Refusal && !mayPass(error)) sent.forget();
    throw error;
  }
}

/** What was sent with an idempotency key and has got no clear answer, in a file. */
function sentBefore(env: Context['env'], key: string) {
  const file = join(runsFolder(env), createHash('sha256').update(key).digest('hex'));
  return {
    /** The spec as it was sent, if it is the same but for its upload; else null. */
    find(spec: Spec): Spec | null {
      try {
        const sent = JSON.parse(readFileSync(file, 'utf8'));
        return isSame(withInput(sent, ''), withInput(spec, '')) ? sent : null;
      } catch {
        return null;
      }
    },
    keep(spec: Spec): void {
      mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
      writeFileSync(file, JSON.stringify(spec), { mode: 0o600 });
    },
    forget: () => rmSync(file, { force: true }),
  };
}

const isSame = (one: Spec, other: Spec): boolean =>
  isDeepStrictEqual(one, JSON.parse(JSON.stringify(other)));

const withInput = ({ job, ...spec }: Spec, id: string): Spec => ({
  ...spec,
  job: { ...(job as object), inputs: [id] },
});
