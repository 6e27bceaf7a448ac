import type { Run } from '../cluster/state.ts';
import { maxSlots, readySlots, type Controller, type LeaderContext } from './context.ts';
import { goneAfterMs, startLeadMs } from './timings.ts';

/** Names the instant of the start once all are ready, and says when it has come. */
export class StartController implements Controller {
  readonly #context: LeaderContext;

  constructor(context: LeaderContext) {
    this.#context = context;
  }

  async reconcile(run: Run): Promise<void> {
    // Not between a look at the phase and an abort: nobody may send load of a run that is aborted as not begun.
    if (run.phase.name === 'ready') await this.#context.exclusively(() => this.#schedule(run.id));
    const runMs = this.#context.runMs(run.id);
    if (run.phase.name === 'scheduled' && runMs !== null && runMs >= 0) {
      await this.#context.propose({ kind: 'markRunning', runId: run.id });
    }
  }

  async #schedule(runId: string): Promise<void> {
    const { clock, horizonLengthMs, log, presence, propose, self, slowestRoundTripMs, term, unixMs } = this.#context;
    const { run } = this.#context.state();
    if (run?.id !== runId || run.phase.name !== 'ready') return;
    const leadMs = startLeadMs(slowestRoundTripMs());
    // One that died since it acknowledged would cost its stripe up to the first horizon.
    const present = readySlots(run).filter((slot) => presence.downForMs(slot) <= goneAfterMs);
    const slots = present.slice(0, maxSlots(run));
    if (slots.length === 0) {
      await propose({ kind: 'abortRun', runId: run.id, reason: 'no prepared node is left to start' });
      return;
    }
    log.info({ run: run.id, inMs: leadMs, nodes: slots.length }, 'schedules the start');
    await propose({
      kind: 'scheduleStart',
      runId: run.id,
      start: { leader: self.node, term, leaderMs: clock.nowMs() + leadMs },
      startedAtUnixMs: Math.round(unixMs() + leadMs),
      slots,
      horizonMs: Math.min(run.plan.durationMs, horizonLengthMs),
    });
  }
}
