import { residuesOf } from './stripes.ts';
import type { GeneratorShare, StripeTable } from './types.ts';

/** The virtual users (closed model) of a generator under a table, rising. Users are numbered 0..users-1 over the whole cluster. */
export function usersOf(table: StripeTable, users: number, share: GeneratorShare): readonly number[] {
  const { period, own } = residuesOf(table, share, users);
  const found: number[] = [];
  for (let round = 0; round < users && period > 0; round += period) {
    for (const residue of own) if (round + residue < users) found.push(round + residue);
  }
  return found;
}

/** The part of a node's users, all generators together. */
export function usersOfNode(table: StripeTable, users: number, node: string): readonly number[] {
  return usersOf(table, users, { node, index: 0, of: 1 });
}

/**
 * The part of the cluster's bound on iterations in flight that a generator may use under a table. Dealt out like users, so the
 * parts add up to the bound exactly. Zero only where there are more slots than the bound; the coordinator makes no such table.
 */
export function inFlightShare(bound: number, table: StripeTable, share: GeneratorShare): number {
  const { period, own } = residuesOf(table, share, bound);
  if (period === 0) return 0;
  const residue = bound % period;
  return ((bound - residue) / period) * own.length + own.filter((candidate) => candidate < residue).length;
}
