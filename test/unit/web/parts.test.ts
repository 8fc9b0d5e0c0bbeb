import { describe, expect, it } from 'vitest';
import type { OfferedType, Quote } from '../../../client/answers.ts';
import { Refusal } from '../../../client/api.ts';
import { specFrom } from '../../../client/spec.ts';
import { chartOf } from '../../../web/src/chart.ts';
import { cronWords } from '../../../web/src/cron.ts';
import { inLabels } from '../../../web/src/labels.ts';
import {
  monthBefore,
  monthShort,
  monthsUpTo,
  monthTitle,
  yearsBelow,
} from '../../../web/src/months.ts';
import { lastsWords, whyNot } from '../../../web/src/quote.ts';
import {
  emptyForm,
  faultOf,
  isAskable,
  ownFaults,
  specOf,
  taking,
  toggled,
} from '../../../web/src/spec.ts';
import { choose, noFilter } from '../../../web/src/types-choice.ts';

const form = { ...emptyForm, region: 'us-east', image: 'linode/debian12' };

describe('the form of a launch', () => {
  it.each([
    { nodes: '' },
    { nodes: '1.5' },
    { nodes: '0' },
    { budget: '' },
    { budget: 'much' },
    { region: '' },
    { keys: '-----BEGIN OPENSSH PRIVATE KEY-----' },
    { nodes: '1,000' },
    { budget: '1,000' },
    { budget: '0' },
    { maxHours: '87601' },
    { maxHours: 'two' },
    { transfer: '-1' },
    { transfer: '1.5' },
    { transfer: '10000001' },
  ])('gets no quote with %o, and has a fault for it', (fields) => {
    expect(isAskable({ ...form, ...fields })).toBe(false);
    expect(Object.keys(ownFaults({ ...form, ...fields }))).toHaveLength(1);
  });

  it('takes a transfer of 0 GB', () => {
    expect(ownFaults({ ...form, transfer: '0' })).toEqual({});
    expect(specOf({ ...form, transfer: '0' })).toMatchObject({ transferGb: 0 });
  });

  it('has a fault for a private key, and none for a public key', () => {
    expect(ownFaults({ ...form, keys: 'ssh-ed25519 AAAA a' })).toEqual({});
    const keys = '-----BEGIN OPENSSH PRIVATE KEY-----';
    expect(ownFaults({ ...form, keys }).authorizedKeys).toContain('Give its .pub');
  });

  it('has a fault for a comma with two meanings that says how to write either', () => {
    expect(ownFaults({ ...form, budget: '$1,000' }).budgetUsd).toBe(
      'must have no comma: write 1000 or 1.000',
    );
    expect(ownFaults({ ...form, nodes: '1,000' }).nodes).toBe('must have no comma: write 1000');
    expect(ownFaults({ ...form, budget: '1,50' })).toEqual({});
  });

  it('has the setups that are ticked, in the order of the boxes', () => {
    expect(toggled('', 'nfs')).toBe('nfs');
    expect(toggled('nfs,docker', 'mpi')).toBe('mpi,nfs,docker');
    expect(toggled('mpi,nfs', 'mpi')).toBe('nfs');
  });

  it('is sent without what is left as it is, and with lists of what is typed', () => {
    const plain = specFrom(form);
    const fields = ['network', 'setup', 'openPorts', 'authorizedUsers'];
    expect(Object.keys(plain).filter((field) => fields.includes(field))).toEqual([]);
    const typed = { network: 'isolated', setup: 'mpi,nfs', open: '80, 53/udp 90', users: 'a b' };
    expect(specFrom({ ...form, ...typed })).toEqual({
      ...{ ...plain, network: 'isolated', setup: ['mpi', 'nfs'] },
      ...{ openPorts: ['80', '53/udp', '90'], authorizedUsers: ['a', 'b'] },
    });
  });

  it('shows at a field the fault of the whole field, or of its first faulty item', () => {
    const faults = { 'setup[1]': 'a', 'setup[2]': 'b', network: 'c' };
    expect(faultOf(faults, 'setup')).toBe('a');
    expect(faultOf(faults, 'network')).toBe('c');
    expect(faultOf(faults, 'openPorts')).toBeUndefined();
  });

  it('takes the change of an alternative into its fields', () => {
    const rest = { hourlyUsd: 1, affordableHours: 1, spentAtTeardownUsd: 1, sentence: '' };
    const taken = taking(form, { kind: 'moreNodes', change: { nodes: 20 }, ...rest });
    expect(taken).toEqual({ ...form, nodes: '20' });
  });
});

describe('a launch', () => {
  const quote = { affordableHours: 13 } as Quote;
  const refused = new Refusal('', 400, null, 'no');

  it('is possible only with a price for the fields as they are', () => {
    expect(whyNot({}, { kind: 'quoted', quote })).toBeNull();
    expect(whyNot({}, { kind: 'asking', before: quote })).toBe('Asking for the price …');
    expect(whyNot({}, { kind: 'failed', error: refused })).toBe('There is no price for it.');
    expect(whyNot({}, { kind: 'quoted', quote: { ...quote, affordableHours: 0 } })).toBe(
      'Budget does not pay the first hour.',
    );
  });

  it('is refused with the label of the first field that is wrong, and the number of others', () => {
    const faults = { budgetUsd: 'must be more', maxHours: 'maxHours must be less' };
    expect(whyNot(faults, { kind: 'none' })).toBe('Budget must be more, and 1 more to mend.');
    expect(whyNot({ maxHours: 'maxHours must be less' }, { kind: 'none' })).toBe(
      'At most hours must be less.',
    );
  });

  it('lasts hours for up to a year, then until a month, and never beyond ten years', () => {
    const now = Date.parse('2026-11-10T00:00:00Z');
    expect([13, 8_760, 8_761, 1e12].map((hours) => lastsWords(hours, now))).toEqual([
      ...['13 h', '8760 h', 'until Nov 2027', 'until Nov 2036'],
    ]);
  });
});

