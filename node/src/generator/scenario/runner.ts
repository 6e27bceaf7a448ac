import type { Measurements } from '../../results/measurements.ts';
import type { IterationStart, Runner, RunnerHost } from '../engine/runner.ts';
import type { HttpClient } from '../http/client.ts';
import type { CompiledScenario } from './compile.ts';
import { Iteration, type IterationOwner } from './iteration.ts';
import type { Random } from './random.ts';
import { Sleepers } from './sleepers.ts';
import type { VariableSources } from './variables.ts';

/** After a pause thousands may be due, and the answers that came meanwhile must be read in between. */
const maxWokenPerTurn = 500;

export interface ScenarioRunnerParts {
  readonly scenarios: readonly CompiledScenario[];
  readonly client: HttpClient;
  readonly random: Random;
  readonly sources: VariableSources;
  readonly nowMs: () => number;
  /** Where the outcome is counted; of the same plan as `scenarios`. */
  readonly measurements: Measurements;
}

/** Runs iterations of compiled scenarios over the HTTP client. */
export class ScenarioRunner implements Runner, IterationOwner {
  readonly client: HttpClient;
  readonly random: Random;
  readonly sources: VariableSources;
  readonly #parts: ScenarioRunnerParts;
  readonly #host: RunnerHost;
  readonly #sleepers = new Sleepers<Iteration>();
  /** Ended iterations, to be used again; never more than were in flight at once, which the engine bounds. */
  readonly #free: Iteration[] = [];

  constructor(parts: ScenarioRunnerParts, host: RunnerHost) {
    this.client = parts.client;
    this.random = parts.random;
    this.sources = parts.sources;
    this.#parts = parts;
    this.#host = host;
  }

  start(start: IterationStart): void {
    const { scenario, plannedMs, iteration, user } = start;
    const steps = this.#parts.scenarios[scenario]!;
    const measured = this.#parts.measurements.scenarios[scenario]!;
    const running = this.#free.pop() ?? new Iteration(this);
    running.begin({ steps, measured, plannedMs, iteration, user }, this.#parts.nowMs());
  }

  wake(nowMs: number): void {
    this.client.expire(nowMs);
    for (let woken = 0; woken < maxWokenPerTurn; woken++) {
      const due = this.#sleepers.takeDue(nowMs);
      if (due === null) return;
      // Each with its own look at the clock: what the sends before it took is lateness of ours, not service time of the target.
      due.awake(this.#parts.nowMs());
    }
  }

  get nextWakeMs(): number {
    return Math.min(this.#sleepers.soonestMs, this.client.nextDeadlineMs);
  }

  abandon(): void {
    this.#sleepers.clear();
    this.client.close();
  }

  sleep(iteration: Iteration, untilMs: number): void {
    this.#sleepers.add(untilMs, iteration);
    this.#host.wakeSooner(untilMs);
  }

  finished(iteration: Iteration, succeeded: boolean, nowMs: number): void {
    const { user } = iteration;
    this.#free.push(iteration);
    this.#host.ended(user, succeeded, nowMs);
  }
}
