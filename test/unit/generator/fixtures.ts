import type { Clock } from '../../../node/src/lib/clock.ts';
import { Sleepers } from '../../../node/src/generator/scenario/sleepers.ts';
import type { Plan, Step } from '../../../node/src/plan/plan.ts';

export const aStep = (step: Partial<Step> = {}): Step => ({
  name: 'step',
  method: 'GET',
  path: '/',
  queryParams: [],
  headers: [],
  body: null,
  bodyBytes: null,
  extract: [],
  assertions: [],
  thinkTime: null,
  ...step,
});

export const aPlan = (plan: Partial<Plan> = {}): Plan => ({
  version: '1.0',
  metadata: { name: null, description: null, author: null, tags: [], tenant: null, runId: null },
  baseUrl: 'http://127.0.0.1:1',
  timeoutMs: 1000,
  durationMs: 10_000,
  workers: null,
  skipTlsVerify: false,
  headers: [],
  resolve: null,
  pool: { maxIdlePerHost: 32, idleTimeoutMs: 30_000 },
  load: { model: 'rps', ratePerSecond: 100 },
  scenarios: [{ name: 'only', weight: 1, steps: [aStep()] }],
  ...plan,
});

interface Timer {
  readonly atMs: number;
  callback: () => void;
}

/** A clock whose time passes only by `advanceTo`, which runs what has come due in order. */
export class VirtualClock implements Clock {
  #nowMs = 0;
  readonly #timers = new Sleepers<Timer>();

  nowMs(): number {
    return this.#nowMs;
  }

  at(atMs: number, callback: () => void): () => void {
    const timer: Timer = { atMs, callback };
    this.#timers.add(atMs, timer);
    return () => (timer.callback = () => undefined);
  }

  advanceTo(ms: number): void {
    for (let due = this.#timers.takeDue(ms); due !== null; due = this.#timers.takeDue(ms)) {
      this.#nowMs = Math.max(this.#nowMs, due.atMs);
      due.callback();
    }
    this.#nowMs = Math.max(this.#nowMs, ms);
  }

  /** Time passes and nothing runs: the process was stopped. */
  pauseUntil(ms: number): void {
    this.#nowMs = Math.max(this.#nowMs, ms);
  }
}
