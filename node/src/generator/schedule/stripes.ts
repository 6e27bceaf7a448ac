import type { Load } from '../../plan/plan.ts';
import { arrivalTimeMs, arrivalsBefore } from './arrivals.ts';
import type { GeneratorShare, StripeTable } from './types.ts';

/** The node that fires arrival `index`; null before the first table or when nobody is left. */
export function ownerOf(tables: readonly StripeTable[], load: Load, index: number): string | null {
  const slots = tableAt(tables, arrivalTimeMs(load, index))?.slots ?? [];
  return slots[index % slots.length] ?? null;
}

/** The table in force at run time `ms`: the last one whose time has come. */
export function tableAt(tables: readonly StripeTable[], ms: number): StripeTable | null {
  return tables.findLast((table) => table.fromMs <= ms) ?? null;
}

/** Arrivals of a node's stripe planned in [fromMs, toMs), in closed form per table. */
export function countStripe(
  load: Load,
  tables: readonly StripeTable[],
  node: string,
  fromMs: number,
  toMs: number,
): number {
  const own = OwnArrivals.of({ load, tables, share: { node, index: 0, of: 1 }, bound: Infinity });
  return own.count(arrivalsBefore(load, fromMs), arrivalsBefore(load, toMs));
}

/**
 * A share under one table. Arrivals and users go round the slots, and round the generators of a node within its slots: item i
 * falls to slots[i mod L] and there to generator floor(i / L) mod of. Where the bound on iterations in flight does not give
 * every generator of a slot at least one, only as many generators take part as get one: otherwise the rest would drop all theirs.
 */
interface Residues {
  readonly period: number;
  /** Rising; item i is ours if and only if i mod period is among them. */
  readonly own: readonly number[];
}

export function residuesOf(table: StripeTable, share: GeneratorShare, bound: number): Residues {
  const slotCount = table.slots.length;
  const generators = Math.max(1, Math.min(share.of, Math.floor(bound / Math.max(1, slotCount))));
  const own =
    share.index >= generators
      ? []
      : table.slots.flatMap((node, slot) => (node === share.node ? [slot + slotCount * share.index] : []));
  return { period: slotCount * generators, own };
}

interface Segment extends Residues {
  readonly first: number;
  readonly end: number;
}

/** The arrivals of one share over a list of tables, as index arithmetic. */
export class OwnArrivals {
  readonly #segments: readonly Segment[];

  private constructor(segments: readonly Segment[]) {
    this.#segments = segments;
  }

  static of(of: {
    readonly load: Load;
    readonly tables: readonly StripeTable[];
    readonly share: GeneratorShare;
    /** Of each table, by its position, where it is not the same for all. */
    readonly bound: number | ((position: number) => number);
  }): OwnArrivals {
    const boundAt = (position: number): number => (typeof of.bound === 'number' ? of.bound : of.bound(position));
    return new OwnArrivals(
      of.tables.map((table, position) => ({
        ...residuesOf(table, of.share, boundAt(position)),
        first: arrivalsBefore(of.load, table.fromMs),
        end: arrivalsBefore(of.load, of.tables[position + 1]?.fromMs ?? Infinity),
      })),
    );
  }

  /** The first own arrival at or after `index`; Infinity when there is none. */
  next(index: number): number {
    for (let at = this.#firstEndingAfter(index); at < this.#segments.length; at++) {
      const segment = this.#segments[at]!;
      if (segment.own.length === 0) continue;
      const found = nextWithin(segment, Math.max(index, segment.first));
      if (found < segment.end) return found;
    }
    return Infinity;
  }

  /** By halves: it is asked before each arrival, and a long run may have seen many tables. Their ends rise. */
  #firstEndingAfter(index: number): number {
    let low = 0;
    let high = this.#segments.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#segments[middle]!.end <= index) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Own arrivals in [fromIndex, toIndex). */
  count(fromIndex: number, toIndex: number): number {
    let total = 0;
    for (const segment of this.#segments) {
      const from = Math.max(fromIndex, segment.first);
      const to = Math.min(toIndex, segment.end);
      if (from < to) total += countBelow(segment, to) - countBelow(segment, from);
    }
    return total;
  }
}

function nextWithin({ period, own }: Residues, index: number): number {
  const round = index - (index % period);
  const residue = index - round;
  const found = own.find((candidate) => candidate >= residue);
  return found === undefined ? round + period + own[0]! : round + found;
}

/** Own items in [0, end). */
function countBelow({ period, own }: Residues, end: number): number {
  if (own.length === 0) return 0;
  const residue = end % period;
  return ((end - residue) / period) * own.length + own.filter((candidate) => candidate < residue).length;
}
