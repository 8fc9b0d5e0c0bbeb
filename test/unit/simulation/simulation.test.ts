import { describe, expect, it } from 'vitest';
import {
  drawOptions,
  invoicePlans,
  NO_FAULTS,
  type Options,
  optionsText,
  refusalKinds,
} from '../../../simulation/options.ts';
import { type Outcome, simulate } from '../../../simulation/run.ts';
import { add, noTotals, summaryOf, type Totals } from '../../../simulation/totals.ts';
import { labelForms } from '../../../simulators/linode/invoice-settings.ts';
import { alarmNamed, callsAPerson } from '../../support/alarm.ts';

async function totalsOf(
  seeds: number,
  forced: Partial<Options> = {},
): Promise<{ totals: Totals; outcomes: Outcome[] }> {
  const totals = noTotals();
  const outcomes: Outcome[] = [];
  for (let seed = 1; seed <= seeds; seed += 1) {
    const outcome = await simulate(seed, { forced });
    outcomes.push(outcome);
    add(totals, outcome);
  }
  return { totals, outcomes };
}

const SMALL = { clusters: 3, nodesMax: 5, hoursMax: 3 };

describe("Linode's invoice at the end of a world", () => {
  const forced = { ...NO_FAULTS, clusters: 2, nodesMax: 3, hoursMax: 3 };

  it('equals forecast and record to the micro-dollar, whatever the labels', async () => {
    for (const [index, invoiceLabels] of labelForms.entries()) {
      const { invoices, violation } = await simulate(index + 1, {
        forced: { ...forced, invoiceLabels },
      });
      expect(violation, invoiceLabels).toBeNull();
      expect(invoices.equal, invoiceLabels).toBeGreaterThan(0);
      expect(invoices.forecast, invoiceLabels).toBeGreaterThan(0);
    }
  });

  it.each(invoicePlans.filter((plan) => plan !== 'none'))(
    'has the planned difference %s, which Onebuck finds and names',
    async (invoice) => {
      // The world of the seed 36 crosses the end of a month.
      const { invoices, violation } = await simulate(36, { forced: { ...forced, invoice } });
      expect([violation, invoices.named]).toEqual([null, invoice]);
    },
  );
});

describe('simulated worlds', () => {
  it('keep every promise under the faults of 15 seeds', async () => {
    const { totals } = await totalsOf(15);
    expect(totals.violations).toEqual([]);
    expect(totals.orphans).toBe(0);
    expect(totals.clusters).toBeGreaterThan(50);
    expect(Object.keys(totals.faults).length).toBeGreaterThan(25);
  });

  it('have the invoice of a cluster without Linodes corrected, and of no other', async () => {
    expect((await simulate(5_461)).violation).toBeNull();
  });

  it('take half a cent that is corrected to a cent for rounding', async () => {
    expect((await simulate(9_469)).violation).toBeNull();
  });

  it('find Linodes that are billed in months after the end of their clusters', async () => {
    for (const seed of [870, 5_021]) expect((await simulate(seed)).violation).toBeNull();
  });

  it('have nobody know such a Linode by its id once a person renamed it', async () => {
    expect((await simulate(7_420)).violation).toBeNull();
  });

  it('have the same trace for the same seed', async () => {
    const seed = 12;
    const [first, second] = [
      await simulate(seed, { trace: true }),
      await simulate(seed, { trace: true }),
    ];
    expect(first.trace.length).toBeGreaterThan(1_000);
    expect(second).toEqual(first);
    expect((await simulate(seed + 1, { trace: true })).trace).not.toEqual(first.trace);
  });

  it('without faults deliver over 99 % of the hours that the budget pays', async () => {
    const forced = { ...NO_FAULTS, clusters: 4, hoursMax: 14 };
    const { totals } = await totalsOf(8, forced);
    expect(totals.faults).toEqual({});
    expect(totals.deliveredMs / totals.affordedMs).toBeGreaterThan(0.99);
    expect(totals.exact).toBe(totals.clusters);
    expect(totals.within).toBe(0);
  });
});

describe('nodes that send more than they bring', () => {
  const forced = { ...NO_FAULTS, clusters: 3, nodesMax: 5, hoursMax: 5 };

  it('keep their budgets if they send steadily, and record what they are billed', async () => {
    const { totals, outcomes } = await totalsOf(6, { ...forced, transfer: 'steady' });
    expect(totals.violations).toEqual([]);
    const silent = await totalsOf(6, forced);
    expect(totals.clusterHours).toBeLessThan(silent.totals.clusterHours);
    expect(outcomes.every(({ options }) => options.transfer === 'steady')).toBe(true);
  });

  it('pass them by bursts that no measure has seen, and the records say so', async () => {
    const { totals } = await totalsOf(6, { ...forced, transfer: 'bursts' });
    expect(totals.violations).toEqual([]);
    expect(totals.overspentClusters).toBeGreaterThan(0);
    expect(totals.recordedMicroUsd).toBeGreaterThanOrEqual(totals.overspentMicroUsd);
  });
});

