import { describe, expect, it } from 'vitest';
import type { JobLog } from '../../../client/answers.ts';
import { type Api, NoContact, Refusal, type Request } from '../../../client/api.ts';
import {
  CHARACTERS_MAX,
  LINES_MAX,
  linesWith,
  NOTHING_HELD,
  withLines,
} from '../../../web/src/log-held.ts';
import { createLogReader, type ReadLog, TAIL_BYTES } from '../../../web/src/log-reader.ts';

const PART = 1_048_576;

/** A log that grows, behind an API that answers as Onebuck does. */
function aLog(text: string) {
  const log = {
    bytes: new TextEncoder().encode(text),
    isOver: false,
    /** What the next requests meet. */
    faults: [] as Error[],
    asked: [] as number[],
    waits: [] as (() => void)[],
    seen: null as ReadLog | null,
  };
  const api = {
    async json(_: string, { query }: Request = {}) {
      const from = Number(query?.from);
      log.asked.push(from);
      const fault = log.faults.shift();
      if (fault !== undefined) throw fault;
      const data = log.bytes.subarray(from, from + PART);
      const next = from + data.length;
      const isWhole = log.isOver && next >= log.bytes.length;
      const part: JobLog = {
        ...{ rank: 0, from, next, bytes: log.bytes.length, isWhole },
        data: Buffer.from(data).toString('base64'),
      };
      return part;
    },
  } as unknown as Api;
  const reader = createLogReader(api, {
    ...{ id: 'caaaaaaaaaa', rank: 0 },
    onChange: (read) => {
      log.seen = read;
    },
    wait: (work) => {
      log.waits.push(work);
      return () => {};
    },
  });
  const settle = () => new Promise((resolve) => setImmediate(resolve));
  return Object.assign(log, {
    reader,
    settle,
    lines: () => log.seen?.held.lines.map((line) => line.text) ?? [],
    async told(isOver = false) {
      reader.told(log.bytes.length, isOver);
      await settle();
    },
    add(more: string) {
      log.bytes = Buffer.concat([log.bytes, new TextEncoder().encode(more)]);
    },
  });
}

describe('the log of a job', () => {
  it('is read as it grows, with the line that has not ended', async () => {
    const log = aLog('one\ntw');
    await log.told();
    expect([log.lines(), log.seen?.open]).toEqual([['one'], 'tw']);
    await log.told();
    expect(log.asked, 'nothing new').toEqual([0]);
    log.add('o\nthree\n');
    await log.told();
    expect(log.lines()).toEqual(['one', 'two', 'three']);
    log.add('four');
    log.isOver = true;
    await log.told(true);
    expect(log.lines()).toEqual(['one', 'two', 'three', 'four']);
    expect(log.seen?.isWhole).toBe(true);
    const asked = log.asked.length;
    await log.told(true);
    expect(log.asked).toHaveLength(asked);
  });

  it('of a long run is read from a megabyte before its end, from the next line on', async () => {
    const log = aLog(`${'ab€\n'.repeat(500_000)}the last\n`);
    await log.told();
    const from = log.bytes.length - TAIL_BYTES;
    expect(log.asked[0]).toBe(from);
    expect(log.seen?.from).toBe(from);
    expect(log.lines()).toHaveLength(LINES_MAX);
    expect(log.lines().at(-1)).toBe('the last');
    expect(new Set(log.lines())).toEqual(new Set(['ab€', 'the last']));
  });

  it('goes on after an outage by itself, with nothing lost and nothing twice', async () => {
    const log = aLog('one\n');
    await log.told();
    log.add('two\n');
    log.faults.push(new NoContact('http://x', 'no net'));
    await log.told();
    expect(log.seen?.error?.message).toContain('no net');
    expect(log.lines(), 'what was there stays').toEqual(['one']);
    log.waits.shift()?.();
    await log.settle();
    expect([log.lines(), log.seen?.error]).toEqual([['one', 'two'], null]);
  });

  it('is not asked for again and again where it is refused for good', async () => {
    const log = aLog('one\n');
    log.faults.push(new Refusal('http://x', 404, null, 'There is no such cluster.'));
    await log.told();
    await log.told();
    expect([log.waits.length, log.asked.length]).toEqual([0, 1]);
    log.reader.again();
    await log.settle();
    expect(log.lines()).toEqual(['one']);
  });

  it('ends with its job, also where its node never said that it had ended', async () => {
    const log = aLog('half a li');
    await log.told();
    await log.told(true);
    expect([log.lines(), log.seen?.isWhole]).toEqual([['half a li'], true]);
  });

  it('is told to nobody once it is closed', async () => {
    const log = aLog('one\n');
    log.reader.told(log.bytes.length, false);
    log.reader.close();
    await log.settle();
    expect(log.seen).toBeNull();
  });
});

describe('the lines that are held', () => {
  it('are the last, within bounds of number and size', () => {
    const many = withLines(
      NOTHING_HELD,
      Array.from({ length: 3 * LINES_MAX }, (_, at) => `${at}`),
    );
    expect(many.lines).toHaveLength(LINES_MAX);
    expect(many.lines.at(-1)?.text).toBe(`${3 * LINES_MAX - 1}`);
    let long = many;
    for (let at = 0; at < 10; at += 1) long = withLines(long, Array(100).fill('x'.repeat(16_384)));
    expect(long.characters).toBeLessThanOrEqual(CHARACTERS_MAX);
    const counted = long.lines.reduce((sum, { printed }) => sum + printed.length, 0);
    expect(counted).toBe(long.characters);
    const ids = long.lines.map(({ id }) => id);
    expect(ids.at(-1)).toBe((ids[0] ?? 0) + ids.length - 1);
  });

  it('are found by their text, without colours and whatever the case', () => {
    const { lines } = withLines(NOTHING_HELD, ['\x1b[31mErr\x1b[0mor: no', 'fine', 'ERROR']);
    expect(linesWith(lines, ' error').map(({ text }) => text)).toEqual(['Error: no', 'ERROR']);
    expect(linesWith(lines, '')).toBe(lines);
    expect(linesWith(lines, '31m')).toEqual([]);
  });
});
