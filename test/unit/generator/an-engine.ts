import { Engine } from '../../../node/src/generator/engine/engine.ts';
import type { IterationStart, Runner, RunnerHost } from '../../../node/src/generator/engine/runner.ts';
import type { GeneratorShare, StripeTable } from '../../../node/src/generator/schedule/types.ts';
import type { Clock } from '../../../node/src/lib/clock.ts';
import type { Plan } from '../../../node/src/plan/plan.ts';
import type { Books } from '../../../node/src/results/measurements.ts';
import { VirtualClock } from './fixtures.ts';

export interface SeenCut {
  readonly number: number;
  readonly final: boolean;
  readonly books: Books;
  readonly inFlight: number;
}

/** Iterations that take as long as `durationMs` says; NaN: they fail before `start` returns. */
export class FakeRunner implements Runner {
  readonly started: (IterationStart & { readonly atMs: number })[] = [];
  readonly nextWakeMs = Infinity;
  abandoned = false;
  readonly #clock: Clock;
  readonly #host: RunnerHost;
  readonly #durationMs: (start: IterationStart) => number;

  constructor(clock: Clock, host: RunnerHost, durationMs: (start: IterationStart) => number) {
    this.#clock = clock;
    this.#host = host;
    this.#durationMs = durationMs;
  }

  start(start: IterationStart): void {
    const atMs = this.#clock.nowMs();
    this.started.push({ ...start, atMs });
    const durationMs = this.#durationMs(start);
    if (Number.isNaN(durationMs)) return this.#host.ended(start.user, false, atMs);
    this.#clock.at(atMs + durationMs, () => {
      if (!this.abandoned) this.#host.ended(start.user, start.iteration % 3 !== 0, this.#clock.nowMs());
    });
  }

  wake(): void {
    // Its iterations end by timers of their own.
  }

  abandon(): void {
    this.abandoned = true;
  }
}

export interface AnEngine {
  readonly clock: VirtualClock;
  readonly cuts: readonly SeenCut[];
  readonly engine: Engine;
  readonly runner: FakeRunner;
  readonly share: GeneratorShare;
  /** What was said of the start, with the number of cuts before it. */
  readonly starts: readonly { readonly lateMs: number; readonly afterCuts: number }[];
}

export function anEngine(
  plan: Plan,
  share: GeneratorShare = { node: 'a', index: 0, of: 1 },
  durationMs: (start: IterationStart) => number = () => 20,
): AnEngine {
  const clock = new VirtualClock();
  const cuts: SeenCut[] = [];
  const starts: AnEngine['starts'][number][] = [];
  let runner!: FakeRunner;
  const engine = new Engine({
    clock,
    plan,
    seed: 1,
    share,
    started: (lateMs) => starts.push({ lateMs, afterCuts: cuts.length }),
    emit: ({ number, final, books, inFlight }) => cuts.push({ number, final, books: { ...books }, inFlight }),
    runnerFor: (host) => (runner = new FakeRunner(clock, host, durationMs)),
  });
  return { clock, cuts, engine, runner, share, starts };
}

export const rps = (ratePerSecond: number): { readonly model: 'rps'; readonly ratePerSecond: number } => ({
  model: 'rps',
  ratePerSecond,
});
export const alone: StripeTable[] = [{ fromMs: 0, slots: ['a'] }];
export const sum = (cuts: readonly SeenCut[], line: keyof Books): number =>
  cuts.reduce((total, { books }) => total + books[line], 0);
