import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { Job } from '../../client/answers.ts';
import { bytesWords } from '../../client/bytes.ts';
import { bytesOf, getJobLog, isJobOver } from '../../client/jobs.ts';
import { plural } from '../../client/plural.ts';
import { useAction, useConsole } from './hooks.ts';
import { stateNames } from './job.ts';
import { type HeldLine, linesWith, NOTHING_HELD } from './log-held.ts';
import { createLogReader, type LogReader, type ReadLog } from './log-reader.ts';
import { spansOf } from './log-spans.ts';
import { Problem, saveBlob } from './parts.tsx';

const UNREAD: ReadLog = {
  ...{ held: NOTHING_HELD, open: '', from: 0, read: 0, isWhole: false, error: null },
};

interface LogProps {
  readonly id: string;
  readonly called: string;
  readonly job: Job;
  readonly isAlive: boolean;
  readonly rank: number;
  readonly onRank: (rank: number) => void;
}

/** What the command prints on a node, as it comes. */
export function JobLogView({ id, called, job, isAlive, rank, onRank }: LogProps) {
  const { log, again } = useLog(id, job, isAlive, rank);
  const [sought, setSought] = useState('');
  const { lines } = log.held;
  const shown = useMemo(() => linesWith(lines, sought), [lines, sought]);
  const isAll = sought.trim() === '';
  return (
    <section class="listing" aria-labelledby="log">
      <header class="log-head">
        <h3 id="log">Log</h3>
        <Download id={id} rank={rank} called={called} bytes={log.read} />
      </header>
      <div class="filters">
        <label>
          Search the log
          <input
            type="search"
            value={sought}
            onInput={(event) => setSought(event.currentTarget.value)}
          />
        </label>
        {job.nodes.length > 1 && (
          <label>
            Node
            <select
              value={String(rank)}
              onChange={(event) => onRank(Number(event.currentTarget.value))}
            >
              {job.nodes.map(({ index, state }) => (
                <option key={index} value={String(index)}>
                  {index}: {stateNames[state].toLowerCase()}
                </option>
              ))}
            </select>
          </label>
        )}
      </div>
      {log.error !== null && <Problem error={log.error} onRetry={again} />}
      <Lines key={rank} lines={shown} open={isAll ? log.open : ''} rank={rank}>
        {emptyWords(log, isAll)}
      </Lines>
      <p class="hint" role="status">
        {isAll
          ? plural(lines.length, 'line')
          : `${shown.length} of ${plural(lines.length, 'line')}`}
        {log.from > 0 && `, from the last ${bytesWords(log.read - log.from)} of the log`}
      </p>
    </section>
  );
}

function emptyWords({ held, isWhole, read }: ReadLog, isAll: boolean): string {
  if (!isAll && held.lines.length > 0) return 'No line is like that.';
  if (!isWhole) return 'Nothing is printed yet. Agents send what is new every 20 seconds.';
  return read > 0 ? 'The log is kept no longer.' : 'The command printed nothing.';
}

function useLog(id: string, job: Job, isAlive: boolean, rank: number) {
  const { api } = useConsole();
  const [log, setLog] = useState(UNREAD);
  const reader = useRef<LogReader | null>(null);
  useEffect(() => {
    setLog(UNREAD);
    const made = createLogReader(api, { id, rank, onChange: setLog });
    reader.current = made;
    return () => made.close();
  }, [api, id, rank]);
  const node = job.nodes.find(({ index }) => index === rank);
  const isOver = !isAlive || isJobOver(job) || node?.endedAt != null;
  const bytes = node?.logBytes ?? 0;
  useEffect(() => reader.current?.told(bytes, isOver), [api, id, rank, bytes, isOver]);
  return { log, again: () => reader.current?.again() };
}

/** How many lines are drawn above and below those that are seen. */
const SPARE = 40;
const LINE_PX = 20;

