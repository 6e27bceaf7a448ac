import { invariant } from '../../lib/invariant.ts';
import type { Load, Plan, RateChange } from '../../plan/plan.ts';

/**
 * Run time in milliseconds at which arrival `index` is planned. Every node computes it from the index alone (never by adding
 * gaps), so nothing drifts: index * 1000 is exact below 2^43 and the division rounds once. After a change of the rate it is
 * reckoned from there, with the fraction of an arrival that was under way.
 */
export function arrivalTimeMs(load: Load, index: number): number {
  const change = changesOf(load).findLast(({ firstIndex }) => firstIndex <= index);
  return change === undefined ? (index * 1000) / rateOf(load) : timeAfter(change, index);
}

/**
 * How many arrivals are planned before run time `ms`; the exact inverse of `arrivalTimeMs`: arrival i is planned before `ms`
 * if and only if i < arrivalsBefore(load, ms).
 */
export function arrivalsBefore(load: Load, ms: number): number {
  const rate = rateOf(load);
  if (ms <= 0) return 0;
  if (ms === Infinity) return Infinity;
  const change = changesOf(load).findLast(({ fromMs }) => fromMs < ms);
  if (change === undefined) return countTo(ms, Math.ceil((ms * rate) / 1000), 0, (index) => (index * 1000) / rate);
  const estimate = Math.ceil(change.base + ((ms - change.fromMs) * change.ratePerSecond) / 1000);
  return countTo(ms, estimate, change.firstIndex, (index) => timeAfter(change, index));
}

/** The load as it becomes when the rate changes at a run time that is not before an earlier change. */
export function withRate(load: Load, fromMs: number, ratePerSecond: number): Load {
  invariant(load.model === 'rps', 'a closed load model has no rate');
  const changes = changesOf(load);
  const last = changes.at(-1);
  invariant(last === undefined || last.fromMs <= fromMs, 'a change before an earlier one');
  const firstIndex = arrivalsBefore(load, fromMs);
  const reached =
    last === undefined
      ? (fromMs * load.ratePerSecond) / 1000
      : last.base + ((fromMs - last.fromMs) * last.ratePerSecond) / 1000;
  return { ...load, changes: [...changes, { fromMs, ratePerSecond, firstIndex, base: Math.min(reached, firstIndex) }] };
}

/** The estimate is off by one at most where a product or a quotient was rounded; the two loops settle it. */
function countTo(ms: number, estimate: number, least: number, timeMs: (index: number) => number): number {
  let count = Math.max(least, estimate);
  while (count > least && timeMs(count - 1) >= ms) count--;
  while (timeMs(count) < ms) count++;
  return count;
}

function timeAfter({ base, fromMs, ratePerSecond }: RateChange, index: number): number {
  return fromMs + ((index - base) * 1000) / ratePerSecond;
}

function changesOf(load: Load): readonly RateChange[] {
  return load.model === 'rps' && load.changes !== undefined ? load.changes : none;
}

/** One for all: it is asked for before each arrival. */
const none: readonly RateChange[] = [];

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
