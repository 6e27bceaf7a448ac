import type { Random } from '../simulation/random.ts';
import type { Network } from './network.ts';
import type { NodeProcess } from './node-process.ts';

/** What a nemesis may lay hands on. */
export interface Battlefield {
  readonly nodes: readonly NodeProcess[];
  readonly network: Network;
  readonly random: Random;
  /** The node that leads the highest term, as far as the nodes say; null where none does. */
  leader(): Promise<NodeProcess | null>;
}

/** A fault that has begun. */
export interface Fault {
  /** For people: what was done to whom. */
  readonly what: string;
  /** How long it should last. */
  readonly durationMs: number;
  /** Undoes it; the cluster must then recover by itself. */
  heal(): Promise<void>;
}

/** One kind of fault. A new kind is a file in nemeses/ and its line in nemeses/all.ts. */
export interface Nemesis {
  readonly kind: string;
  /** Resolves once the fault has taken effect. */
  begin(field: Battlefield): Promise<Fault>;
}

/** The leader half of the time, since most can go wrong there; else any other node. */
export async function victimOf(field: Battlefield): Promise<NodeProcess> {
  const leader = field.random.chance(0.5) ? await field.leader() : null;
  return leader ?? field.random.pick(field.nodes);
}

/** For descriptions. */
export const namesOf = (nodes: readonly NodeProcess[]): string => nodes.map(({ id }) => id).join(', ');
