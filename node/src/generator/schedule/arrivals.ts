import { invariant } from '../../lib/invariant.ts';
import type { Load, Plan } from '../../plan/plan.ts';

/**
 * Run time in milliseconds at which arrival `index` is planned. Every node computes it from the index alone (never by adding
 * gaps), so nothing drifts: index * 1000 is exact below 2^43 and the division rounds once.
 */
export function arrivalTimeMs(load: Load, index: number): number {
  return (index * 1000) / rateOf(load);
}

/**
 * How many arrivals are planned before run time `ms`; the exact inverse of `arrivalTimeMs`: arrival i is planned before `ms`
 * if and only if i < arrivalsBefore(load, ms).
 */
export function arrivalsBefore(load: Load, ms: number): number {
  const rate = rateOf(load);
  if (ms <= 0) return 0;
  if (ms === Infinity) return Infinity;
  // The estimate is off by one at most where a product or a quotient was rounded; the two loops settle it.
  let count = Math.ceil((ms * rate) / 1000);
  while (count > 0 && arrivalTimeMs(load, count - 1) >= ms) count--;
  while (arrivalTimeMs(load, count) < ms) count++;
  return count;
}

/** Seconds of arrivals that may be in flight before the generator calls the target stuck and drops. */
const inFlightSeconds = 5;
/** Below it, a slow target at a low rate would look like a full one. */
const minInFlight = 100;
/** One connection each: more exhausts the 28,000 local ports of one source address. */
const maxInFlight = 20_000;

/** Bound on iterations in flight of the whole cluster: the plan's own, else five seconds of arrivals. */
export function inFlightBound(plan: Pick<Plan, 'workers' | 'load'>): number {
  return plan.workers ?? derivedInFlightBound(plan.load);
}

/** clamp(ceil(rate x 5 s), 100, 20000). */
export function derivedInFlightBound(load: Load): number {
  return Math.min(maxInFlight, Math.max(minInFlight, Math.ceil(rateOf(load) * inFlightSeconds)));
}

function rateOf(load: Load): number {
  invariant(load.model === 'rps', 'a closed load model has no arrivals');
  return load.ratePerSecond;
}
