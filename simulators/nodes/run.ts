import { spawn } from 'node:child_process';

export interface RunOptions {
  /** Written to the program's standard input. */
  readonly input?: string;
  /** The program is killed after this time. Default: 60 s. */
  readonly timeoutMs?: number;
}

/** Runs a program to its end; resolves with what it printed. Rejects, with its errors, if it fails. */
export function run(
  program: string,
  args: readonly string[],
  { input = '', timeoutMs = 60_000 }: RunOptions = {},
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { timeout: timeoutMs, killSignal: 'SIGKILL' });
    const printed: Buffer[] = [];
    const errors: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => printed.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => errors.push(chunk));
    child.on('error', reject);
    // A program that does not read its input to the end ends the pipe.
    child.stdin.on('error', () => {});
    child.stdin.end(input);
    child.on('close', (code, signal) => {
      if (code === 0) return resolve(Buffer.concat(printed).toString());
      const reason = Buffer.concat(errors).toString().trim().slice(-2_000);
      reject(new Error(`${program} ${args.join(' ')} ended with ${signal ?? code}: ${reason}`));
    });
  });
}
