import { arrivalsBefore } from '../generator/schedule/arrivals.ts';
import { boundOf, boundsOver, loadOver, termsAt } from '../generator/schedule/course.ts';
import { OwnArrivals } from '../generator/schedule/stripes.ts';
import type { GeneratorShare, StripeTable } from '../generator/schedule/types.ts';
import { usersOf } from '../generator/schedule/users.ts';
import type { Plan } from '../plan/plan.ts';

type Bound = Parameters<typeof OwnArrivals.of>[0]['bound'];

/**
 * How many arrivals are this node's to account for, by the tables it knows. Only what lies before its horizon is settled:
 * beyond it a table this node has not heard of yet may have given the arrivals to others, who then account for them too.
 * Of a closed load model nothing is ever owed; what a dead generator leaves are its users.
 */
export class StripeAccounts {
  readonly #plan: Plan;
  readonly #slot: string;
  readonly #generators: number;
  #tables: readonly StripeTable[] = [];
  #horizonMs = 0;
  #drainAtMs: number | null = null;

  constructor(of: { readonly plan: Plan; readonly slot: string; readonly generators: number }) {
    this.#plan = of.plan;
    this.#slot = of.slot;
    this.#generators = of.generators;
  }

  setTables(tables: readonly StripeTable[]): void {
    this.#tables = tables;
  }

  setHorizon(horizonMs: number): void {
    this.#horizonMs = Math.max(this.#horizonMs, horizonMs);
  }

  /** The drain order comes after every table and horizon in the log: from now on all before it is settled. */
  drain(atMs: number): void {
    this.#drainAtMs ??= atMs;
  }

  /** Run time before which every decision is settled, once the run has come to `reachedMs`. */
  settledMs(reachedMs: number): number {
    return Math.min(reachedMs, this.#drainAtMs ?? this.#horizonMs);
  }

  /** Arrivals of the whole node before a settled run time. */
  owned(settledMs: number): number {
    return this.#count({ node: this.#slot, index: 0, of: 1 }, 0, settledMs, Infinity);
  }

  /**
   * Arrivals of one generator's share planned in [fromMs, settledMs). Of a closed model its users at `fromMs`: how many
   * iterations each would have come to nobody knows, but it was at least the next one.
   */
  share(index: number, fromMs: number, settledMs: number): number {
    const share = { node: this.#slot, index, of: this.#generators };
    if (this.#plan.load.model === 'concurrent') {
      const position = this.#tables.findLastIndex((table) => table.fromMs <= fromMs);
      if (settledMs <= fromMs || position < 0) return 0;
      return usersOf(this.#tables[position]!, boundOf(termsAt(this.#plan, this.#tables, position)), share).length;
    }
    return this.#count(share, fromMs, settledMs, boundsOver(this.#plan, this.#tables));
  }

  #count(share: GeneratorShare, fromMs: number, toMs: number, bound: Bound): number {
    const load = loadOver(this.#plan.load, this.#tables);
    if (load.model === 'concurrent' || toMs <= fromMs) return 0;
    const own = OwnArrivals.of({ load, tables: this.#tables, share, bound });
    return own.count(arrivalsBefore(load, fromMs), arrivalsBefore(load, toMs));
  }
}
