import { invariant } from '../../lib/invariant.ts';
import type { Load, Plan } from '../../plan/plan.ts';
import { derivedInFlightBound, withRate } from './arrivals.ts';
import type { LoadTerms, StripeTable } from './types.ts';

type Planned = Pick<Plan, 'load' | 'workers' | 'durationMs'>;

/** As the plan had them before any change. */
export function termsOf({ load, workers, durationMs }: Planned): LoadTerms {
  return { ratePerSecond: load.model === 'rps' ? load.ratePerSecond : null, workers, durationMs };
}

/** In force under the table at this position of the list. */
export function termsAt(plan: Planned, tables: readonly StripeTable[], position: number): LoadTerms {
  return tables.slice(0, position + 1).findLast(({ terms }) => terms !== undefined)?.terms ?? termsOf(plan);
}

/** The load over the whole run, with the changes that the tables bring; those it has already are the same. */
export function loadOver(load: Load, tables: readonly StripeTable[]): Load {
  if (load.model === 'concurrent') return load;
  let course: Load = { model: 'rps', ratePerSecond: load.ratePerSecond };
  let ratePerSecond: number | null = load.ratePerSecond;
  for (const { fromMs, terms } of tables) {
    if (terms === undefined || terms.ratePerSecond === ratePerSecond) continue;
    invariant(terms.ratePerSecond !== null, 'a load has a rate, or never had one');
    ratePerSecond = terms.ratePerSecond;
    course = withRate(course, fromMs, ratePerSecond);
  }
  return course;
}

/** When nothing more is planned. */
export function durationOver(plan: Planned, tables: readonly StripeTable[]): number {
  return tables.findLast(({ terms }) => terms !== undefined)?.terms?.durationMs ?? plan.durationMs;
}

/** Bound on iterations in flight of the whole cluster: the terms' own, else five seconds of their arrivals. Of a closed model its users. */
export function boundOf({ ratePerSecond, workers }: LoadTerms): number {
  if (workers !== null) return workers;
  invariant(ratePerSecond !== null, 'a closed load model needs its number of users');
  return derivedInFlightBound({ model: 'rps', ratePerSecond });
}

/** That of each table, by its position. */
export function boundsOver(plan: Planned, tables: readonly StripeTable[]): (position: number) => number {
  const bounds = tables.map((_table, position) => boundOf(termsAt(plan, tables, position)));
  return (position) => bounds[position]!;
}
