import type { Job } from '../../client/answers.ts';
import type { Api } from '../../client/api.ts';
import { bytesOf, getJobLog } from '../../client/jobs.ts';
import { createLogLines, type LogLines, shownLine } from '../../client/log-lines.ts';
import type { Context } from '../context.ts';
import { patiently } from '../patience.ts';
import type { Terminal } from '../terminal.ts';

/** Prints the logs of some nodes, each from where it ended the time before. */
export interface LogPrinter {
  /** Prints what is new. Returns whether there was anything. */
  print(job: Job): Promise<boolean>;
  /** Prints what is left of the logs of a job that is over, whose nodes may have been lost. */
  finish(job: Job): Promise<void>;
}

interface Reading {
  readonly rank: number;
  readonly lines: LogLines;
  from: number;
  isWhole: boolean;
}

/**
 * `ranks`: of which nodes. Lines of several nodes are marked with the node. With --json each line is an
 * object.
 */
export function createLogPrinter(
  context: LogContext,
  api: Api,
  { id, ranks, mostMs }: LogOptions,
): LogPrinter {
  const { terminal, json } = context;
  const readings = ranks.map(
    (rank): Reading => ({ rank, lines: createLogLines(), from: 0, isWhole: false }),
  );
  const width = Math.max(...ranks.map((rank) => `${rank}`.length));
  const tell = (rank: number, line: string) => {
    if (json)
      return terminal.out(JSON.stringify({ rank, line: shownLine(line, { colours: false }) }));
    const mark = ranks.length > 1 ? `[${`${rank}`.padStart(width)}] ` : '';
    terminal.out(`${mark}${shownLine(line, { colours: terminal.hasColour })}`);
  };

  async function read(reading: Reading): Promise<boolean> {
    const { rank, lines } = reading;
    let isNew = false;
    for (;;) {
      const part = await patiently(context, () => getJobLog(api, id, rank, reading.from), mostMs);
      for (const line of lines.push(bytesOf(part))) tell(rank, line);
      isNew ||= part.next > reading.from;
      const isMore = part.next > reading.from && part.next < part.bytes;
      reading.from = part.next;
      reading.isWhole = part.isWhole;
      if (!isMore) return isNew;
    }
  }

  async function print(job: Job): Promise<boolean> {
    let isNew = false;
    for (const reading of readings) {
      const node = job.nodes.find(({ index }) => index === reading.rank);
      const hasMore = !reading.isWhole && (node?.logBytes ?? 0) > reading.from;
      if (hasMore && (await read(reading))) isNew = true;
    }
    return isNew;
  }

  return {
    print,
    async finish(job) {
      await print(job);
      for (const { rank, lines } of readings) for (const line of lines.end()) tell(rank, line);
    },
  };
}

/** What a log is printed with. */
export interface LogContext extends Pick<Context, 'json'> {
  readonly terminal: Pick<Terminal, 'out' | 'note' | 'settle' | 'hasColour'>;
}

export interface LogOptions {
  readonly id: string;
  readonly ranks: readonly number[];
  /** How long an outage may last, as for `throughOutages`. */
  readonly mostMs?: number | undefined;
}
