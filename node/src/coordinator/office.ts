import type { Run } from '../cluster/state.ts';
import { isOver } from '../cluster/transitions.ts';
import { TuttiError } from '../lib/errors.ts';
import type { Controller, LeaderContext } from './context.ts';
import { FinishController } from './finish.ts';
import { HorizonController } from './horizon.ts';
import { IntervalCollector } from './interval-collector.ts';
import { IntervalController } from './intervals.ts';
import { PrepareController } from './prepare.ts';
import { StartController } from './start.ts';
import { lookEveryMs } from './timings.ts';

/**
 * The controllers of one term of office. They hold nothing a successor would need: what counts is in the replicated state,
 * and each compares it with what it observes.
 */
export class Office {
  readonly context: LeaderContext;
  readonly collector = new IntervalCollector();
  readonly #controllers: readonly { readonly name: string; readonly controller: Controller; isBusy: boolean }[];
  readonly #onBug: (error: unknown) => void;
  #isOpen = true;
  #isPoked = false;
  #cancelLook: (() => void) | null = null;

  /** `onBug` hears of an error no controller expects; the process must not go on with it. */
  constructor(context: LeaderContext, onBug: (error: unknown) => void) {
    this.context = context;
    this.#onBug = onBug;
    const whyNotFiring = (slot: string): string | null => this.collector.whyNotFiring(slot);
    const lastHeardMs = (slot: string): number | null => this.collector.lastHeardMs(slot);
    this.#controllers = Object.entries({
      prepare: new PrepareController(context),
      start: new StartController(context),
      horizon: new HorizonController(context, whyNotFiring),
      intervals: new IntervalController(context, this.collector),
      finish: new FinishController(context, lastHeardMs),
    }).map(([name, controller]) => ({ name, controller, isBusy: false }));
    this.poke();
  }

  /** The state, or what was observed, has changed. */
  poke(): void {
    if (this.#isPoked || !this.#isOpen) return;
    this.#isPoked = true;
    queueMicrotask(() => {
      this.#isPoked = false;
      this.#look();
    });
  }

  close(): void {
    this.#isOpen = false;
    this.#cancelLook?.();
  }

  #look(): void {
    if (!this.#isOpen) return;
    const { run } = this.context.state();
    this.#cancelLook?.();
    this.#cancelLook = null;
    if (run === null || isOver(run.phase)) return;
    for (const each of this.#controllers) if (!each.isBusy) void this.#reconcile(each, run);
    const { clock } = this.context;
    this.#cancelLook = clock.at(clock.nowMs() + lookEveryMs, () => this.poke());
  }

  async #reconcile(
    each: { readonly name: string; readonly controller: Controller; isBusy: boolean },
    run: Run,
  ): Promise<void> {
    each.isBusy = true;
    try {
      await each.controller.reconcile(run);
    } catch (thrown) {
      this.#note(each.name, thrown);
    } finally {
      each.isBusy = false;
    }
  }

  #note(controller: string, thrown: unknown): void {
    const { code, message, isRetryable } = TuttiError.from(thrown);
    if (isRetryable || code === 'OUTCOME_UNKNOWN') {
      // Levels, not edges: whatever became of the proposal, the next look starts from the state as it then is.
      this.context.log.debug({ controller, code, why: message }, 'a proposal did not go through; looks again');
      return;
    }
    this.#onBug(thrown);
  }
}
