import { CutMerger } from '../../../node/src/agent/cut-merger.ts';
import type {
  Generators,
  GeneratorsJob,
  GeneratorsListener,
  PrepareOutcome,
} from '../../../node/src/agent/generators.ts';
import { StripeAccounts } from '../../../node/src/agent/stripe-accounts.ts';
import { arrivalsBefore, arrivalTimeMs } from '../../../node/src/generator/schedule/arrivals.ts';
import { boundsOver, loadOver } from '../../../node/src/generator/schedule/course.ts';
import { OwnArrivals } from '../../../node/src/generator/schedule/stripes.ts';
import type { StripeTable } from '../../../node/src/generator/schedule/types.ts';
import { createMeasurements, encodeCut } from '../../../node/src/results/encoding.ts';
import { emptyBooks, type EncodedCut } from '../../../node/src/results/measurements.ts';
import { ClosedGenerator } from './closed-generator.ts';
import type { MachineClock, World } from './world.ts';

/** How long a generator may sleep between two looks at its schedule: a loaded machine, so that arrivals are fired late. */
const tickMs = 40;

/** What really happened, seen from outside: who fired which arrival, and every cut that was made. */
export class Witness {
  readonly firedBy = new Map<number, string[]>();
  readonly cuts = new Map<string, EncodedCut[]>();
  /** Run time at which each generator's loop first passed the start. */
  readonly startedMs = new Map<string, number[]>();

  fired(arrival: number, slot: string): void {
    this.firedBy.set(arrival, [...(this.firedBy.get(arrival) ?? []), slot]);
  }
}

/** The rules a generator must keep, on the real schedule arithmetic, without processes and without HTTP. */
class FakeGenerator {
  readonly #world: World;
  readonly #clock: MachineClock;
  readonly #job: GeneratorsJob;
  readonly #share: { readonly node: string; readonly index: number; readonly of: number };
  readonly #onCut: (cut: EncodedCut) => void;
  readonly #onStarted: (lateMs: number) => void;
  readonly #witness: Witness;
  isAlive = true;
  startMs: number | null = null;
  tables: readonly StripeTable[] = [];
  horizonMs = 0;
  drain: { readonly atMs: number; readonly deadlineMs: number } | null = null;
  #isTicking = false;
  #decidedMs = 0;
  #second: number | null = null;
  #books = emptyBooks();
  #endsAtMs: number[] = [];

  constructor(of: {
    world: World;
    clock: MachineClock;
    job: GeneratorsJob;
    index: number;
    count: number;
    witness: Witness;
    onCut: (cut: EncodedCut) => void;
    onStarted: (lateMs: number) => void;
  }) {
    this.#world = of.world;
    this.#clock = of.clock;
    this.#job = of.job;
    this.#share = { node: of.job.slot, index: of.index, of: of.count };
    this.#witness = of.witness;
    this.#onCut = of.onCut;
    this.#onStarted = of.onStarted;
  }