describe('nodes that keep to what the budget pays', () => {
  const forced = { ...NO_FAULTS, clusters: 3, nodesMax: 5, hoursMax: 5, agents: true } as const;

  it.each([
    ['send in bursts', { transfer: 'bursts' }],
    ['lie about it', { transfer: 'steady', agentLies: true, agentCallsDoubled: 0.3 }],
    ['have only the sweeper', { transfer: 'bursts', killers: 'sweeper' }],
    ['outlive the table', { transfer: 'late', killers: 'sweeper', tableLoss: 'unreachable' }],
  ] as const)('keep it though they %s', async (_, change) => {
    const { totals } = await totalsOf(4, { ...forced, ...change });
    expect(totals.violations).toEqual([]);
    expect(totals.overspentClusters).toBe(0);
  });

  it.each(['steady', 'bursts'] as const)(
    'keep it though they lose what they have counted, but for a slice each time: %s',
    async (transfer) => {
      const { totals } = await totalsOf(6, { ...forced, transfer, losingCounters: true });
      expect(totals.violations).toEqual([]);
      expect(totals.faults['counter lost']).toBeGreaterThan(12);
    },
  );

  it('pass it at most as others do once a person has taken their limit away', async () => {
    const { totals } = await totalsOf(6, { ...forced, transfer: 'bursts', unlimiting: true });
    expect(totals.violations).toEqual([]);
    expect(totals.faults['by hand: limit taken away']).toBeGreaterThan(6);
    expect(totals.overspentClusters).toBeGreaterThan(0);
  });
});

describe('while one killer is dead', () => {
  it('the reaper keeps the budgets while the sweeper is dead', async () => {
    const { totals } = await totalsOf(12, { ...SMALL, killers: 'reaper', tableLoss: 'none' });
    expect(totals.violations).toEqual([]);
  });

  it('the sweeper keeps the budgets when the reaper dies', async () => {
    const { totals } = await totalsOf(12, { ...SMALL, killers: 'sweeper', tableLoss: 'none' });
    expect(totals.violations).toEqual([]);
    expect(totals.orphans).toBe(0);
  });

  it.each(['emptied', 'unreachable'] as const)(
    'the sweeper keeps the budgets when the reaper is dead and the table %s',
    async (tableLoss) => {
      const { totals, outcomes } = await totalsOf(12, { ...SMALL, killers: 'sweeper', tableLoss });
      expect(totals.violations).toEqual([]);
      expect(totals.orphans).toBe(0);
      // In some worlds the table was lost while Linodes existed.
      expect(outcomes.some(({ aliveAtLoss }) => aliveAtLoss > 0)).toBe(true);
    },
  );

  it('the agents on the nodes keep the budgets when the reaper and the sweeper die', async () => {
    const forced = { ...NO_FAULTS, ...SMALL, killers: 'agents', agents: true } as const;
    const network = { agentCallsLost: 0.1, agentCallsDoubled: 0.3, agentDelayMsMax: 20_000 };
    for (const faults of [{}, { ...network, agentLies: true }]) {
      const { totals, outcomes } = await totalsOf(12, { ...forced, ...faults });
      expect(totals.violations).toEqual([]);
      expect(totals.overspentClusters).toBe(0);
      expect(outcomes.some(({ aliveAtLoss }) => aliveAtLoss > 0)).toBe(true);
    }
    const { violation } = await simulate(1, { forced: { ...forced, agents: false } });
    expect(violation?.promise).toBe('budget');
  });

  it('and the other too, the budget is overspent, and an alarm goes off', async () => {
    const outcome = await simulate(1, { forced: { ...NO_FAULTS, ...SMALL, killers: 'none' } });
    expect(outcome.violation?.promise).toBe('budget');
    const { lossAt, endedAt, reaperRuns } = outcome;
    const isRunIn = (minute: number) => reaperRuns.some((at) => Math.floor(at / 60_000) === minute);
    // CloudWatch has no data for a minute without a run of the reaper. The minute of the loss may
    // have one, so that the fifth whole minute without a run is over 6 minutes later at most.
    const runsUntil = (time: number) =>
      [5, 4, 3, 2, 1].map((ago) => (isRunIn(Math.floor(time / 60_000) - ago) ? 1 : null));
    const alarm = alarmNamed('ReaperNotRun');
    expect(callsAPerson(alarm, runsUntil(lossAt))).toBe(false);
    expect(callsAPerson(alarm, runsUntil(lossAt + 6 * 60_000))).toBe(true);
    expect(endedAt).toBeGreaterThan(lossAt + 6 * 60_000);
  });
});

