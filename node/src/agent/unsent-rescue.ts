import type { Run } from '../cluster/state.ts';
import { TuttiError } from '../lib/errors.ts';
import type { AgentContext } from './context.ts';
import type { Generators } from './generators.ts';
import { maxUnsentBytesAfterStop, type Outbox } from './outbox.ts';
import type { RunClock } from './run-clock.ts';

/** How long after the end of the plan a cluster without a quorum may still come back before its nodes save what they hold. */
const quorumGoneMs = 60_000;
/** Generators told to end give their last cut at once; a stuck one must not keep the rest from being saved. */
const lastCutMs = 5_000;

/**
 * The quorum never came back: the generators are ended and what nobody took is written down, said aloud. The intervals stay
 * in memory too, so a cluster that returns even later still gets them; it settles the rest as lost, since only the log can
 * say what was this node's to fire in between.
 */
export class UnsentRescue {
  readonly #context: AgentContext;
  readonly #runId: string;
  readonly #outbox: Outbox;
  #appliedIndex = -1;
  #progressAtMs = -Infinity;
  #endedAtMs: number | null = null;
  #isWritten = false;

  constructor(context: AgentContext, runId: string, outbox: Outbox) {
    this.#context = context;
    this.#runId = runId;
    this.#outbox = outbox;
  }

  /** From now on no cut is this agent's last: whether more was its to fire, only the log could say. */
  get isEnding(): boolean {
    return this.#endedAtMs !== null;
  }

  /** `horizonMs`: as the generators know it, the end of what they can account for. */
  reconcile(run: Run, runClock: RunClock | null, generators: Generators | null, horizonMs: number): void {
    const nowMs = this.#context.clock.nowMs();
    const { appliedIndex } = this.#context.consensus.status();
    if (appliedIndex !== this.#appliedIndex) {
      this.#appliedIndex = appliedIndex;
      this.#progressAtMs = nowMs;
    }
    if (runClock === null || generators === null || this.#isWritten) return;
    const planEndMs = runClock.startMs(nowMs) + run.plan.durationMs;
    const isGone = nowMs - Math.max(planEndMs, this.#progressAtMs) > quorumGoneMs;
    if (!isGone && this.#outbox.bytes < maxUnsentBytesAfterStop) return;
    if (this.#endedAtMs === null) {
      this.#endedAtMs = nowMs;
      generators.drain(Math.min(run.plan.durationMs, horizonMs), Math.max(horizonMs, runClock.runMs(nowMs)));
    }
    if (nowMs - this.#endedAtMs < lastCutMs) return;
    this.#isWritten = true;
    void this.#write(run, generators);
  }

  async #write(run: Run, generators: Generators): Promise<void> {
    const { log, self, writeUnsent } = this.#context;
    const intervals = this.#outbox.size;
    const head = JSON.stringify({ run: run.id, planHash: run.planHash, agent: self });
    const text = `${head.slice(0, -1)},"cuts":[${this.#outbox.all().join(',')}]}\n`;
    try {
      const path = await writeUnsent(run.id, text);
      log.error(
        { run: this.#runId, intervals, path },
        'the cluster has had no quorum since the end of the plan: wrote the intervals it never took, and ended the load',
      );
    } catch (thrown) {
      const { message } = TuttiError.from(thrown);
      log.error(
        { run: this.#runId, intervals, why: message },
        'the intervals the cluster never took cannot be written',
      );
    }
    await generators.close();
  }
}
