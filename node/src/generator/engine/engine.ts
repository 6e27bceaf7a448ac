import type { Clock } from '../../lib/clock.ts';
import { invariant } from '../../lib/invariant.ts';
import type { Plan } from '../../plan/plan.ts';
import type { Cut, Measurements } from '../../results/measurements.ts';
import { chooseScenario } from '../schedule/choose.ts';
import { durationOver } from '../schedule/course.ts';
import type { GeneratorShare, StripeTable } from '../schedule/types.ts';
import { ClosedLoad } from './closed-load.ts';
import { CutBook } from './cut-book.ts';
import type { Limits, LoadDriver, LoadSink } from './load-driver.ts';
import { OpenLoad } from './open-load.ts';
import { RunClock } from './run-clock.ts';
import type { Runner, RunnerHost } from './runner.ts';

export interface EngineParts {
  readonly clock: Clock;
  readonly plan: Plan;
  readonly seed: number;
  readonly share: GeneratorShare;
  /** Once, before the first cut: the run time at which the loop first passed the start. */
  readonly started: (lateMs: number) => void;
  /** Must have read the cut when it returns. */
  readonly emit: (cut: Cut) => void;
  readonly runnerFor: (host: RunnerHost, measurements: Measurements) => Runner;
}

/** Timers are good to a millisecond (load-testing.md 3d: 0.55 ms median lateness at 3 % of a core). */
const resolutionMs = 1;
/** The longest sleep: bounds how late a request's timeout is noticed that was sent after the timer had been set. */
const maxSleepMs = 20;

/**
 * One generator's part of a run: decides every own arrival exactly once, keeps the books by run seconds and hands them over.
 * Clock, timers and the carrying out of iterations are passed in. The rules it enforces are the design's Horizon and Books.
 */
export class Engine implements RunnerHost, LoadSink {
  readonly #parts: EngineParts;
  readonly #cuts: CutBook;
  readonly #runner: Runner;
  #runClock: RunClock | null = null;
  #tables: readonly StripeTable[] = [];
  #horizonMs = 0;
  /** As the plan has it, or the newest table that changed it. */
  #durationMs: number;
  #drain: { readonly atMs: number; readonly deadlineMs: number } | null = null;
  #driver: LoadDriver | null = null;
  #settledMs = -Infinity;
  #isPumping = false;
  #hasStarted = false;
  #isOver = false;
  /** `now` of the pump under way, in both times. */
  #nowMs = 0;
  #nowRunMs = 0;
  #armedMs = Infinity;
  #disarm: () => void = () => undefined;

  constructor(parts: EngineParts) {
    this.#parts = parts;
    this.#durationMs = parts.plan.durationMs;
    this.#cuts = new CutBook(parts.plan, parts.emit);
    this.#runner = parts.runnerFor(this, this.#cuts.measurements);
  }

  get inFlight(): number {
    return this.#cuts.inFlight;
  }