describe('worlds whose nodes have agents', () => {
  it('keep every promise though calls are lost, doubled, late and forged, and agents lie', async () => {
    const network = { agentCallsLost: 0.4, agentCallsDoubled: 0.4, agentDelayMsMax: 90_000 };
    const { totals } = await totalsOf(12, { agents: true, agentLies: true, ...network });
    expect(totals.violations).toEqual([]);
    expect(totals.orphans).toBe(0);
    for (const fault of ['call lost', 'answer lost', 'call doubled', 'call late', 'lies']) {
      expect(totals.faults[`agent ${fault}`], fault).toBeGreaterThan(20);
    }
  });
});

describe('worlds whose clusters have jobs', () => {
  const forced = { agents: true, jobs: true, tableLoss: 'none', killers: 'all' } as const;

  it('end each job once, and its cluster with it, though files are lost and agents hang', async () => {
    // With more of them hardly a job lives until somebody stops it.
    const faults = { agentLies: true, filesFail: 0.2, filesLost: 0.1, agentsHang: 0.15 };
    const { totals, outcomes } = await totalsOf(12, { ...forced, ...faults });
    expect(totals.violations).toEqual([]);
    expect(totals.orphans).toBe(0);
    for (const fault of ['file refused', 'transfer broken', 'upload lost', 'agent comes late']) {
      expect(totals.faults[fault], fault).toBeGreaterThan(0);
    }
    for (const state of ['done', 'failed', 'stopped'] as const) {
      const count = outcomes.reduce((sum, { jobs }) => sum + jobs[state], 0);
      expect(count, state).toBeGreaterThan(0);
    }
  });

  it('without faults are gone two minutes after the end of their job', async () => {
    const { totals, outcomes } = await totalsOf(8, { ...NO_FAULTS, ...forced, clusters: 4 });
    expect(totals.violations).toEqual([]);
    expect(outcomes.reduce((sum, { jobs }) => sum + jobs.done, 0)).toBeGreaterThan(8);
  });
});

describe('worlds with all kinds of networks', () => {
  it('never share a subnet, and leave no VLAN of an isolated cluster', async () => {
    const forced = { ...SMALL, clusters: 6, networks: true, tableLoss: 'none' } as const;
    const { totals, outcomes } = await totalsOf(8, { ...forced, killers: 'all', othersVlans: 8 });
    expect(outcomes.map(({ violation }) => violation)).toEqual(outcomes.map(() => null));
    expect(totals.faults['VLAN of others']).toBe(64);
  });
});

describe('a world in which records become unreadable', () => {
  it('keeps every promise, destroys their nodes by the reap tags, and raises the alarm', async () => {
    const forced = { ...SMALL, tableLoss: 'none', killers: 'all', poisonedRecords: 2 } as const;
    const { totals, outcomes } = await totalsOf(12, forced);
    expect(totals.violations).toEqual([]);
    expect(totals.orphans).toBe(0);
    const poisoned = outcomes.filter(({ faults }) => faults['record unreadable'] !== undefined);
    expect(poisoned.length).toBeGreaterThan(6);
    for (const { emitted } of poisoned) expect(emitted.UnreadableRecords).toBeGreaterThan(0);
  });
});

describe('a cluster of which few nodes came up', () => {
  const few = { clusters: 4, nodesMax: 12, hoursMax: 26, scarcity: 'limit' } as const;

  it.each([
    [33, { poisonedRecords: 1 }],
    [14, { tableLoss: 'emptied' }],
    [14, { tableLoss: 'unreachable' }],
  ] as const)('ends days later where no request can end it: seed %i, %j', async (seed, lost) => {
    const forced = { ...NO_FAULTS, ...few, ...lost };
    const { violation, orphans } = await simulate(seed, { forced });
    expect([violation, orphans]).toEqual([null, 0]);
  });
});

