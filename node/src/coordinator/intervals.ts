import type { CommandBody } from '../cluster/commands.ts';
import type { Run } from '../cluster/state.ts';
import { TuttiError } from '../lib/errors.ts';
import { addMeasurements, createMeasurements, encodeMeasurements } from '../results/encoding.ts';
import type { Measurements } from '../results/measurements.ts';
import type { Controller, LeaderContext } from './context.ts';
import type { CollectedInterval, IntervalCollector } from './interval-collector.ts';
import { batchEveryMs, maxIntervalsPerBatch } from './timings.ts';

/**
 * Merges what the agents sent by region and proposes it with the identities in it, one batch at a time. Each batch is built
 * anew from the watermarks in the state, so a refused one is simply followed by a right one.
 */
export class IntervalController implements Controller {
  readonly #context: LeaderContext;
  readonly #collector: IntervalCollector;
  #proposedAtMs = -Infinity;
  #limit = maxIntervalsPerBatch;

  constructor(context: LeaderContext, collector: IntervalCollector) {
    this.#context = context;
    this.#collector = collector;
  }

  async reconcile(run: Run): Promise<void> {
    if (run.phase.name !== 'scheduled' && run.phase.name !== 'running' && run.phase.name !== 'draining') return;
    const { clock, log, propose } = this.#context;
    if (clock.nowMs() - this.#proposedAtMs < batchEveryMs) return;
    const batch = this.#collector.next(run, this.#limit);
    if (batch.length === 0) return;
    this.#proposedAtMs = clock.nowMs();
    try {
      const result = await propose(batchCommand(run, batch));
      if (!result.ok)
        log.warn({ run: run.id, why: result.message }, 'a batch of intervals was refused; builds it anew');
      this.#limit = maxIntervalsPerBatch;
    } catch (thrown) {
      const error = TuttiError.from(thrown);
      if (error.code !== 'TOO_LARGE') throw error;
      // Fewer intervals do not always merge to less; one that is too large alone can never be counted.
      if (batch.length === 1) {
        const reason = `the measurements of one second of node ${batch[0]!.agent.node} are too large: ${error.message}`;
        await propose({ kind: 'abortRun', runId: run.id, reason });
      }
      this.#limit = Math.max(1, Math.floor(batch.length / 2));
    }
  }
}

/** The command that counts a batch: its identities, and its measurements merged by region. */
export function batchCommand(run: Run, batch: readonly CollectedInterval[]): CommandBody {
  const regions = new Map<string, Measurements>();
  for (const { agent, cut } of batch) {
    const merged = regions.get(agent.region) ?? createMeasurements(run.plan);
    regions.set(agent.region, merged);
    addMeasurements(merged, cut.measurements);
  }
  return {
    kind: 'countIntervals',
    runId: run.id,
    intervals: batch.map(({ agent, start, cut }) => ({
      agent,
      number: cut.number,
      final: cut.final,
      books: cut.books,
      inFlight: cut.inFlight,
      start,
    })),
    regions: [...regions].map(([region, measurements]) => ({
      region,
      measurements: encodeMeasurements(measurements),
    })),
  };
}
