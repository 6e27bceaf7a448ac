import { slotOf, type DrainOrder, type Run } from '../cluster/state.ts';
import type { Controller, LeaderContext } from './context.ts';
import { completedGraceMs, finishAfterDeadlineMs, silentAfterMs, stoppedGraceMs } from './timings.ts';

/** Ends the load when the plan's time has come, and the run when everyone's last interval is in or will not come. */
export class FinishController implements Controller {
  readonly #context: LeaderContext;
  readonly #lastHeardMs: (slot: string) => number | null;
  readonly #inOfficeSinceMs: number;
  #draining = '';
  #sinceMs = 0;

  constructor(context: LeaderContext, lastHeardMs: (slot: string) => number | null) {
    this.#context = context;
    this.#lastHeardMs = lastHeardMs;
    this.#inOfficeSinceMs = context.clock.nowMs();
  }

  async reconcile(run: Run): Promise<void> {
    const runMs = this.#context.runMs(run.id);
    const { durationMs } = run.plan;
    // The horizon first reaches the end (late, after an election): by it generators settle what they did not fire.
    if (run.phase.name === 'running' && runMs !== null && runMs >= durationMs && run.horizonMs >= durationMs) {
      const deadlineMs = durationMs + completedGraceMs;
      await beginDraining(this.#context, run.id, () => ({ reason: 'completed', atMs: durationMs, deadlineMs }));
    }
    if (run.phase.name === 'draining') await this.#finish(run, run.phase.stop, runMs);
  }

  async #finish(run: Run, stop: DrainOrder, runMs: number | null): Promise<void> {
    const { clock, log, propose } = this.#context;
    if (this.#draining !== run.id) {
      this.#draining = run.id;
      this.#sinceMs = clock.nowMs();
    }
    const final = new Set(run.agents.filter((each) => each.final).map((each) => slotOf(each.agent)));
    const firing = [...run.agents.map((each) => slotOf(each.agent)), ...run.tables.flatMap((table) => table.slots)];
    const open = [...new Set(firing)].filter((slot) => !final.has(slot));
    // Drained long after the deadline (the quorum was away), agents still get the time to hand over what they kept.
    const isOverdue =
      runMs !== null &&
      runMs > stop.deadlineMs + finishAfterDeadlineMs &&
      clock.nowMs() > this.#sinceMs + finishAfterDeadlineMs;
    const awaited = isOverdue ? [] : open.filter((slot) => !this.#isSilent(slot));
    if (awaited.length > 0) return;
    if (open.length > 0) log.warn({ run: run.id, agents: open }, 'finishes without the last intervals of these agents');
    await propose({ kind: 'finishRun', runId: run.id });
  }

  /** Gone for that long, or connected without a word since its end was ordered or it last spoke, whichever is later. */
  #isSilent(slot: string): boolean {
    const { clock, presence } = this.#context;
    // Never met by this leader may only mean: not yet.
    const goneMs = Math.min(presence.downForMs(slot), clock.nowMs() - this.#inOfficeSinceMs);
    if (goneMs >= silentAfterMs) return true;
    const sinceMs = Math.max(this.#sinceMs, this.#lastHeardMs(slot) ?? -Infinity);
    return clock.nowMs() - sinceMs >= silentAfterMs;
  }
}

/**
 * Ends a run before its time, at the horizon as it stands: nobody has fired beyond it, so everyone ends at the same arrival.
 */
export function stopRun(context: LeaderContext, runId: string): Promise<boolean> {
  return beginDraining(context, runId, (run) => {
    const { durationMs } = run.plan;
    const atMs = Math.min(durationMs, run.horizonMs);
    // A stop that comes after the planned end (nobody led until then) cuts nothing short.
    const isOver = atMs === durationMs && (context.runMs(runId) ?? 0) >= durationMs;
    return { reason: isOver ? 'completed' : 'stopped', atMs, deadlineMs: atMs + stoppedGraceMs };
  });
}

/** False: the run was not running any more (or not yet) when its turn came. */
function beginDraining(context: LeaderContext, runId: string, orderFor: (run: Run) => DrainOrder): Promise<boolean> {
  return context.exclusively(async () => {
    const { run } = context.state();
    if (run?.id !== runId || run.phase.name !== 'running') return false;
    const stop = orderFor(run);
    context.log.info({ run: runId, ...stop }, 'ends the load');
    const result = await context.propose({ kind: 'beginDraining', runId, stop });
    return result.ok;
  });
}
