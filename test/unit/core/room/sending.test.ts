import { afterEach, describe, expect, it } from 'vitest';
import { SLOW_BYTES_PER_SECOND } from '../../../../lib/core/billing/transfer.ts';
import { SENDING } from '../../../../lib/core/room/scripts/sending.ts';
import { type AgentWorld, agentIn, type Limit } from '../../../support/agent.ts';

/*
 * What the agent does about the limit of its node, with a table of nftables that only counts. That the
 * table slows a node down is for `npm run test:nodes`.
 */

const SLICE = 1_000;

/** An agent of a ready node that sends a byte each second, and that looks first after a second. */
function aNode({
  limit,
  ...world
}: Partial<Omit<AgentWorld, 'limit'>> & { readonly limit?: Partial<Limit> }) {
  const agent = agentIn({
    told: 'ready',
    seconds: 60,
    ...world,
    limit: { slice: SLICE, sends: '1', ...limit },
  });
  removals.push(agent.remove);
  const asked = agent.calls
    .filter(({ event }) => event === 'sending')
    .map(({ at, sentBytes }) => [at, sentBytes]);
  return { ...agent, asked };
}

const removals: (() => void)[] = [];
afterEach(() => {
  for (const remove of removals.splice(0)) remove();
});

/** Onebuck grants so much, whatever it is asked. */
const grants = (bytes: number | string, month = '2026-11') =>
  `case $1 in
*sending*) echo '{"status":"running","allowanceBytes":${bytes},"allowanceMonth":"${month}","token":"t"}' ;;
*) echo {} ;;
esac`;