describe('a message', () => {
  it.each([
    ['budgetUsd must be an amount', 'Budget must be an amount'],
    ['spec.nodes must be a whole number', 'Nodes must be a whole number'],
    ['authorizedKeys[1] must be one line', 'SSH public keys, line 2, must be one line'],
    ['openPorts[1] must be a port', 'Open ports, item 2, must be a port'],
    ['setup needs cloud-init', 'Setup needs cloud-init'],
    ['network must be one of', 'Private network must be one of'],
    ['no key of authorizedUsers', 'no key of Users of the Linode account'],
    ['retry.forMinutes must be less', 'Try again for must be less'],
    [
      'The smallest maxHours that can still be kept is 3',
      'The smallest At most hours that can still be kept is 3',
    ],
    ['no type in us-east has a price', 'no type in us-east has a price'],
    ['The image is deprecated.', 'The image is deprecated.'],
  ])('%j of the API is shown as %j', (message, shown) => {
    expect(inLabels(message)).toBe(shown);
  });
});

describe('the table of types', () => {
  const aType = (id: string, overrides: Partial<OfferedType> = {}): OfferedType => ({
    ...{ id, label: id, class: 'standard', vcpus: 1, memoryMb: 1024, diskMb: 1024, gpus: 0 },
    ...{ hourlyUsd: 0.01, monthlyUsd: 5, ...overrides },
  });
  const types = [
    aType('b', { vcpus: 4, hourlyUsd: 0.04 }),
    aType('unpriced', { hourlyUsd: null }),
    aType('a', { vcpus: 4, hourlyUsd: 0.04 }),
    aType('c', { vcpus: 2, memoryMb: 4096, class: 'dedicated', hourlyUsd: 0.03 }),
  ];
  const ids = (...[filter, sort]: [Partial<typeof noFilter>, Parameters<typeof choose>[2]]) =>
    choose(types, { ...noFilter, ...filter }, sort).map(({ id }) => id);
  const byPrice = { key: 'hourlyUsd', isDown: false } as const;

  it('is in the chosen order, then by price and id, with unpriced types last', () => {
    expect(ids({}, byPrice)).toEqual(['c', 'a', 'b', 'unpriced']);
    expect(ids({}, { key: 'vcpus', isDown: true })).toEqual(['a', 'b', 'c', 'unpriced']);
  });

  it('has no type that is too small, too expensive or of another class', () => {
    expect(ids({ vcpus: 2 }, byPrice)).toEqual(['c', 'a', 'b']);
    expect(ids({ memoryMb: 2048 }, byPrice)).toEqual(['c']);
    expect(ids({ maxHourly: '0.035' }, byPrice)).toEqual(['c']);
    expect(ids({ class: 'standard' }, byPrice)).toEqual(['a', 'b', 'unpriced']);
  });
});

describe('a cron expression', () => {
  it.each([
    ['30 2 * * MON-FRI', 'At 02:30, Monday through Friday'],
    ['*/15 * * * *', 'Every 15 minutes'],
    [' 0  4 1 * * ', 'At 04:00, on day 1 of the month'],
  ])('%s is put into the words: %s', async (expression, words) => {
    expect(await cronWords(expression)).toEqual({ ok: true, words });
  });

  it.each(['', '* * * *', '0 0 2 * * MON', '61 * * * *', 'a b c d e', '0 0 31 2 *'])(
    'can not be %j, with a fault that reads on from the label of its field',
    async (expression) => {
      const words = await cronWords(expression);
      expect(words).toMatchObject({ ok: false });
      expect(words.ok || words.fault).toMatch(/^must /);
    },
  );
});

describe('months', () => {
  it('are counted back into the year before', () => {
    expect([0, 1, 11].map((back) => monthBefore('2026-01', back))).toEqual([
      ...['2026-01', '2025-12', '2025-02'],
    ]);
  });

  it('are shown side by side with the years that they begin', () => {
    const months = monthsUpTo('2027-02', 4);
    expect(months).toEqual(['2026-11', '2026-12', '2027-01', '2027-02']);
    expect(yearsBelow(months)).toEqual(['2026', null, '2027', null]);
  });

  it('have long and short names', () => {
    expect([monthTitle('2026-11'), monthShort('2026-11')]).toEqual(['November 2026', 'Nov']);
  });
});

describe('the chart of months', () => {
  const size = { width: 300, height: 100 };
  const monthsOf = (...billed: number[]) =>
    billed.map((billedUsd, i) => ({ month: `${i}`, billedUsd }));

  it('has room for the cap, and bars as high as the bills', () => {
    const { bars, capY, lines } = chartOf(monthsOf(7.5, 0, 15), 20, size);
    expect(lines.map(({ usd }) => usd)).toEqual([10, 20, 30]);
    expect(bars.map(({ height }) => height)).toEqual([25, 0, 50]);
    expect(capY).toBeCloseTo(100 / 3);
  });

  it('has a bar of 2 for the smallest bill, and is drawn without bills or a cap', () => {
    expect(chartOf(monthsOf(0.001, 100), null, size).bars[0]?.height).toBe(2);
    expect(chartOf(monthsOf(0), null, size)).toMatchObject({ capY: null });
  });
});
