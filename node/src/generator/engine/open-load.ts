import { arrivalTimeMs, arrivalsBefore, inFlightBound } from '../schedule/arrivals.ts';
import { OwnArrivals, tableAt } from '../schedule/stripes.ts';
import type { GeneratorShare, StripeTable } from '../schedule/types.ts';
import { inFlightShare } from '../schedule/users.ts';
import type { Plan } from '../../plan/plan.ts';
import type { Limits, LoadDriver, LoadSink } from './load-driver.ts';

/** Decisions per pump: after a pause thousands may be due, and the answers that came meanwhile must be read in between. */
const maxDecisionsPerPump = 500;

/**
 * The own arrivals, in order, each decided once: fired, dropped (bound in flight) or not fired. An arrival whose instant comes
 * while the horizon is not beyond it is lost to us for good, since a table yet unknown may give it to another node; whose
 * book it belongs into is therefore decided only when the horizon has passed it, by the tables known then.
 */
export class OpenLoad implements LoadDriver {
  readonly #plan: Plan;
  readonly #share: GeneratorShare;
  readonly #sink: LoadSink;
  readonly #bound: number;
  #tables: readonly StripeTable[] = [];
  #own: OwnArrivals;
  /** Every arrival below it is decided, or not ours. */
  #index = 0;
  /** Arrivals planned up to here and undecided may not be fired any more. */
  #forfeitMs: number;
  /** The bound in flight under the table in force, and from when on it must be reckoned anew. */
  #ownBound = 0;
  #ownBoundUntilMs = -Infinity;

  /** What is planned up to `joinedMs` is too late to fire. */
  constructor(plan: Plan, share: GeneratorShare, sink: LoadSink, joinedMs: number) {
    this.#plan = plan;
    this.#share = share;
    this.#sink = sink;
    this.#bound = inFlightBound(plan);
    this.#own = this.#ownArrivals();
    this.#forfeitMs = joinedMs;
  }

  setTables(tables: readonly StripeTable[]): void {
    this.#tables = tables;
    this.#own = this.#ownArrivals();
    this.#ownBoundUntilMs = -Infinity;
  }

  pump(runMs: number, limits: Limits): number {
    const { load } = this.#plan;
    const mayDecide = Math.min(limits.horizonMs, limits.endMs);
    for (let decisions = 0; ; decisions++) {
      const index = this.#own.next(this.#index);
      const plannedMs = index === Infinity ? Infinity : arrivalTimeMs(load, index);
      if (plannedMs > runMs || plannedMs >= mayDecide) break;
      if (decisions === maxDecisionsPerPump) return plannedMs;
      this.#sink.reached(plannedMs);
      this.#index = index + 1;
      this.#decide(index, plannedMs);
    }
    if (runMs >= limits.horizonMs) this.#forfeitMs = Math.max(this.#forfeitMs, runMs);
    return Math.min(runMs, limits.horizonMs >= limits.endMs ? Infinity : limits.horizonMs);
  }

  nextDueMs(limits: Limits): number {
    const index = this.#own.next(this.#index);
    const plannedMs = index === Infinity ? Infinity : arrivalTimeMs(this.#plan.load, index);
    return plannedMs < limits.endMs ? plannedMs : Infinity;
  }

  ended(): boolean {
    return false;
  }

  settleRest(endMs: number): void {
    const end = arrivalsBefore(this.#plan.load, endMs);
    for (let index = this.#own.next(this.#index); index < end; index = this.#own.next(this.#index)) {
      this.#sink.reached(arrivalTimeMs(this.#plan.load, index));
      this.#index = index + 1;
      this.#sink.skip(1);
    }
  }

  #decide(index: number, plannedMs: number): void {
    if (plannedMs <= this.#forfeitMs) this.#sink.skip(1);
    else if (this.#sink.inFlight >= this.#boundAt(plannedMs)) this.#sink.drop();
    else this.#sink.fire({ key: index, iteration: index, user: index, plannedMs });
  }

  #boundAt(plannedMs: number): number {
    if (plannedMs >= this.#ownBoundUntilMs) {
      const table = tableAt(this.#tables, plannedMs);
      this.#ownBound = table === null ? 0 : inFlightShare(this.#bound, table, this.#share);
      this.#ownBoundUntilMs = this.#tables.find(({ fromMs }) => fromMs > plannedMs)?.fromMs ?? Infinity;
    }
    return this.#ownBound;
  }

  #ownArrivals(): OwnArrivals {
    return OwnArrivals.of({ load: this.#plan.load, tables: this.#tables, share: this.#share, bound: this.#bound });
  }
}
