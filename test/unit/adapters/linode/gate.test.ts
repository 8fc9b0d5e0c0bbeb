import { expect, it } from 'vitest';
import { createGate, type Gate } from '../../../../lib/adapters/linode/gate.ts';
import { type EpochMs, plus, seconds } from '../../../../lib/core/base/units.ts';
import { LAUNCH } from '../../../support/builders.ts';
import { aClock } from '../../../support/doubles.ts';

const LATER = plus(LAUNCH, seconds(60));

function aGate(most = 2) {
  const clock = aClock(LAUNCH);
  const gate = createGate(clock, most);
  /** Enters, and notes when and how the wait ended. */
  const log: string[] = [];
  const enter = (name: string, by: EpochMs = LATER, attempts = 0) =>
    gate.enter(by, attempts).then((how) => {
      log.push(`${name} ${how} ${(clock.now() - LAUNCH) / 1_000}`);
    });
  return { clock, gate, log, enter };
}

const settled = async () => {
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
};

function fail(gate: Gate, times: number): void {
  for (let call = 0; call < times; call += 1) gate.leave({ kind: 'failed' });
}

it('lets so many calls through at once, and the others in their order', async () => {
  const { gate, log, enter } = aGate();
  for (const name of ['a', 'b', 'c', 'd']) void enter(name);
  await settled();
  expect(log).toEqual(['a entered 0', 'b entered 0']);
  gate.leave({ kind: 'answered' });
  await settled();
  expect(log).toEqual(['a entered 0', 'b entered 0', 'c entered 0']);
});

it('stays open while some of the calls fail', async () => {
  const { gate, log, enter } = aGate(5);
  for (const name of ['a', 'b', 'c', 'd', 'e']) await enter(name);
  fail(gate, 4);
  gate.leave({ kind: 'answered' });
  for (const name of ['f', 'g', 'h', 'i', 'j']) void enter(name);
  await settled();
  expect(log).toHaveLength(10);
  expect(log.at(-1)).toBe('j entered 0');
});

it('lets one call through after each pause while all calls fail, then more and more', async () => {
  const { gate, log, enter } = aGate(5);
  for (const name of ['a', 'b', 'c', 'd', 'e']) await enter(name);
  fail(gate, 5);
  for (const name of ['f', 'g', 'h', 'i']) void enter(name);
  await settled();
  expect(log.slice(5)).toEqual(['f entered 0.5']);
  fail(gate, 1);
  await settled();
  expect(log.slice(5)).toEqual(['f entered 0.5', 'g entered 1.5']);
  gate.leave({ kind: 'answered' });
  await settled();
  expect(log.slice(7)).toEqual(['h entered 1.5', 'i entered 1.5']);
});

it('lets new calls through before calls that have failed', async () => {
  const { gate, log, enter } = aGate(1);
  await enter('a');
  void enter('failed twice', LATER, 2);
  void enter('failed once', LATER, 1);
  void enter('new');
  for (let call = 0; call < 3; call += 1) {
    gate.leave({ kind: 'answered' });
    await settled();
  }
  expect(log.slice(1)).toEqual([
    'new entered 0',
    'failed once entered 0',
    'failed twice entered 0',
  ]);
});

it('lets no call through before the instant that Linode has named', async () => {
  const { gate, log, enter } = aGate();
  await enter('a');
  gate.leave({ kind: 'refused', until: plus(LAUNCH, seconds(20)) });
  void enter('b');
  await settled();
  expect(log).toEqual(['a entered 0', 'b entered 20']);
});

it('lets nobody wait for a turn that can not come in time', async () => {
  const { gate, log, enter } = aGate();
  await enter('a');
  gate.leave({ kind: 'refused', until: plus(LAUNCH, seconds(20)) });
  await enter('b', plus(LAUNCH, seconds(19)));
  expect(log).toEqual(['a entered 0', 'b late 0']);
});
