import { findCluster } from '../find.ts';
import { exitCodesLine, type Ran, runOnNodes } from '../ssh.ts';
import type { Answer } from './answers.ts';
import type { Session } from './session.ts';

/** How many characters of output all nodes together may give, since an agent reads them all. */
const OUTPUT_MAX = 40_000;

/** Runs a command on all nodes by ssh, with the keys of the person that started `onebuck mcp`. */
export async function exec(
  { api, context, ssh }: Session,
  { cluster: named, command }: { readonly cluster: string; readonly command: string },
  signal: AbortSignal,
): Promise<Answer> {
  const cluster = await findCluster(api, named);
  const ran = await runOnNodes(context, cluster, { command: [command], options: ssh, signal });
  const each = Math.floor(OUTPUT_MAX / ran.length / 2);
  return { sentences: [exitCodesLine(ran), ...ran.flatMap((node) => outputOf(node, each))] };
}

const outputOf = ({ index, stdout, stderr }: Ran, max: number): string[] =>
  Object.entries({ stdout, stderr }).flatMap(([name, output]) =>
    output === '' ? [] : [`Node ${index}, ${name}:`, endOf(output.trimEnd(), max)],
  );

/** The last `max` characters, where a program mostly says why it failed. */
export const endOf = (output: string, max: number): string =>
  output.length <= max ? output : `(${output.length - max} characters more) ${output.slice(-max)}`;
