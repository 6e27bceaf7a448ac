import { arrivalsBefore, inFlightBound } from '../generator/schedule/arrivals.ts';
import type { Plan } from '../plan/plan.ts';
import type { ReportInput, ReportNode } from '../results/build-report.ts';
import { addBooks, addMeasurements, createMeasurements, decodeCut } from '../results/encoding.ts';
import { emptyBooks, type EncodedCut } from '../results/measurements.ts';
import { addStep, createStep } from '../results/merge.ts';
import type { RunProgress } from '../results/progress.ts';

/** How a run came to stand where it does; what a cluster keeps in its phase. */
export interface Standing {
  readonly state: 'preparing' | 'running' | 'draining' | 'finished' | 'aborted';
  readonly ended: string | null;
  /** No arrival is planned at or after it: the plan's end, or the stop. */
  readonly endMs: number;
}

/** The one node of a standalone run. */
export const standaloneNode = 'standalone';

/** The measurements of a standalone run so far, in the forms that people read. */
export class Tally {
  readonly #plan: Plan;
  readonly #head: { readonly id: string; readonly planHash: string };
  readonly #measurements;
  readonly #books = emptyBooks();
  readonly #firedPerSecond: number[] = [];
  readonly #endedPerSecond: number[] = [];
  #startedAtUnixMs: number | null = null;
  #startedLateMs: number | null = null;
  #inFlight = 0;
  #lastInterval = -1;
  #intervals = 0;
  #isFinal = false;

  constructor(plan: Plan, head: { readonly id: string; readonly planHash: string }) {
    this.#plan = plan;
    this.#head = head;
    this.#measurements = createMeasurements(plan);
  }

  planStart(startedAtUnixMs: number): void {
    this.#startedAtUnixMs = startedAtUnixMs;
  }

  /** A generator's loop passed the start so late; the last one counts. */
  started(lateMs: number): void {
    this.#startedLateMs = Math.max(this.#startedLateMs ?? 0, lateMs);
  }

  add(encoded: EncodedCut): void {
    const cut = decodeCut(encoded);
    addMeasurements(this.#measurements, cut.measurements);
    addBooks(this.#books, cut.books);
    this.#inFlight = cut.inFlight;
    this.#lastInterval = cut.number;
    this.#intervals++;
    this.#isFinal ||= cut.final;
    for (const series of [this.#firedPerSecond, this.#endedPerSecond]) {
      while (series.length <= cut.number) series.push(0);
    }
    this.#firedPerSecond[cut.number]! += cut.books.fired;
    this.#endedPerSecond[cut.number]! += cut.books.answered + cut.books.failed;
  }

  reportInput({ state, ended, endMs }: Standing): ReportInput {
    const { metadata } = this.#plan;
    const isOver = state === 'finished' || state === 'aborted';
    const measuredMs = Math.min(endMs, this.#firedPerSecond.length * 1_000);
    return {
      run: {
        ...this.#head,
        planName: metadata.name,
        submission: null,
        tenant: metadata.tenant,
        state,
        startedAt: this.#startedAtUnixMs === null ? null : new Date(this.#startedAtUnixMs).toISOString(),
        durationMs: state === 'finished' ? endMs : measuredMs,
        plannedDurationMs: this.#plan.durationMs,
        ended: isOver ? ended : null,
      },
      plan: this.#plan,
      settled: isOver,
      neverBegan: state === 'aborted',
      nodesFiring: null,
      planned: this.#planned(endMs),
      users: this.#plan.load.model === 'concurrent' ? this.#plan.workers : null,
      regions: [{ region: 'local', measurements: this.#measurements }],
      nodes: [this.#node(state, endMs)],
      missing: [],
      withoutMajority: [],
      stripeChanges: [],
      loadChanges: [],
      firedPerSecond: this.#firedPerSecond,
      endedPerSecond: this.#endedPerSecond,
    };
  }

  progress({ state, ended, endMs }: Standing, elapsedMs: number): RunProgress {
    const every = createStep();
    for (const scenario of this.#measurements.scenarios) for (const step of scenario.steps) addStep(every, step);
    const quantileMs = (q: number): number | null =>
      every.responseUs.count === 0 ? null : every.responseUs.quantile(q) / 1_000;
    const withinMs = Math.min(endMs, Math.max(0, elapsedMs));
    const lastFullSecond = Math.min(this.#lastInterval, Math.ceil(endMs / 1_000) - 1);
    const { fired, answered, failed, dropped } = this.#books;
    return {
      runId: this.#head.id,
      state,
      reason: ended,
      planHash: this.#head.planHash,
      planName: this.#plan.metadata.name,
      tenant: this.#plan.metadata.tenant,
      elapsedMs: withinMs,
      durationMs: endMs,
      percent: endMs === 0 ? 100 : (withinMs / endMs) * 100,
      iterations: { fired, answered, failed, dropped, inFlight: this.#inFlight },
      requests: every.requests,
      failedRequests: every.failed,
      iterationsPerSecond: this.#firedPerSecond[lastFullSecond] ?? 0,
      nodesFiring: state === 'running' ? 1 : 0,
      responseMsP50: quantileMs(0.5),
      responseMsP99: quantileMs(0.99),
      nodes: [
        {
          node: standaloneNode,
          region: 'local',
          acknowledged: state !== 'preparing',
          lastInterval: this.#lastInterval,
          inStripes: state === 'running',
        },
      ],
    };
  }

  #planned(endMs: number): number | null {
    return this.#plan.load.model === 'concurrent' ? null : arrivalsBefore(this.#plan.load, endMs);
  }

  /** Without a last interval the generators have died: what they left is lost, as a lost node's would be. */
  #node(state: Standing['state'], endMs: number): ReportNode {
    const isLost = state === 'finished' && !this.#isFinal;
    const { fired, dropped, notFired, lost } = this.#books;
    const planned = this.#planned(endMs);
    const arrivals = planned === null ? null : Math.max(0, planned - fired - dropped - notFired - lost);
    const fromMs = Math.min(endMs, (this.#lastInterval + 1) * 1_000);
    return {
      node: standaloneNode,
      session: this.#head.id,
      region: 'local',
      intervals: this.#intervals,
      lastInterval: this.#lastInterval,
      state: this.#isFinal ? 'finished' : isLost ? 'lost' : state === 'aborted' ? 'aborted' : 'running',
      lost: isLost ? { fromMs, toMs: endMs, arrivals } : null,
      clockErrorMs: 0,
      startedLateMs: this.#startedLateMs,
      books: { ...this.#books },
      inFlight: this.#inFlight,
    };
  }
}

/** A generator without a user, or without one iteration in flight, would have nothing to do. */
export function usefulGenerators(plan: Plan, wanted: number): number {
  const shared = plan.load.model === 'concurrent' ? (plan.workers ?? wanted) : inFlightBound(plan);
  return Math.max(1, Math.min(wanted, shared));
}
