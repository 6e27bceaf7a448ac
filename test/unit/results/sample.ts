import type { ReportInput, ReportNode } from '../../../node/src/results/build-report.ts';
import { createMeasurements } from '../../../node/src/results/encoding.ts';
import { emptyBooks, type Books, type Measurements } from '../../../node/src/results/measurements.ts';

export const plan = {
  scenarios: [
    { name: 'browse', steps: [{ name: 'list products' }, { name: 'show one product' }] },
    { name: 'buy', steps: [{ name: 'log in' }] },
  ],
};

/** `requests` of each step, spread evenly between 1 and 100 ms; none late. */
export function measured(requests: number): Measurements {
  const all = createMeasurements(plan);
  for (const scenario of all.scenarios) {
    scenario.succeeded = requests;
    for (const step of scenario.steps) {
      step.requests = requests;
      step.statuses.set(200, requests);
      step.bytesReceived = requests * 1_500;
      step.bytesSent = requests * 200;
      for (let n = 0; n < requests; n++) {
        const us = 1_000 + (n / requests) * 99_000;
        step.responseUs.record(us);
        step.serviceUs.record(us - 500);
        step.latenessUs.record(500);
      }
    }
  }
  return all;
}

export function node(name: string, books: Partial<Books>, rest: Partial<ReportNode> = {}): ReportNode {
  return {
    node: name,
    session: 's1',
    region: 'eu',
    intervals: 20,
    lastInterval: 19,
    state: 'finished',
    lost: null,
    clockErrorMs: 0.05,
    startedLateMs: 0.4,
    books: { ...emptyBooks(), ...books },
    inFlight: 0,
    ...rest,
  };
}

export function input(change: Partial<ReportInput> = {}): ReportInput {
  return {
    run: {
      id: 'r-1',
      planHash: 'abc',
      submission: 'key:1',
      planName: 'checkout',
      tenant: null,
      state: 'finished',
      startedAt: '2026-11-21T10:00:00.000Z',
      durationMs: 20_000,
      plannedDurationMs: 20_000,
      ended: 'completed',
    },
    plan,
    settled: true,
    neverBegan: false,
    nodesFiring: null,
    planned: 2_000,
    users: null,
    regions: [{ region: 'eu', measurements: measured(1_000) }],
    nodes: [node('a', { fired: 1_000, answered: 1_000 }), node('b', { fired: 1_000, answered: 1_000 })],
    missing: [],
    withoutMajority: [],
    stripeChanges: [],
    loadChanges: [],
    firedPerSecond: Array.from({ length: 20 }, () => 100),
    endedPerSecond: Array.from({ length: 20 }, () => 100),
    ...change,
  };
}

/** A run whose node b was killed at 10 s: the demo's picture. */
export function degradedInput(): ReportInput {
  const regions = [{ region: 'eu', measurements: measured(900) }];
  const step = regions[0]!.measurements.scenarios[0]!.steps[0]!;
  step.failed = 12;
  step.errors.set('server_error', 9).set('reset_error', 3);
  regions[0]!.measurements.scenarios[0]!.failed = 12;
  return input({
    regions,
    nodes: [
      node('a', { fired: 1_310, answered: 1_301, failed: 8 }, { inFlight: 1 }),
      node(
        'b',
        { fired: 495, answered: 489, failed: 4 },
        {
          state: 'lost',
          intervals: 10,
          lastInterval: 9,
          inFlight: 2,
          lost: { fromMs: 10_000, toMs: 13_900, arrivals: 195 },
        },
      ),
    ],
    stripeChanges: [{ fromMs: 13_900, reason: 'node b is not connected: its share goes to a' }],
    firedPerSecond: Array.from({ length: 20 }, (_, second) => (second >= 10 && second < 14 ? 51 : 100)),
  });
}