describe('the limit of a node', () => {
  it('asks for more within ten seconds after half of the slice is used', () => {
    const { asked, calls } = aNode({ limit: { sends: '10' }, seconds: 60 });

    expect(asked).toEqual([[51, 510]]);
    expect(calls.at(-1)).toMatchObject({ event: 'sending', detail: '', sentBytes: 510 });
  });

  it('says since when it counts, which a reboot does not change, and a rebuild does', () => {
    const start = '2026-11-09T12:00:00Z';
    const began = Date.parse(start) / 1_000;
    const said = ({ calls }: ReturnType<typeof aNode>) => calls.at(-1)?.countedSince;
    const first = aNode({ start, limit: { sends: '10' } });
    expect([said(first), first.countsSince]).toEqual([began, `${began}`]);
    const kept = `202611 800 1000 ${began}`;
    const later = aNode({ start: '2026-11-09T13:00:00Z', limit: { kept } });
    expect([said(later), later.countsSince]).toEqual([began, `${began}`]);
    const rebuilt = aNode({ start: '2026-11-09T13:00:00Z', limit: { sends: '10' } });
    expect(said(rebuilt)).toBe(began + 3_600);
  });

  it('keeps what was sent and the allowance that Onebuck granted, in the table and in a file', () => {
    const { asked, tables, kept, read } = aNode({ limit: { sends: '10' }, answer: grants(5_000) });

    expect(asked).toEqual([[51, 510]]);
    expect(tables).toEqual(['510 of 5000']);
    expect(kept).toBe('202611 510 5000');
    expect(read('counter')).toBe('610\n');
  });

  it.each([
    '{"status":"running","allowanceMonth":"2026-11","allowanceBytes":5000}',
    '{ "allowanceBytes": 5000, "allowanceMonth": "2026-11", "token": "second" }',
    '{\n  "allowanceBytes": 5000,\n  "allowanceMonth": "2026-11"\n}',
  ])('reads the answer %s', (answer) => {
    const { tables } = aNode({ limit: { sends: '10' }, answer: `printf '%s' '${answer}'` });
    expect(tables).toEqual(['510 of 5000']);
  });

  it.each([
    '{"status":"running"}',
    '{"allowanceMonth":"2026-11"}',
    '{"allowanceMonth":"2026-11","allowanceBytes":999}',
    '{"allowanceMonth":"2026-10","allowanceBytes":5000}',
    '{"allowanceMonth":"2026-11","allowanceBytes":"much"}',
    '{"allowanceMonth":"$(reboot)","allowanceBytes":5000}',
    'null',
  ])('keeps its allowance given the answer %s, and asks again after five minutes', (answer) => {
    const { asked, tables, kept } = aNode({
      limit: { sends: '10' },
      answer: `printf '%s' '${answer}'`,
      seconds: 360,
    });
    expect(asked.map(([at]) => at)).toEqual([51, 351]);
    expect(tables).toEqual([]);
    expect(kept).toMatch(/^202611 \d+ 1000$/);
  });

  it('asks again soon if Onebuck is busy or away, and not all nodes at once', () => {
    const limit = { kept: '202611 800 1000', sends: '10' };
    const ask = (rank: number) =>
      aNode({ rank, limit, answer: 'exit 22', seconds: 205 }).asked.map(([at]) => at);
    expect(ask(5)).toEqual([1, 21, 41, 61, 81, 101, 121, 141, 161, 181, 201]);
    expect(ask(29)).toEqual([1, 101, 201]);
    expect(ask(329)).toEqual([1, 101, 201]);
  });

  it('asks more seldom in a large cluster of which nothing is left', () => {
    const limit = { kept: '202611 800 1000', sends: '10' };
    const ask = (rank: number) =>
      aNode({ rank, limit, answer: 'echo {}', seconds: 810 }).asked.map(([at]) => at);
    expect(ask(0)).toEqual([1, 301, 601]);
    expect(ask(499)).toEqual([1, 791]);
  });

  it('asks each ten seconds while the answers grow and are half used', () => {
    const answer = `n=$(($(cat "$SANDBOX/n" 2> /dev/null || echo 1000) + 100))
echo $n > "$SANDBOX/n"
echo '{"allowanceMonth":"2026-11","allowanceBytes":'$n'}'`;
    const { asked, kept } = aNode({ limit: { kept: '202611 800 1000' }, answer, seconds: 35 });

    expect(asked.map(([at]) => at)).toEqual([1, 11, 21, 31]);
    expect(kept).toBe('202611 831 1500');
  });

  it('never calls for a node that sends little, and writes nothing for one that sends nothing', () => {
    const little = aNode({ limit: { sends: '1' }, seconds: 480 });
    expect(little.calls.map(({ event }) => event)).toEqual(['alive']);
    expect(little.kept).toBe('202611 471 1000');

    const nothing = aNode({ limit: { sends: '0' }, seconds: 480 });
    expect(nothing.calls.map(({ event }) => event)).toEqual(['alive']);
    expect(nothing.kept).toBeNull();
  });

  it.each<Omit<AgentWorld, 'limit'>>([
    { doneAt: 7, seconds: 60 },
    { answer: 'exit 22', seconds: 70 },
    { told: 'ready', rank: 37, teardownAt: 60, answer: 'exit 22', seconds: 150 },
    { teardownAt: 20, doneAt: 90, seconds: 100 },
    { told: 'ready', slowness: 60, seconds: 22_000 },
  ])('changes nothing about the other calls, given %j', (world) => {
    const [limited, unlimited] = [{ slice: SLICE, sends: 't % 2' }, null].map((limit) => {
      const agent = agentIn({ ...world, limit });
      removals.push(agent.remove);
      return agent.events;
    });
    expect(limited).toEqual(unlimited);
    expect(limited).not.toEqual([]);
  });

  it('goes on with what was sent and granted before a reboot', () => {
    const { asked, kept } = aNode({ limit: { kept: '202611 2000 5000' }, seconds: 20 });
    expect(asked).toEqual([]);
    expect(kept).toBe('202611 2011 5000');
  });

  it('begins anew with its slice at the turn of a month, to the second', () => {
    const { asked, tables, kept } = aNode({
      start: '2026-11-30T23:59:45Z',
      limit: { kept: '202611 4000 90000', sends: 't < 15 ? 100 : 1' },
      seconds: 20,
    });
    // What was sent since the look before may be of the new month.
    expect(tables).toEqual(['400 of 1000']);
    expect(kept).toBe('202612 400 1000');
    expect(asked).toEqual([]);
  });

  it('asks for more in the new month, a while after the turn that depends on its rank', () => {
    const start = '2026-11-30T23:59:45Z';
    const limit = { kept: '202611 4000 90000', sends: '100' };
    const ask = (rank: number) => aNode({ start, rank, limit, seconds: 50 }).asked[0]?.[0];

    expect([0, 9, 10, 29, 30].map(ask)).toEqual([25, 25, 25, 35, 25]);
  });

  it("begins anew when Onebuck's answer is of a later month, and goes on with its grant", () => {
    const { tables, kept } = aNode({
      limit: { kept: '202611 4000 5000', sends: '1' },
      answer: grants(7_000, '2026-12'),
      seconds: 40,
    });
    expect(tables).toEqual(['0 of 1000', '0 of 7000']);
    expect(kept).toBe('202612 30 7000');
  });

  it('makes the table anew if somebody has taken it away or set its counter back', () => {
    const kept = '202611 400 1000';
    for (const deed of ['rm "$SANDBOX/counter"', 'echo 0 > "$SANDBOX/counter"']) {
      const node = aNode({ limit: { kept, meanwhile: `[ $t != 21 ] || ${deed}` }, seconds: 40 });
      expect(node.tables).toEqual(['411 of 1000']);
      expect(node.kept).toBe('202611 421 1000');
    }
  });

  it("calls from a port that the table keeps a rate for, which the node's other calls can't use up", () => {
    const option = /--local-port (\d+-\d+) /;
    const ports = option.exec(aNode({ seconds: 1 }).read('arguments'))?.[1];
    expect(SENDING).toContain(`tcp sport { 22, ${ports} } limit rate`);

    const unlimited = agentIn({ told: 'ready', seconds: 1 });
    removals.push(unlimited.remove);
    expect(unlimited.read('arguments')).not.toMatch(option);
  });

  it('has rates beyond the allowance that together are the rate of a slowed node', () => {
    const rates = [...SENDING.matchAll(/limit rate (\d+) bytes\/second/g)].map(([, rate]) =>
      Number(rate),
    );
    expect(rates).toHaveLength(3);
    expect(rates.reduce((sum, rate) => sum + rate)).toBe(SLOW_BYTES_PER_SECOND);
  });
});
