import { setImmediate as nextTurn } from 'node:timers/promises';
import { CutMerger } from '../agent/cut-merger.ts';
import { Outbox } from '../agent/outbox.ts';
import { StripeAccounts } from '../agent/stripe-accounts.ts';
import { decodeInterval, encodeInterval } from '../cluster/agent-messages.ts';
import type { CommandBody } from '../cluster/commands.ts';
import { encodeCommand } from '../cluster/reducer.ts';
import { slotOf, type AgentRef, type Run } from '../cluster/state.ts';
import { IntervalCollector } from '../coordinator/interval-collector.ts';
import { batchCommand } from '../coordinator/intervals.ts';
import type { Clock } from '../lib/clock.ts';
import { invariant } from '../lib/invariant.ts';
import type { Plan } from '../plan/plan.ts';
import { createMeasurements, encodeCut } from '../results/encoding.ts';
import { emptyBooks, type EncodedCut } from '../results/measurements.ts';
import { createReplicatedState } from './replicated-state.ts';

const name = 'warm-up';
const agent: AgentRef = { node: name, session: name, region: '' };
/** Most of it is the first: the codecs are compiled when they are first used. */
const intervals = 10;
/** Enough for what is usual; a run of hundreds of steps does not wait longer. */
const maxMs = 300;
const samples = 200;

/**
 * Takes a few made-up intervals of the plan the whole way, from a generator's cut to a replicated state, and forgets them.
 * The first interval of a process costs it 63 ms of processor time, the tenth 4 (`test/bench/first-interval.ts`). Spent in the
 * first second of a run, that is missing to the generators of the same machine, which have the lower priority. Lets heartbeats through between
 * the steps. Resolves with the intervals that were counted.
 */
export async function warmUpIntervals(plan: Plan, clock: Clock): Promise<number> {
  const replica = createReplica();
  const endMs = clock.nowMs() + maxMs;
  for (const command of untilStarted(plan)) await replica.commit(command);
  const merger = new CutMerger(plan, new StripeAccounts({ plan, slot: slotOf(agent), generators: 1 }), 1);
  const collector = new IntervalCollector();
  for (let number = 0; number < intervals && clock.nowMs() < endMs; number++) {
    const outbox = new Outbox();
    for (const cut of merger.add(0, madeUpCut(plan, number))) outbox.add(cut);
    const { texts } = outbox.head()!;
    const message = encodeInterval({ runId: name, agent, start: null, generators: 1, isEnding: false }, texts);
    await nextTurn();
    collector.take(decodeInterval(message), clock.nowMs());
    await nextTurn();
    const run = replica.run();
    await replica.commit(batchCommand(run, collector.next(run)));
  }
  return replica.run().agents[0]?.intervals ?? 0;
}

/** A replicated state of its own, to which each command comes as it does from the log. */
function createReplica(): { commit(body: CommandBody): Promise<void>; run(): Run } {
  const replica = createReplicatedState();
  const term = 1;
  return {
    async commit(body) {
      const data = encodeCommand({ ...body, term });
      await nextTurn();
      const result = replica.stateMachine.apply(data, { index: 1, term });
      invariant(result.ok, `the warm-up was refused: ${result.ok ? '' : result.message}`);
      await nextTurn();
    },
    run: () => replica.state().run!,
  };
}

function untilStarted(plan: Plan): readonly CommandBody[] {
  const runId = name;
  const labels = { planText: '', planHash: name, submissionId: name, submittedAtUnixMs: 0 };
  const acknowledgement = { agent, attempt: 1, outcome: { ok: true, generators: 1 } } as const;
  const start = { leader: name, term: 1, leaderMs: 0 };
  return [
    { kind: 'submitRun', runId, ...labels, source: null, plan, expected: [agent], missing: [] },
    { kind: 'acknowledge', runId, acknowledgement },
    { kind: 'scheduleStart', runId, start, startedAtUnixMs: 0, slots: [slotOf(agent)], horizonMs: 1_500 },
    { kind: 'markRunning', runId },
    { kind: 'extendHorizon', runId, horizonMs: 3_000, runMs: 1_000 },
  ];
}

function madeUpCut(plan: Plan, number: number): EncodedCut {
  const measurements = createMeasurements(plan);
  const histograms = measurements.scenarios.flatMap(({ durationUs, steps }) => [
    durationUs,
    ...steps.flatMap(({ responseUs, serviceUs, latenessUs }) => [responseUs, serviceUs, latenessUs]),
  ]);
  for (const histogram of histograms) for (let sample = 1; sample <= samples; sample++) histogram.record(sample ** 2);
  return encodeCut({ number, final: false, books: emptyBooks(), inFlight: 0, measurements });
}
