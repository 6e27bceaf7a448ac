import { slotOf, type Run } from '../cluster/state.ts';
import { currentSlots, maxSlots, readySlots, type Controller, type LeaderContext } from './context.ts';
import { extendEveryMs, goneAfterMs, mappingPatienceMs, minRestToJoinMs, stableBeforeJoinMs } from './timings.ts';

/**
 * Moves the horizon ahead of the run, and keeps the stripes with those who are there. Agents that are gone leave the table
 * BEFORE the horizon moves: so what a dead node costs is its stripe up to the horizon as it stood, never more.
 */
export class HorizonController implements Controller {
  readonly #context: LeaderContext;
  /** Agents whose generators have all died, or whose process is ending; known from their intervals. Null: neither. */
  readonly #whyNotFiring: (slot: string) => string | null;
  #extendedAtMs = -Infinity;
  #unmappedSinceMs: number | null = null;

  constructor(context: LeaderContext, whyNotFiring: (slot: string) => string | null) {
    this.#context = context;
    this.#whyNotFiring = whyNotFiring;
  }

  async reconcile(run: Run): Promise<void> {
    if (run.phase.name !== 'scheduled' && run.phase.name !== 'running' && run.phase.name !== 'draining') return;
    const runMs = this.#context.runMs(run.id);
    if (runMs === null) return this.#waitForMapping(run);
    this.#unmappedSinceMs = null;
    const { clock, exclusively, horizonLengthMs, propose, state } = this.#context;
    const isDue = clock.nowMs() - this.#extendedAtMs >= extendEveryMs;
    if (run.phase.name !== 'running' || !isDue || run.horizonMs >= run.plan.durationMs) return;
    this.#extendedAtMs = clock.nowMs();
    await exclusively(async () => {
      const latest = state().run;
      if (latest?.id !== run.id || latest.phase.name !== 'running') return;
      const slots = this.#slotsFrom(latest, runMs);
      if (slots === null) {
        await propose({ kind: 'abortRun', runId: run.id, reason: 'no node is left that can send load' });
        return;
      }
      if (slots.reason !== null) {
        this.#context.log.warn({ run: run.id, reason: slots.reason, nodes: slots.next.length }, 'changes the stripes');
        await propose({ kind: 'assignStripes', runId: run.id, slots: slots.next, reason: slots.reason });
      }
      const nowRunMs = Math.max(0, this.#context.runMs(run.id) ?? runMs);
      // The latest: the end may have been brought forward while this waited for its turn.
      const horizonMs = Math.min(latest.plan.durationMs, nowRunMs + horizonLengthMs);
      if (horizonMs > latest.horizonMs)
        await propose({ kind: 'extendHorizon', runId: run.id, horizonMs, runMs: nowRunMs });
    });
  }

  /** The table as it should be, and why it differs; null: nobody can fire, though there is something left to fire. */
  #slotsFrom(run: Run, runMs: number): { readonly next: readonly string[]; readonly reason: string | null } | null {
    const { presence } = this.#context;
    const current = currentSlots(run);
    // All that is left is to settle it: generators that have ended by now (UnsentRescue) are no reason to abort.
    if (runMs >= run.plan.durationMs) return { next: current, reason: null };
    const gone = current.filter((slot) => presence.downForMs(slot) > goneAfterMs);
    const broken = current.filter((slot) => !gone.includes(slot) && this.#whyNotFiring(slot) !== null);
    const stay = current.filter((slot) => !gone.includes(slot) && !broken.includes(slot));
    const room = Math.max(0, maxSlots(run) - stay.length);
    const isLate = run.plan.durationMs - runMs < this.#context.horizonLengthMs + minRestToJoinMs;
    // It doubles each time a node leaves again (ADR 82). With nobody left to fire there is no time to see whether a newcomer stays.
    const stableMs = stay.length === 0 ? 0 : stableBeforeJoinMs;
    const joining =
      isLate && stay.length > 0
        ? []
        : readySlots(run)
            .filter((slot) => this.#mayJoin(run, slot, stableMs))
            .slice(0, room);
    if (stay.length + joining.length === 0) return null;
    const names = (slots: readonly string[]): string => slots.map((slot) => nodeOf(run, slot)).join(', ');
    const reasons = [
      ...(gone.length > 0 ? [`${names(gone)} ${gone.length === 1 ? 'is' : 'are'} gone`] : []),
      ...broken.map((slot) => `${names([slot])} ${this.#whyNotFiring(slot) ?? ''}`),
      ...(joining.length > 0 ? [`${names(joining)} joined`] : []),
    ];
    return { next: [...stay, ...joining].sort(), reason: reasons.length === 0 ? null : reasons.join('; ') };
  }

  #mayJoin(run: Run, slot: string, stableMs: number): boolean {
    if (currentSlots(run).includes(slot) || this.#whyNotFiring(slot) !== null) return false;
    const isFinal = run.agents.some((progress) => slotOf(progress.agent) === slot && progress.final);
    const upMs = this.#context.presence.upForMs(slot);
    if (isFinal || upMs === null || upMs < stableMs) return false;
    return upMs >= stableMs * 2 ** Math.max(0, timesLeft(run, slot) - 1);
  }

  /** A leader that knows no run time asks for it (its agent does); if nobody answers for long, nobody knows. */
  async #waitForMapping(run: Run): Promise<void> {
    const nowMs = this.#context.clock.nowMs();
    this.#unmappedSinceMs ??= nowMs;
    if (nowMs - this.#unmappedSinceMs < mappingPatienceMs) return;
    const reason = 'no node that is left knows when the run began';
    this.#context.log.error({ run: run.id, reason }, 'aborts the run');
    await this.#context.propose({ kind: 'abortRun', runId: run.id, reason });
  }
}

/** How often the node has left the stripes, as whichever process: counted from the tables, so the same for every leader. */
function timesLeft(run: Run, slot: string): number {
  const node = nodeOf(run, slot);
  const isIn = run.tables.map((table) => table.slots.some((each) => nodeOf(run, each) === node));
  return isIn.filter((was, at) => was && isIn[at + 1] === false).length;
}

function nodeOf(run: Run, slot: string): string {
  return run.acknowledgements.find((each) => slotOf(each.agent) === slot)?.agent.node ?? slot;
}