interface LinesProps {
  readonly lines: readonly HeldLine[];
  /** The line that has not ended; empty: there is none. */
  readonly open: string;
  readonly rank: number;
  /** What stands there if there is no line. */
  readonly children: string;
}

/** Draws only the lines that are seen. It stays at the end, until somebody scrolls up. */
function Lines({ lines, open, rank, children }: LinesProps) {
  const box = useRef<HTMLElement>(null);
  const [top, setTop] = useState(0);
  const [isFollowing, setIsFollowing] = useState(true);
  const firstId = lines[0]?.id ?? 0;
  const firstBefore = useRef(firstId);
  const all = open === '' ? lines : [...lines, { id: Number.MAX_SAFE_INTEGER, printed: open }];
  const height = (box.current?.clientHeight ?? 0) || 400;
  const first = Math.max(0, Math.floor(top / LINE_PX) - SPARE);
  const drawn = all.slice(first, first + Math.ceil(height / LINE_PX) + 2 * SPARE);
  const toEnd = () => {
    const { current } = box;
    if (current !== null) current.scrollTop = current.scrollHeight;
    setIsFollowing(true);
  };
  useLayoutEffect(() => {
    const { current } = box;
    if (current === null) return;
    // Lines that are no longer held leave what is read where it is.
    if (isFollowing) current.scrollTop = current.scrollHeight;
    else if (firstBefore.current > 0 && firstId > firstBefore.current) {
      current.scrollTop -= (firstId - firstBefore.current) * LINE_PX;
    }
    firstBefore.current = firstId;
    setTop(current.scrollTop);
  }, [all.length, firstId, isFollowing]);
  const scrolled = () => {
    const { current } = box;
    if (current === null) return;
    setTop(current.scrollTop);
    const left = current.scrollHeight - current.clientHeight - current.scrollTop;
    setIsFollowing(left < 2 * LINE_PX);
  };
  return (
    <div class="log">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard */}
      <section ref={box} tabIndex={0} aria-label={`Log of node ${rank}`} onScroll={scrolled}>
        {all.length === 0 ? (
          <p class="empty">{children}</p>
        ) : (
          <div class="log-lines" style={{ height: `${all.length * LINE_PX}px` }}>
            <div style={{ transform: `translateY(${first * LINE_PX}px)` }}>
              {drawn.map(({ id, printed }) => (
                <Line key={id} printed={printed} />
              ))}
            </div>
          </div>
        )}
      </section>
      {!isFollowing && (
        <button type="button" class="to-end" onClick={toEnd}>
          To the end
        </button>
      )}
    </div>
  );
}

function Line({ printed }: { printed: string }) {
  const spans = useMemo(() => spansOf(printed), [printed]);
  return (
    <pre>
      {spans.map((span, at) => (
        <span key={at} class={span.class || undefined}>
          {span.text}
        </span>
      ))}
    </pre>
  );
}

interface DownloadProps {
  readonly id: string;
  readonly rank: number;
  readonly called: string;
  /** How long the log is by now. */
  readonly bytes: number;
}

/** Saves the whole log, of which the page holds only the last lines. */
function Download({ id, rank, called, bytes }: DownloadProps) {
  const { api } = useConsole();
  const { isBusy, error, run } = useAction();
  const [done, setDone] = useState(0);
  const save = () =>
    run(async () => {
      const parts: Uint8Array<ArrayBuffer>[] = [];
      for (let from = 0; ; ) {
        const part = await getJobLog(api, id, rank, from);
        parts.push(new Uint8Array(bytesOf(part)));
        if (part.isWhole || part.next <= from) break;
        from = part.next;
        setDone(from);
      }
      saveBlob(`${called}-n${rank}.log`, new Blob(parts, { type: 'text/plain' }));
    });
  return (
    <>
      <button type="button" disabled={bytes === 0} onClick={save}>
        {isBusy ? `${bytesWords(done)} …` : 'Download'} <span class="unseen">the log</span>
      </button>
      <Problem error={error} />
    </>
  );
}
