import { readFileSync } from 'node:fs';
import { memory, memoryMbIn, sizeIn } from '../client/memory.ts';
import { holdsPrivateKey, type Spec, specFrom } from '../client/spec.ts';
import type { Context } from './context.ts';
import { CliError } from './errors.ts';

export interface SpecOptions {
  readonly file?: string;
  readonly name?: string;
  readonly nodes?: string;
  readonly type?: string;
  readonly vcpus?: string;
  readonly memory?: string;
  readonly region?: string;
  readonly image?: string;
  readonly budget?: string;
  readonly maxHours?: string;
  readonly transfer?: string;
  readonly sshKey?: readonly string[];
  readonly authorizedUser?: readonly string[];
  readonly userData?: string;
  readonly onPartial?: string;
  readonly tag?: readonly string[];
  readonly network?: string;
  readonly setup?: readonly string[];
  readonly open?: readonly string[];
}

/**
 * The spec as the API takes it: the spec of the file, or else `before`, with the options over it.
 * What is no number is sent as it is, so that the API tells all faults at once.
 */
export function specOf(
  context: Pick<Context, 'terminal'>,
  options: SpecOptions,
  before: Spec = {},
): Spec {
  const base = options.file === undefined ? { ...before } : readSpec(options.file);
  const { type, vcpus, sshKey, authorizedUser, userData, tag, setup, open, ...others } = options;
  if (type !== undefined) {
    delete base.vcpus;
    delete base.memoryMb;
  } else if (vcpus !== undefined || options.memory !== undefined) {
    delete base.type;
  }
  if (userData !== undefined) delete base.userData;
  const given = specFrom({
    ...others,
    type,
    vcpus,
    memoryMb: memoryMb(context, options.memory),
    keys: sshKey?.map(readKeys).join('\n'),
    users: authorizedUser?.join(','),
    // As bytes, so that the nodes get the file as it is, whatever is in it.
    userDataBase64: userData && readUserData(userData),
    tags: tag,
    setup: setup?.join(','),
    open: open?.join(','),
  });
  return { ...base, ...given };
}

/** The MB of `--memory`; says so if it guesses the unit. */
export function memoryMb({ terminal }: Pick<Context, 'terminal'>, text?: string) {
  const size = sizeIn(text ?? '');
  if (size?.isGuess) {
    terminal.note(
      `Note: --memory ${text} is taken for ${memory(size.mb)}; write ${text}MB for MB.`,
    );
  }
  return memoryMbIn(text);
}

const read = (file: string, option: string): string => readBytes(file, option).toString();

function readBytes(file: string, option: string): Buffer {
  try {
    return readFileSync(file === '-' ? 0 : file);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new CliError('usage', `The file of ${option} cannot be read: ${reason}.`);
  }
}

function readSpec(file: string): Record<string, unknown> {
  try {
    const spec: unknown = JSON.parse(read(file, '--file'));
    if (typeof spec === 'object' && spec !== null && !Array.isArray(spec)) return { ...spec };
  } catch (error) {
    if (error instanceof CliError) throw error;
  }
  throw new CliError('usage', `${file} must hold a spec: a JSON object.`);
}

function readUserData(file: string): string {
  const bytes = readBytes(file, '--user-data');
  if (bytes.length > 0) return bytes.toString('base64');
  throw new CliError('usage', `${file} is empty, so cloud-init would run nothing.`);
}

function readKeys(file: string): string {
  const text = read(file, '--ssh-key');
  if (!holdsPrivateKey(text)) return text;
  throw new CliError('usage', `${file} is a private key, to be shown to nobody: give its .pub.`);
}