  start(startMs: number): void {
    this.startMs = startMs;
    if (this.#isTicking) return;
    this.#isTicking = true;
    this.#tick();
  }

  #tick(): void {
    if (!this.isAlive) return;
    const runMs = this.#clock.nowMs() - this.startMs!;
    if (runMs >= 0) {
      if (this.#second === null) this.#onStarted(runMs);
      this.#second ??= Math.floor(runMs / 1_000);
      for (let endMs = (this.#second + 1) * 1_000; endMs <= runMs; endMs += 1_000) {
        this.#decide(endMs);
        if (this.#cut(endMs)) return;
      }
      this.#decide(runMs);
    }
    this.#world.after(this.#world.random.between(5, tickMs), () => this.#tick());
  }

  /** Arrivals planned before `untilMs`: fired if the horizon is beyond them now, else never. */
  #decide(untilMs: number): void {
    if (untilMs <= this.#decidedMs) return;
    const load = loadOver(this.#job.plan.load, this.tables);
    const bound = boundsOver(this.#job.plan, this.tables);
    const own = OwnArrivals.of({ load, tables: this.tables, share: this.#share, bound });
    const end = arrivalsBefore(load, untilMs);
    for (
      let arrival = own.next(arrivalsBefore(load, this.#decidedMs));
      arrival < end;
      arrival = own.next(arrival + 1)
    ) {
      const plannedMs = arrivalTimeMs(load, arrival);
      if (plannedMs >= this.horizonMs || plannedMs >= (this.drain?.atMs ?? Infinity)) continue;
      this.#witness.fired(arrival, this.#job.slot);
      this.#books.fired++;
      this.#endsAtMs.push(plannedMs + this.#world.random.between(5, 1_500));
    }
    this.#decidedMs = untilMs;
  }

  #cut(atMs: number): boolean {
    const measurements = createMeasurements(this.#job.plan);
    const ended = this.#endsAtMs.filter((endMs) => endMs <= atMs).length;
    this.#endsAtMs = this.#endsAtMs.filter((endMs) => endMs > atMs);
    measurements.scenarios[0]!.succeeded = ended;
    measurements.scenarios[0]!.steps[0]!.requests = ended;
    measurements.scenarios[0]!.steps[0]!.responseUs.record(1_000 + this.#second!, ended);
    const { drain } = this;
    const final = drain !== null && atMs >= drain.atMs && (this.#endsAtMs.length === 0 || atMs >= drain.deadlineMs);
    const books = { ...this.#books, answered: ended };
    const cut = encodeCut({ number: this.#second!, final, books, inFlight: this.#endsAtMs.length, measurements });
    this.#second!++;
    this.#books = emptyBooks();
    this.#onCut(cut);
    return final;
  }
}

/** Two generators of a node behind the interface the agent knows, merged by the real merger. */
export class FakeGenerators implements Generators {
  static readonly count = 2;
  readonly #listener: GeneratorsListener;
  readonly #accounts: StripeAccounts;
  readonly #merger: CutMerger;
  readonly #all: readonly (FakeGenerator | ClosedGenerator)[];
  readonly #prepare: () => Promise<PrepareOutcome>;
  readonly #closed = Promise.withResolvers<PrepareOutcome>();

  constructor(of: {
    readonly world: World;
    readonly clock: MachineClock;
    readonly witness: Witness;
    readonly job: GeneratorsJob;
    readonly listener: GeneratorsListener;
    readonly prepare: () => Promise<PrepareOutcome>;
  }) {
    const { job, listener, witness } = of;
    const count = FakeGenerators.count;
    this.#listener = listener;
    this.#prepare = of.prepare;
    this.#accounts = new StripeAccounts({ plan: job.plan, slot: job.slot, generators: count });
    this.#merger = new CutMerger(job.plan, this.#accounts, count);
    witness.cuts.set(job.slot, witness.cuts.get(job.slot) ?? []);
    this.#all = Array.from({ length: count }, (_, index) => {
      const onCut = (cut: EncodedCut): void => void this.#emit(this.#merger.add(index, cut), witness, job.slot);
      const onStarted = (lateMs: number): void => {
        witness.startedMs.set(job.slot, [...(witness.startedMs.get(job.slot) ?? []), lateMs]);
        listener.onStarted(lateMs);
      };
      if (job.plan.load.model === 'rps') return new FakeGenerator({ ...of, index, count, onCut, onStarted });
      return new ClosedGenerator({
        ...of,
        plan: job.plan,
        share: { node: job.slot, index, of: count },
        onCut,
        onStarted,
      });
    });
    this.died = (index) => this.#emit(this.#merger.died(index), witness, job.slot);
  }

  readonly died: (index: number) => readonly EncodedCut[];

  #emit(cuts: readonly EncodedCut[], witness: Witness, slot: string): readonly EncodedCut[] {
    for (const cut of cuts) {
      witness.cuts.get(slot)!.push(cut);
      this.#listener.onCut(cut);
    }
    return cuts;
  }

  killGenerator(index: number): void {
    const generator = this.#all[index]!;
    if (!generator.isAlive) return;
    generator.isAlive = false;
    this.died(index);
    this.#listener.onFault('killed by the test');
  }

  /** Closed meanwhile it has failed, as in the pool. */
  prepare(): Promise<PrepareOutcome> {
    return Promise.race([this.#prepare(), this.#closed.promise]);
  }

  living(): number {
    return this.#all.filter((each) => each.isAlive).length;
  }

  start(startMs: number): void {
    for (const each of this.#all) if (each.isAlive) each.start(startMs);
  }

  setTables(tables: readonly StripeTable[]): void {
    this.#accounts.setTables(tables);
    for (const each of this.#all) each.tables = tables;
  }

  setHorizon(horizonMs: number): void {
    this.#accounts.setHorizon(horizonMs);
    for (const each of this.#all) each.horizonMs = horizonMs;
  }

  drain(atMs: number, deadlineMs: number): void {
    this.#accounts.drain(atMs);
    for (const each of this.#all) each.drain = { atMs, deadlineMs };
  }

  close(): Promise<void> {
    for (const each of this.#all) each.isAlive = false;
    this.#closed.resolve({ ok: false, step: 'prepare', message: 'the run ended while it was prepared' });
    return Promise.resolve();
  }
}