describe('a world in which Linode refuses deletions for longer than the safety margin', () => {
  it('records and logs the overspend, and deletes until no Linode is left', async () => {
    const forced = { ...NO_FAULTS, clusters: 6, hoursMax: 5, outages: 'long' } as const;
    const { totals, outcomes } = await totalsOf(16, forced);
    expect(totals.violations).toEqual([]);
    expect(totals.orphans).toBe(0);
    expect(totals.overspentClusters).toBeGreaterThan(0);
    expect(totals.recordedMicroUsd).toBe(totals.overspentMicroUsd);
    const logged = outcomes.reduce((sum, { overspendsLogged }) => sum + overspendsLogged, 0);
    expect(logged).toBe(totals.overspentClusters);
    // Every overspent cluster was overdue before; other clusters were overdue too.
    for (const { overspent, emitted } of outcomes.filter(
      ({ overspent }) => overspent.clusters > 0,
    )) {
      // Once at the end, and in each pass while the cluster lives.
      expect(emitted.Overspend).toBeGreaterThan(overspent.microUsd / 1e6 - 1e-9);
      expect(emitted.OverdueClusters).toBeGreaterThanOrEqual(overspent.clusters);
    }
  });
});

describe('an owner', () => {
  it('who extends every cluster on its warning is warned again, and keeps the budget', async () => {
    const forced = { ...NO_FAULTS, ...SMALL };
    const { totals } = await totalsOf(4, { ...forced, extensions: 0.7 });
    expect(totals.violations).toEqual([]);
    expect(totals.clusterHours).toBeGreaterThan((await totalsOf(4, forced)).totals.clusterHours);
  });

  it.each(refusalKinds)(
    'has the reason of each launch that %s kept from coming up',
    async (kind) => {
      const forced = { ...NO_FAULTS, ...SMALL, clusters: 8, createsRefused: kind } as const;
      const { totals, outcomes } = await totalsOf(3, forced);
      expect(totals.violations).toEqual([]);
      expect(totals.faults[`create refused, ${kind}`]).toBeGreaterThan(0);
      expect(outcomes.some(({ emitted }) => (emitted.FailedLaunches ?? 0) > 0)).toBe(true);
    },
  );

  it('of a schedule has one notice of a run, however often it is tried', async () => {
    const lasting = { tableLoss: 'none', killers: 'all', priceFactor: 1 } as const;
    const scarce = { schedule: true, retries: true, scarcity: 'limit' } as const;
    const traces: string[] = [];
    for (let seed = 1; seed <= 6; seed += 1) {
      const forced = { ...SMALL, ...lasting, ...scarce };
      const { violation, trace } = await simulate(seed, { forced, trace: true });
      expect(violation).toBeNull();
      traces.push(...trace);
    }
    expect(traces.some((line) => /schedule ran .*"tries":/.test(line))).toBe(true);
  });
});

describe('a broken promise', () => {
  it('is found where clusters have no safety margin', async () => {
    const { totals } = await totalsOf(3, { ...NO_FAULTS, ...SMALL, marginSeconds: 0 });
    expect(totals.violations.map(({ text }) => text).join()).toContain('violation: budget');
  });
});

describe('the texts of the simulation', () => {
  it('show the options that differ from a world without faults', () => {
    expect(optionsText(NO_FAULTS)).toBe('none');
    const options = { ...NO_FAULTS, flaky: 0.25, outages: 'long' } as const;
    expect(optionsText(options)).toBe('flaky=0.25 outages=long');
  });

  it('sum up how many worlds there were, which faults struck, and the violations', async () => {
    const totals = noTotals();
    add(totals, await simulate(3, { forced: SMALL }));
    const text = summaryOf(totals, 2_000);
    expect(text).toContain('1 seeds (');
    expect(text).toContain('0 violations');
    expect(text).toMatch(/2\.0 s: 0\.5 seeds a second, \d+ clusters a minute/);
  });

  it('say that no delivered time is measured if no cluster lived its full time', () => {
    const text = summaryOf(noTotals(), 2_000);
    expect(text).toContain('delivered: not measured: no cluster lived its full time');
  });

  it('show no fault for a fifth of all worlds', () => {
    const seeds = Array.from({ length: 1_000 }, (_, seed) => drawOptions(seed));
    const work = { clusters: 1, nodesMax: 10, hoursMax: 14, marginSeconds: 180 };
    const caps = { capped: false, windowCap: 'none' } as const;
    const asked = { ...work, ...caps, changes: false, schedule: false };
    const others = { retries: false, extensions: 0, agents: false, networks: false };
    const invoice = { invoice: 'none', invoiceLabels: 'console', transfer: 'none' } as const;
    const faultless = seeds.filter(
      (options) => optionsText({ ...options, ...asked, ...others, ...invoice }) === 'none',
    );
    expect(faultless.length).toBeGreaterThan(150);
    expect(faultless.length).toBeLessThan(300);
  });
});
