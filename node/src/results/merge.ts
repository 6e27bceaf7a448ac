import { invariant } from '../lib/invariant.ts';
import { Histogram } from './histogram.ts';
import type { Books, Measurements, ScenarioMeasurements, StepMeasurements } from './measurements.ts';

/** What of a plan gives measurements their shape (a `Plan` fits). */
export interface MeasuredPlan {
  readonly scenarios: readonly { readonly steps: readonly unknown[] }[];
}

/** All zero, in the shape of the plan. */
export function createMeasurements(plan: MeasuredPlan): Measurements {
  return {
    scenarios: plan.scenarios.map((scenario) => ({
      succeeded: 0,
      failed: 0,
      durationUs: new Histogram(),
      steps: scenario.steps.map(createStep),
    })),
  };
}

export function createStep(): StepMeasurements {
  return {
    requests: 0,
    failed: 0,
    statuses: new Map(),
    errors: new Map(),
    assertionsPassed: 0,
    assertionsFailed: 0,
    extractionsFailed: 0,
    resent: 0,
    bytesSent: 0,
    bytesReceived: 0,
    responseUs: new Histogram(),
    serviceUs: new Histogram(),
    latenessUs: new Histogram(),
  };
}

/** Same number of scenarios and of steps in each: only then do two measurements add. */
export function sameShape(a: MeasuredPlan, b: MeasuredPlan): boolean {
  return (
    a.scenarios.length === b.scenarios.length &&
    a.scenarios.every((scenario, index) => scenario.steps.length === b.scenarios[index]!.steps.length)
  );
}

/** Adds `from` to `into`, position by position; both must come from the same plan. `from` is left as it is. */
export function addMeasurements(into: Measurements, from: Measurements): void {
  invariant(sameShape(into, from), 'measurements of different plans do not add');
  into.scenarios.forEach((scenario, index) => addScenario(scenario, from.scenarios[index]!));
}

function addScenario(into: ScenarioMeasurements, from: ScenarioMeasurements): void {
  into.succeeded += from.succeeded;
  into.failed += from.failed;
  into.durationUs.add(from.durationUs);
  into.steps.forEach((step, index) => addStep(step, from.steps[index]!));
}

export function addStep(into: StepMeasurements, from: StepMeasurements): void {
  into.requests += from.requests;
  into.failed += from.failed;
  for (const [status, count] of from.statuses) into.statuses.set(status, (into.statuses.get(status) ?? 0) + count);
  for (const [error, count] of from.errors) into.errors.set(error, (into.errors.get(error) ?? 0) + count);
  into.assertionsPassed += from.assertionsPassed;
  into.assertionsFailed += from.assertionsFailed;
  into.extractionsFailed += from.extractionsFailed;
  into.resent += from.resent;
  into.bytesSent += from.bytesSent;
  into.bytesReceived += from.bytesReceived;
  into.responseUs.add(from.responseUs);
  into.serviceUs.add(from.serviceUs);
  into.latenessUs.add(from.latenessUs);
}

export const bookLines = [
  'fired',
  'dropped',
  'notFired',
  'lost',
  'answered',
  'failed',
  'heldUserMs',
] as const satisfies (keyof Books)[];

export function addBooks(into: Books, from: Readonly<Books>): void {
  for (const line of bookLines) into[line] += from[line];
}
