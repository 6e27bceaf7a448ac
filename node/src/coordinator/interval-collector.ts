import type { IntervalMessage } from '../cluster/agent-messages.ts';
import { slotOf, type AgentRef, type Run, type StartQuality } from '../cluster/state.ts';
import type { Cut } from '../results/measurements.ts';
import { maxCollectedPerAgent, maxIntervalsPerBatch } from './timings.ts';

export interface CollectedInterval {
  readonly agent: AgentRef;
  readonly start: StartQuality | null;
  readonly cut: Cut;
}

interface Collected {
  readonly agent: AgentRef;
  start: StartQuality | null;
  readonly cuts: Map<number, Cut>;
  generators: number;
  isEnding: boolean;
  heardAtMs: number;
}

/**
 * The intervals a leader has been sent and the state does not show yet. In memory only: the agents keep theirs until they
 * are counted, so a leader that dies loses nothing but time.
 */
export class IntervalCollector {
  #runId = '';
  readonly #agents = new Map<string, Collected>();

  /** False: too many of this agent are waiting; it keeps them and comes again. */
  take(message: IntervalMessage, nowMs: number): boolean {
    this.#forRun(message.runId);
    const slot = slotOf(message.agent);
    const known: Collected = this.#agents.get(slot) ?? {
      agent: message.agent,
      start: null,
      cuts: new Map(),
      generators: 0,
      isEnding: false,
      heardAtMs: 0,
    };
    this.#agents.set(slot, known);
    known.start = message.start;
    known.generators = message.generators;
    known.isEnding = message.isEnding;
    known.heardAtMs = nowMs;
    for (const cut of message.cuts) {
      if (known.cuts.size >= maxCollectedPerAgent && !known.cuts.has(cut.number)) return false;
      known.cuts.set(cut.number, cut);
    }
    return true;
  }

  lastHeardMs(slot: string): number | null {
    return this.#agents.get(slot)?.heardAtMs ?? null;
  }

  /** What it said itself that keeps it from firing (any longer); null: nothing. */
  whyNotFiring(slot: string): string | null {
    const known = this.#agents.get(slot);
    if (known?.isEnding === true) return 'is ending';
    return known?.generators === 0 ? 'has no generator left' : null;
  }

  /**
   * What may be counted next, agent by agent without gaps from its watermark; of an agent the state knows nothing of, from
   * the lowest number it sent (its messages begin with the first one not counted). Forgets what is in the state.
   */
  next(run: Run, limit = maxIntervalsPerBatch): readonly CollectedInterval[] {
    this.#forRun(run.id);
    const batch: CollectedInterval[] = [];
    for (const [slot, { agent, start, cuts }] of this.#agents) {
      const progress = run.agents.find((each) => slotOf(each.agent) === slot);
      for (const number of cuts.keys()) {
        if (progress !== undefined && (number <= progress.lastInterval || progress.final)) cuts.delete(number);
      }
      if (cuts.size === 0) continue;
      let number = progress === undefined ? Math.min(...cuts.keys()) : progress.lastInterval + 1;
      for (let cut = cuts.get(number); cut !== undefined; cut = cuts.get(++number)) {
        if (batch.length >= limit) return batch;
        batch.push({ agent, start, cut });
      }
    }
    return batch;
  }

  #forRun(runId: string): void {
    if (this.#runId === runId) return;
    this.#runId = runId;
    this.#agents.clear();
  }
}
