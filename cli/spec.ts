import { readFileSync } from 'node:fs';
import { holdsPrivateKey, type Spec, specFrom } from '../client/spec.ts';
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
  readonly sshKey?: readonly string[];
  readonly userData?: string;
  readonly onPartial?: string;
  readonly tag?: readonly string[];
}

/**
 * The spec as the API takes it: the spec of the file, or else `before`, with the options over it.
 * What is no number is sent as it is, so that the API tells all faults at once.
 */
export function specOf(options: SpecOptions, before: Spec = {}): Spec {
  const base = options.file === undefined ? { ...before } : readSpec(options.file);
  const { type, vcpus, memory, sshKey, tag } = options;
  if (type !== undefined) {
    delete base.vcpus;
    delete base.memoryMb;
  } else if (vcpus !== undefined || memory !== undefined) {
    delete base.type;
  }
  const given = specFrom({
    ...options,
    memoryMb: memoryMb(memory),
    keys: sshKey?.map(readKeys).join('\n'),
    userData: options.userData === undefined ? undefined : read(options.userData, '--user-data'),
    tags: tag,
  });
  return { ...base, ...given };
}

const MB_OF: Readonly<Record<string, number>> = { '': 1, m: 1, mb: 1, g: 1024, gb: 1024 };

/** The MB of `4096`, `4096MB` or `4GB`; what is none of these stays as it is. */
export function memoryMb(text: string | undefined): string | undefined {
  const [, digits = '', unit = ''] = /^(\d{1,9})\s*([a-z]*)$/i.exec(text ?? '') ?? [];
  const factor = MB_OF[unit.toLowerCase()];
  return digits === '' || factor === undefined ? text : `${Number(digits) * factor}`;
}

export function read(file: string, option: string): string {
  try {
    return readFileSync(file === '-' ? 0 : file, 'utf8');
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

function readKeys(file: string): string {
  const text = read(file, '--ssh-key');
  if (!holdsPrivateKey(text)) return text;
  throw new CliError('usage', `${file} is a private key, to be shown to nobody: give its .pub.`);
}
