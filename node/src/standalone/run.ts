import { createHash, randomUUID } from 'node:crypto';
import { createGeneratorPool } from '../agent/generator-pool.ts';
import { seedOf, type CreateGenerators, type Generators } from '../agent/generators.ts';
import { systemClock, type Clock } from '../lib/clock.ts';
import { TuttiError } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import type { Plan } from '../plan/plan.ts';
import { buildReport } from '../results/build-report.ts';
import type { RunProgress } from '../results/progress.ts';
import type { RunReport } from '../results/report.ts';
import { openMetricsPort } from './metrics-port.ts';
import { standaloneNode, Tally, usefulGenerators, type Standing } from './tally.ts';

/** Spawning a generator and resolving names; a machine that needs longer cannot keep a schedule either. */
const prepareTimeoutMs = 30_000;
/** Generators hear of the start over a pipe, well within it. */
const startLeadMs = 200;
/**
 * How far ahead of the run generators may fire, as in a cluster: a process that stands still must not leave them firing, and a
 * stop is ordered where the horizon stands, so that none has fired beyond it, however late it hears of the stop. Shorter than
 * a cluster's: there is no election to outlast, and whoever stops a run waits this long.
 */
const horizonLengthMs = 1_000;
const extendEveryMs = 100;
/** As in a cluster (coordinator/timings.ts): what is in flight at the end gets so long, after a stop less. */
const completedGraceMs = 30_000;
const stoppedGraceMs = 5_000;
/** Generators give their last cut at the deadline; one that does not is stuck, and counted as lost. */
const lastCutMs = 5_000;
const progressEveryMs = 500;

export interface StandaloneOptions {
  readonly plan: Plan;
  readonly planText: string;
  /** Processes at most; a plan for fewer users gets fewer. */
  readonly generators: number;
  /** Where GET /metrics answers meanwhile; null: nowhere, and no port is opened at all. */
  readonly metricsAddress: { readonly host: string; readonly port: number } | null;
  /** By which that port may be called, besides the names of this machine. */
  readonly hostNames: readonly string[];
  readonly onProgress: (progress: RunProgress) => void;
  /** Aborted: the run ends in order, and the report says that it was stopped. */
  readonly signal: AbortSignal;
  readonly log: Log;
  readonly clock?: Clock;
  /** Wall clock, for labels. */
  readonly unixMs?: () => number;
  readonly createGenerators?: CreateGenerators;
}

/**
 * Runs a plan on this machine alone: the same generators, books and report as a cluster's, and nothing of the cluster. Rejects
 * with GENERATOR_FAILED when it cannot be prepared, ADDRESS_IN_USE when the metrics port is taken.
 */
export async function runStandalone(options: StandaloneOptions): Promise<RunReport> {
  const run = new StandaloneRun(options);
  const { hostNames, metricsAddress } = options;
  const metrics = metricsAddress === null ? null : await openMetricsPort(metricsAddress, hostNames, () => run.report());
  try {
    return await run.toEnd();
  } finally {
    await metrics?.close();
  }
}

class StandaloneRun {
  readonly #options: StandaloneOptions;
  readonly #clock: Clock;
  readonly #tally: Tally;
  readonly #id: string;
  readonly #timers = new Map<string, () => void>();
  readonly #ended = Promise.withResolvers<undefined>();
  #standing: Standing;
  #startMs: number | null = null;
  #horizonMs = 0;

  constructor(options: StandaloneOptions) {
    const { plan, planText } = options;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#id = plan.metadata.runId ?? `run-${randomUUID().slice(0, 8)}`;
    this.#tally = new Tally(plan, { id: this.#id, planHash: createHash('sha256').update(planText).digest('hex') });
    this.#standing = { state: 'preparing', ended: null, endMs: plan.durationMs };
  }

