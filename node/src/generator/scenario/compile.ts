import type { Plan, Step } from '../../plan/plan.ts';
import { compileJsonPath, type JsonPath } from './json-path.ts';
import { Judge } from './judge.ts';
import { RequestTemplate } from './request-template.ts';
import type { OriginOf } from './target.ts';

export interface CompiledStep {
  readonly request: RequestTemplate;
  readonly judge: Judge;
  readonly extractions: readonly { readonly name: string; readonly find: JsonPath }[];
  readonly thinkTime: Step['thinkTime'];
}

/** A scenario's steps, ready to run: templates split, paths and expressions compiled, static requests written out. */
export type CompiledScenario = readonly CompiledStep[];

/** The plan's scenarios in their order. Throws PLAN_INVALID for what the plan's own validation would have refused. */
export function compileScenarios(plan: Plan, originOf: OriginOf): readonly CompiledScenario[] {
  return plan.scenarios.map(({ steps }) => steps.map((step) => compileStep(plan, step, originOf)));
}

function compileStep(plan: Plan, step: Step, originOf: OriginOf): CompiledStep {
  const judge = new Judge(step);
  const wishes = {
    isHead: step.method === 'HEAD',
    keepBody: judge.needsBody || step.extract.length > 0,
    keepHeaders: judge.needsHeaders,
  };
  return {
    request: new RequestTemplate(plan, step, wishes, originOf),
    judge,
    extractions: step.extract.map(({ name, jsonPath }) => ({ name, find: compileJsonPath(jsonPath) })),
    thinkTime: step.thinkTime,
  };
}
