import { arrivalTimeMs, arrivalsBefore } from '../schedule/arrivals.ts';
import { boundsOver, loadOver } from '../schedule/course.ts';
import { OwnArrivals } from '../schedule/stripes.ts';
import type { GeneratorShare, StripeTable } from '../schedule/types.ts';
import { inFlightShare } from '../schedule/users.ts';
import type { Load, Plan } from '../../plan/plan.ts';
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
  #tables: readonly StripeTable[] = [];
  /** With the changes that the tables brought. */
  #load: Load;
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
    this.#load = plan.load;
    this.#own = this.#ownArrivals();
    this.#forfeitMs = joinedMs;
  }

  setTables(tables: readonly StripeTable[]): void {
    this.#tables = tables;
    this.#load = loadOver(this.#plan.load, tables);
    this.#own = this.#ownArrivals();
    this.#ownBoundUntilMs = -Infinity;
  }

  pump(runMs: number, limits: Limits): number {
    const load = this.#load;
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
    const plannedMs = index === Infinity ? Infinity : arrivalTimeMs(this.#load, index);
    return plannedMs < limits.endMs ? plannedMs : Infinity;
  }

  ended(): boolean {
    return false;
  }

  settleRest(endMs: number): void {
    const end = arrivalsBefore(this.#load, endMs);
    for (let index = this.#own.next(this.#index); index < end; index = this.#own.next(this.#index)) {
      this.#sink.reached(arrivalTimeMs(this.#load, index));
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
      const position = this.#tables.findLastIndex(({ fromMs }) => fromMs <= plannedMs);
      const bound = position < 0 ? 0 : boundsOver(this.#plan, this.#tables)(position);
      this.#ownBound = position < 0 ? 0 : inFlightShare(bound, this.#tables[position]!, this.#share);
      this.#ownBoundUntilMs = this.#tables.find(({ fromMs }) => fromMs > plannedMs)?.fromMs ?? Infinity;
    }
    return this.#ownBound;
  }

  #ownArrivals(): OwnArrivals {
    const bound = boundsOver(this.#plan, this.#tables);
    return OwnArrivals.of({ load: this.#load, tables: this.#tables, share: this.#share, bound });
  }
}
