import type { Api } from '../../client/api.ts';
import { mayPass } from '../../client/api.ts';
import { bytesOf, getJobLog } from '../../client/jobs.ts';
import { createLogLines } from '../../client/log-lines.ts';
import { pauseMs, whileBusy } from '../../client/poll.ts';
import { type Held, NOTHING_HELD, withLines } from './log-held.ts';

/** What is known of the log of a node. */
export interface ReadLog {
  readonly held: Held;
  /** The line that has not ended; empty: there is none. */
  readonly open: string;
  /** The first byte that was read; more than 0 of a log that was long already. */
  readonly from: number;
  /** How many bytes of the log have been read, from its beginning on. */
  readonly read: number;
  /** Whether nothing follows. */
  readonly isWhole: boolean;
  /** Why it cannot be read now; null: it can. */
  readonly error: Error | null;
}

export interface LogReader {
  /** Tells how long the log is by now, and whether it has ended; what is new is then read. */
  told(bytes: number, isOver: boolean): void;
  /** Reads on, after an error. */
  again(): void;
  close(): void;
}

/** How much of a log that is long already is read. */
export const TAIL_BYTES = 1_048_576;

interface Options {
  readonly id: string;
  readonly rank: number;
  readonly onChange: (log: ReadLog) => void;
  /** Calls `work` after some milliseconds; returns what ends the wait. */
  readonly wait?: (work: () => void, ms: number) => () => void;
}

/** Reads the log of a node as it grows, through outages, and no more of it than is held. */
export function createLogReader(
  api: Api,
  { id, rank, onChange, wait = onTimer }: Options,
): LogReader {
  const lines = createLogLines();
  const closing = new AbortController();
  let log: ReadLog = {
    ...{ held: NOTHING_HELD, open: '', from: 0, read: 0, isWhole: false, error: null },
  };
  let known = { bytes: 0, isOver: false };
  let isBegun = false;
  let isReading = false;
  let failed = 0;
  let endWait = () => {};
  /** The first line of what is read from the middle on has lost its beginning. */
  let isCut = false;

  const change = (some: Partial<ReadLog>) => {
    if (closing.signal.aborted) return;
    log = { ...log, ...some };
    onChange(log);
  };
  const kept = (found: readonly string[]): readonly string[] => {
    if (!isCut || found.length === 0) return found;
    isCut = false;
    return found.slice(1);
  };

  /** One part of the log. Returns whether more is there. */
  async function readPart(): Promise<boolean> {
    const part = await getJobLog(api, id, rank, log.read);
    const isMore = part.next > log.read && part.next < part.bytes;
    const held = withLines(log.held, kept(lines.push(bytesOf(part))));
    const isWhole = part.isWhole || (known.isOver && !isMore);
    const open = isWhole || isCut ? '' : lines.open();
    change({
      held: isWhole ? withLines(held, kept(lines.end())) : held,
      ...{ open, read: part.next, isWhole, error: null },
    });
    return isMore;
  }

  async function read(): Promise<void> {
    if (isReading || log.isWhole || closing.signal.aborted) return;
    if (log.read >= known.bytes && !known.isOver) return;
    isReading = true;
    endWait();
    try {
      while (await readPart()) if (closing.signal.aborted) break;
      failed = 0;
    } catch (error) {
      failed += 1;
      change({ error: error as Error });
      if (mayPass(error)) endWait = wait(read, pauseMs({ ...whileBusy, failed }));
    } finally {
      isReading = false;
    }
    // The end was told of in between.
    if (log.error === null && known.isOver) void read();
  }

  return {
    told(bytes, isOver) {
      known = { bytes: Math.max(bytes, known.bytes), isOver };
      if (!isBegun && bytes > 0) {
        isBegun = true;
        isCut = bytes > TAIL_BYTES;
        const from = isCut ? bytes - TAIL_BYTES : 0;
        log = { ...log, from, read: from };
      }
      if (log.error === null || mayPass(log.error)) void read();
    },
    again() {
      void read();
    },
    close() {
      closing.abort();
      endWait();
    },
  };
}

function onTimer(work: () => void, ms: number): () => void {
  const timer = setTimeout(work, ms);
  return () => clearTimeout(timer);
}
