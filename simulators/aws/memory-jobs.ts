import type { ClusterId } from '../../lib/core/base/names.ts';
import {
  type JobProgress,
  NO_PROGRESS,
  NO_RANK_PROGRESS,
  type RankProgress,
} from '../../lib/core/job/progress.ts';
import type { JobNews, JobReports } from '../../lib/ports.ts';

/** What agents tell of jobs, in memory. */
export function createMemoryJobs(): JobReports & { clear(): void } {
  const wholes = new Map<ClusterId, JobProgress>();
  const ranks = new Map<string, RankProgress>();
  return {
    async tell(id, rank, news) {
      const own = `${id}-${rank}`;
      const before = ranks.get(own) ?? NO_RANK_PROGRESS;
      ranks.set(own, rankAfter(before, news));
      if (news.kind === 'heard' || news.kind === 'log') return;
      // Of two ends of a node, the first counts for the whole as well.
      if (news.kind === 'ended' && before.endedAt !== null) return;
      wholes.set(id, wholeAfter(wholes.get(id) ?? NO_PROGRESS, rank, news));
    },
    async read(ids) {
      return new Map(
        ids.flatMap((id): [ClusterId, JobProgress][] => {
          const found = wholes.get(id);
          return found === undefined ? [] : [[id, found]];
        }),
      );
    },
    async readRanks(id, wanted) {
      return new Map(
        wanted.flatMap((rank): [number, RankProgress][] => {
          const found = ranks.get(`${id}-${rank}`);
          return found === undefined ? [] : [[rank, found]];
        }),
      );
    },
    clear() {
      wholes.clear();
      ranks.clear();
    },
  };
}

function rankAfter(before: RankProgress, news: JobNews): RankProgress {
  const { at } = news;
  if (news.kind === 'log') {
    return news.bytes <= before.logBytes
      ? before
      : { ...before, logBytes: news.bytes, heardAt: at };
  }
  const heard = { ...before, heardAt: at };
  switch (news.kind) {
    case 'heard':
      return heard;
    case 'staged':
      return { ...heard, stagedAt: before.stagedAt ?? at };
    case 'started':
      return { ...heard, startedAt: before.startedAt ?? at };
    case 'exited':
      return before.exitedAt === null ? { ...heard, exitedAt: at, exitCode: news.exitCode } : heard;
    default: {
      if (before.endedAt !== null) return heard;
      const { exitCode, reason, results } = news;
      const exitedAt = before.exitedAt ?? at;
      return { ...heard, exitedAt, endedAt: at, exitCode, reason, results };
    }
  }
}

function wholeAfter(
  before: JobProgress,
  rank: number,
  news: Exclude<JobNews, { kind: 'heard' | 'log' }>,
): JobProgress {
  const { at } = news;
  switch (news.kind) {
    case 'staged':
      return {
        ...before,
        stagedFrom: before.stagedFrom ?? at,
        staged: new Set([...before.staged, rank]),
      };
    case 'started':
      return { ...before, startedAt: before.startedAt ?? at };
    case 'exited':
      return { ...before, exitedAt: before.exitedAt ?? at };
    case 'ended': {
      const end = { exitCode: news.exitCode, isLastCall: news.isLastCall };
      return { ...before, endedAt: at, ended: new Map([...before.ended, [rank, end]]) };
    }
  }
}
