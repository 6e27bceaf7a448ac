import type { PlanDocument } from './document.ts';
import type { Path } from './findings.ts';
import type { Assertion, NameValue, Plan, Scenario, Step } from './plan.ts';
import type { PlanInput } from './schema/schema.ts';

type ScenarioInput = PlanInput['scenarios'][number];
type StepInput = ScenarioInput['steps'][number];
type Scalar = string | number | boolean;

/** Virtual users of the model concurrent where the plan names none: the Rust tool's default. */
const defaultVirtualUsers = 10;

/** A plan from what the schema made of the document. Bare scalars that stand for text are taken as they are written. */
export function buildPlan(input: PlanInput, document: PlanDocument): Plan {
  const { config, load, metadata } = input;
  return {
    version: '1.0',
    metadata: {
      name: metadata.name ?? null,
      description: metadata.description ?? null,
      author: metadata.author ?? null,
      tags: metadata.tags,
      tenant: metadata.tenant ?? null,
      runId: metadata.run_id ?? null,
    },
    baseUrl: config.baseUrl.trim(),
    timeoutMs: config.timeout,
    durationMs: config.duration,
    workers: config.workers ?? (load.model === 'concurrent' ? defaultVirtualUsers : null),
    skipTlsVerify: config.skipTlsVerify,
    headers: config.customHeaders ?? [],
    resolve: config.resolveTargetAddr ?? null,
    pool: { maxIdlePerHost: config.pool.maxIdlePerHost, idleTimeoutMs: config.pool.idleTimeoutSecs * 1000 },
    load: load.model === 'rps' ? { model: 'rps', ratePerSecond: load.target } : { model: 'concurrent' },
    scenarios: input.scenarios.map((scenario, index) => buildScenario(scenario, ['scenarios', index], document)),
  };
}

function buildScenario(input: ScenarioInput, path: Path, document: PlanDocument): Scenario {
  const steps = input.steps.map((step, index) => buildStep(step, index, [...path, 'steps', index], document));
  return { name: input.name, weight: input.weight, steps };
}

function buildStep(input: StepInput, index: number, path: Path, document: PlanDocument): Step {
  const { request, thinkTime } = input;
  return {
    name: input.name ?? `Step ${index + 1}`,
    method: request.method,
    path: request.path,
    queryParams: pairs(request.queryParams, [...path, 'request', 'queryParams'], document),
    headers: pairs(request.headers, [...path, 'request', 'headers'], document),
    body: request.body ?? null,
    bodyBytes: request.bodySize ?? null,
    extract: input.extract,
    assertions: input.assertions.map((assertion, at) =>
      buildAssertion(assertion, [...path, 'assertions', at], document),
    ),
    thinkTime:
      thinkTime === undefined
        ? null
        : typeof thinkTime === 'number'
          ? { minMs: thinkTime, maxMs: thinkTime }
          : { minMs: thinkTime.min, maxMs: thinkTime.max },
  };
}

function buildAssertion(input: StepInput['assertions'][number], path: Path, document: PlanDocument): Assertion {
  if (input.type === 'responseTime') return { type: 'responseTime', maxMs: input.max };
  if (input.type !== 'jsonPath') return input;
  const { expected } = input;
  const text = expected === undefined ? null : textOf(expected, [...path, 'expected'], document);
  return { type: 'jsonPath', path: input.path, expected: text };
}

function pairs(
  mapping: Readonly<Record<string, Scalar>> | undefined,
  path: Path,
  document: PlanDocument,
): readonly NameValue[] {
  return Object.entries(mapping ?? {}).map(([name, value]) => ({
    name,
    value: textOf(value, [...path, name], document),
  }));
}

function textOf(value: Scalar, path: Path, document: PlanDocument): string {
  return typeof value === 'string' ? value : (document.sourceOf(path) ?? String(value));
}
