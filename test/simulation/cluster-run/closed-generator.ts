import { Engine } from '../../../node/src/generator/engine/engine.ts';
import type { IterationStart, Runner, RunnerHost } from '../../../node/src/generator/engine/runner.ts';
import type { GeneratorShare, StripeTable } from '../../../node/src/generator/schedule/types.ts';
import type { Plan } from '../../../node/src/plan/plan.ts';
import { encodeCut } from '../../../node/src/results/encoding.ts';
import type { EncodedCut, Measurements } from '../../../node/src/results/measurements.ts';
import type { MachineClock, World } from './world.ts';

/** Iterations of one request that take a moment of virtual time. */
class TimedRunner implements Runner {
  readonly nextWakeMs = Infinity;
  readonly #world: World;
  readonly #clock: MachineClock;
  readonly #host: RunnerHost;
  readonly #measurements: Measurements;
  #isAbandoned = false;

  constructor(world: World, clock: MachineClock, host: RunnerHost, measurements: Measurements) {
    this.#world = world;
    this.#clock = clock;
    this.#host = host;
    this.#measurements = measurements;
  }

  start({ user }: IterationStart): void {
    const tookMs = this.#world.random.between(20, 300);
    this.#world.after(tookMs, () => {
      if (this.#isAbandoned) return;
      const step = this.#measurements.scenarios[0]!.steps[0]!;
      step.requests++;
      step.responseUs.record(tookMs * 1_000);
      this.#host.ended(user, true, this.#clock.nowMs());
    });
  }

  wake(): void {
    // Its iterations end by timers of their own.
  }

  abandon(): void {
    this.#isAbandoned = true;
  }
}

/** The real engine of a closed model, a process of its own: it goes on while its node's process stands still. */
export class ClosedGenerator {
  readonly #engine: Engine;
  isAlive = true;

  constructor(of: {
    readonly world: World;
    readonly clock: MachineClock;
    readonly plan: Plan;
    readonly share: GeneratorShare;
    readonly onCut: (cut: EncodedCut) => void;
    readonly onStarted: (lateMs: number) => void;
  }) {
    const { world, clock, plan, share, onCut, onStarted } = of;
    this.#engine = new Engine({
      clock: {
        nowMs: () => clock.nowMs(),
        at: (atMs, callback) => world.after(atMs - clock.nowMs(), () => this.isAlive && callback()),
      },
      plan,
      seed: 1,
      share,
      started: onStarted,
      emit: (cut) => onCut(encodeCut(cut)),
      runnerFor: (host, measurements) => new TimedRunner(world, clock, host, measurements),
    });
  }

  // A dead process hears nothing.

  start(startMs: number): void {
    if (this.isAlive) this.#engine.start(startMs);
  }

  set tables(tables: readonly StripeTable[]) {
    if (this.isAlive) this.#engine.setTables(tables);
  }

  set horizonMs(horizonMs: number) {
    if (this.isAlive) this.#engine.extendHorizon(horizonMs);
  }

  set drain({ atMs, deadlineMs }: { readonly atMs: number; readonly deadlineMs: number }) {
    if (this.isAlive) this.#engine.drain(atMs, deadlineMs);
  }
}
