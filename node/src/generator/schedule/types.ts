/**
 * Who fires what from `fromMs` of run time on. Arrival i belongs to slots[i mod slots.length], and so does virtual user i.
 * A slot is named by `slotOf(agent)` of cluster/state.ts in a cluster, and is opaque here. A table never changes; a lost or joined node means a further table. Tables are ordered by fromMs.
 */
export interface StripeTable {
  readonly fromMs: number;
  readonly slots: readonly string[];
  /** What the load is from here on, where it was changed in mid-run; absent: as it was. */
  readonly terms?: LoadTerms;
}

/** How much, and for how long: all of a plan that may change while it is run. */
export interface LoadTerms {
  /** Null: a closed model. */
  readonly ratePerSecond: number | null;
  /** As in a plan: virtual users, or the bound on iterations in flight. */
  readonly workers: number | null;
  readonly durationMs: number;
}

/** The part of a node's stripe that one of its generators fires: every `of`-th of the node's arrivals, from `index` on. */
export interface GeneratorShare {
  /** The slot name of the node's agent. */
  readonly node: string;
  readonly index: number;
  readonly of: number;
}