  report(): RunReport {
    return buildReport(this.#tally.reportInput(this.#standing));
  }

  async toEnd(): Promise<RunReport> {
    const { plan, signal } = this.#options;
    const generators = this.#createGenerators();
    const onStop = (): void => this.#stop(generators);
    signal.addEventListener('abort', onStop, { once: true });
    try {
      const outcome = await generators.prepare();
      if (signal.aborted) {
        this.#standing = { state: 'aborted', ended: 'stopped', endMs: plan.durationMs };
        return this.report();
      }
      if (!outcome.ok) {
        throw new TuttiError(
          'GENERATOR_FAILED',
          `the run could not be prepared, step '${outcome.step}': ${outcome.message}`,
        );
      }
      this.#start(generators);
      await this.#ended.promise;
      this.#standing = { ...this.#standing, state: 'finished' };
      this.#showProgress();
      return this.report();
    } finally {
      signal.removeEventListener('abort', onStop);
      for (const cancel of this.#timers.values()) cancel();
      await generators.close();
    }
  }

  #createGenerators(): Generators {
    const { generators: wanted, log, plan } = this.#options;
    const create =
      this.#options.createGenerators ??
      createGeneratorPool({ count: usefulGenerators(plan, wanted), clock: this.#clock, log });
    const job = { plan, seed: seedOf(this.#id), slot: standaloneNode, prepareTimeoutMs };
    const generators = create(job, {
      onStarted: (lateMs) => this.#tally.started(lateMs),
      onCut: (cut) => {
        this.#tally.add(cut);
        if (cut.final) this.#ended.resolve(undefined);
      },
      onFault: (message) => {
        const living = generators.living();
        log.error({ why: message, living }, 'a generator failed');
        if (living > 0 || this.#standing.state === 'preparing') return;
        this.#standing = { ...this.#standing, ended: 'every generator failed' };
        this.#ended.resolve(undefined);
      },
    });
    return generators;
  }

  #start(generators: Generators): void {
    const { durationMs } = this.#options.plan;
    const startMs = this.#clock.nowMs() + startLeadMs;
    this.#startMs = startMs;
    generators.setTables([{ fromMs: 0, slots: [standaloneNode] }]);
    this.#extendHorizon(generators);
    generators.start(startMs);
    this.#tally.planStart((this.#options.unixMs ?? Date.now)() + startLeadMs);
    this.#standing = { state: 'running', ended: null, endMs: durationMs };
    this.#at('end', startMs + durationMs, () => this.#drain(generators, 'completed', durationMs, completedGraceMs));
    this.#tick(startMs);
  }

  #stop(generators: Generators): void {
    if (this.#standing.state === 'preparing') {
      void generators.close();
      return;
    }
    if (this.#standing.state !== 'running' || this.#startMs === null) return;
    this.#drain(generators, 'stopped', this.#horizonMs, stoppedGraceMs);
  }

  #extendHorizon(generators: Generators): void {
    const { durationMs } = this.#options.plan;
    const nowMs = this.#clock.nowMs();
    this.#horizonMs = Math.min(durationMs, Math.ceil(Math.max(0, nowMs - this.#startMs!)) + horizonLengthMs);
    generators.setHorizon(this.#horizonMs);
    if (this.#horizonMs < durationMs) {
      this.#at('horizon', nowMs + extendEveryMs, () => this.#extendHorizon(generators));
    }
  }

  #drain(generators: Generators, ended: string, atMs: number, graceMs: number): void {
    for (const name of ['end', 'horizon']) this.#timers.get(name)?.();
    // After a pause of this process the end may come before the horizon has reached it; generators settle by it.
    if (this.#horizonMs < atMs) generators.setHorizon(atMs);
    this.#standing = { state: 'draining', ended, endMs: atMs };
    generators.drain(atMs, atMs + graceMs);
    this.#at('deadline', this.#startMs! + atMs + graceMs + lastCutMs, () => {
      this.#options.log.error({}, 'generators did not give their last interval in time; what they left is lost');
      this.#ended.resolve(undefined);
    });
  }

  #tick(atMs: number): void {
    this.#at('progress', atMs, () => {
      this.#showProgress();
      this.#tick(atMs + progressEveryMs);
    });
  }

  #showProgress(): void {
    this.#options.onProgress(this.#tally.progress(this.#standing, this.#clock.nowMs() - (this.#startMs ?? 0)));
  }

  #at(name: string, atMs: number, callback: () => void): void {
    this.#timers.set(name, this.#clock.at(atMs, callback));
  }
}