  /** The run starts (or, told again, is taken to have started) at this monotonic instant. */
  start(startMs: number): void {
    const nowMs = this.#parts.clock.nowMs();
    if (this.#runClock === null) this.#runClock = new RunClock(startMs, nowMs);
    else this.#runClock.correct(startMs, nowMs);
    this.#tick();
  }

  /** What it was it stays: an older message cannot take the horizon back. */
  extendHorizon(horizonMs: number): void {
    this.#horizonMs = Math.max(this.#horizonMs, horizonMs);
    this.#tick();
  }

  /** The whole list; a table added begins where nothing is settled yet, since tables take effect at the horizon. */
  setTables(tables: readonly StripeTable[]): void {
    const addedMs = tables[this.#tables.length]?.fromMs ?? Infinity;
    const settledMs = Math.min(this.#settledMs, this.#limits.endMs);
    invariant(addedMs >= settledMs, `a table from ${addedMs} ms came when all up to ${settledMs} ms was settled`);
    this.#tables = tables;
    this.#durationMs = durationOver(this.#parts.plan, tables);
    this.#driver?.setTables(tables);
    this.#tick();
  }

  drain(atMs: number, deadlineMs: number): void {
    this.#drain = { atMs, deadlineMs };
    this.#tick();
  }

  ended(user: number, succeeded: boolean, nowMs: number): void {
    if (this.#isOver) return;
    this.#cuts.ended(succeeded);
    const isDue = this.#driver!.ended(user, this.#runClock!.runMs(nowMs));
    if (this.#isPumping) return;
    if (isDue) this.#pump(nowMs);
    if (this.#drain !== null && this.inFlight === 0) this.wakeSooner(nowMs);
  }

  wakeSooner(atMs: number): void {
    if (atMs < this.#armedMs && !this.#isOver) this.#arm(atMs);
  }

  fire(start: {
    readonly key: number;
    readonly iteration: number;
    readonly user: number;
    readonly plannedMs: number;
  }): void {
    this.#cuts.fired();
    const { plan, seed } = this.#parts;
    this.#runner.start({
      scenario: chooseScenario(plan, seed, start.key),
      plannedMs: this.#nowMs - (this.#nowRunMs - start.plannedMs),
      iteration: start.iteration,
      user: start.user,
    });
  }

  drop(): void {
    this.#cuts.dropped();
  }

  skip(count: number): void {
    this.#cuts.notFired(count);
  }

  held(ms: number): void {
    this.#cuts.held(ms);
  }

  reached(runMs: number): void {
    this.#cuts.closeUntil(runMs);
  }

  get #limits(): Limits {
    const endMs = Math.min(this.#durationMs, this.#drain?.atMs ?? Infinity);
    return { horizonMs: this.#horizonMs, endMs };
  }

  /** Without a table nothing is known to be ours; with an order to drain, nothing will be. */
  #begin(nowMs: number): void {
    if (this.#driver !== null || this.#runClock === null) return;
    if (this.#tables.length === 0 && this.#drain === null) return;
    const { plan, share } = this.#parts;
    const runMs = this.#runClock.runMs(nowMs);
    const joinedMs = runMs > 0 ? runMs : -Infinity;
    this.#cuts.beginAt(firstCut(this.#tables, share.node, runMs));
    this.#driver =
      plan.load.model === 'rps'
        ? new OpenLoad(plan, share, this, joinedMs)
        : new ClosedLoad(plan, share, this, joinedMs);
    this.#driver.setTables(this.#tables);
  }

  #tick(): void {
    if (this.#isOver || this.#isPumping) return;
    const nowMs = this.#parts.clock.nowMs();
    this.#begin(nowMs);
    if (this.#driver === null) return;
    this.#runner.wake(nowMs);
    this.#pump(nowMs);
    if (this.#isDone()) this.#finish();
    else this.#arm(this.#nextMs(nowMs));
  }

  #pump(nowMs: number): void {
    this.#isPumping = true;
    this.#nowMs = nowMs;
    this.#nowRunMs = this.#runClock!.runMs(nowMs);
    if (this.#nowRunMs >= 0) {
      if (!this.#hasStarted) {
        this.#hasStarted = true;
        this.#parts.started(this.#nowRunMs);
      }
      this.#settledMs = this.#driver!.pump(this.#nowRunMs, this.#limits);
      this.#cuts.closeUntil(this.#settledMs);
    }
    this.#isPumping = false;
  }

  /** Nothing is under way or undecided; or it is, and the deadline has come. */
  #isDone(): boolean {
    const { endMs } = this.#limits;
    if (this.#drain === null || this.#nowRunMs < endMs) return false;
    return (this.inFlight === 0 && this.#settledMs >= endMs) || this.#nowRunMs >= this.#drain.deadlineMs;
  }

  #finish(): void {
    this.#isOver = true;
    this.#disarm();
    this.#runner.abandon();
    this.#driver!.settleRest(this.#limits.endMs);
    this.#cuts.closeUntil(this.#nowRunMs);
    this.#cuts.closeLast();
  }

  #nextMs(nowMs: number): number {
    const run = Math.min(
      // The start itself, whoever fires first: how late we were is measured there.
      this.#hasStarted ? Infinity : 0,
      this.#driver!.nextDueMs(this.#limits),
      this.#horizonMs >= this.#cuts.endMs ? this.#cuts.endMs : Infinity,
      this.#drain?.deadlineMs ?? Infinity,
    );
    const dueMs = Math.min(nowMs + (run - this.#nowRunMs), this.#runner.nextWakeMs, nowMs + maxSleepMs);
    return Math.max(dueMs, nowMs + resolutionMs);
  }

  #arm(atMs: number): void {
    this.#disarm();
    this.#armedMs = atMs;
    this.#disarm = this.#parts.clock.at(atMs, () => {
      this.#armedMs = Infinity;
      this.#tick();
    });
  }
}

/** Who begins late books from the second its first table began in, else from the second it is. */
function firstCut(tables: readonly StripeTable[], node: string, runMs: number): number {
  const ownFromMs = tables.find(({ slots }) => slots.includes(node))?.fromMs ?? runMs;
  return Math.max(0, Math.floor(Math.min(ownFromMs, runMs) / 1000));
}
