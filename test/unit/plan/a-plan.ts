import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import { describePlanProblems } from '../../../node/src/plan/describe.ts';
import { parsePlan } from '../../../node/src/plan/parse.ts';
import type { Plan } from '../../../node/src/plan/plan.ts';

export const example = (name: string): string =>
  readFileSync(new URL(`../../../examples/${name}`, import.meta.url), 'utf8');

export const minimal = `version: "1.0"
config:
  baseUrl: http://shop.example
  duration: 10s
load: {model: concurrent}
scenarios:
  - name: look
    steps:
      - request: {method: GET, path: /}
`;

export function planOf(text: string): Plan {
  const result = parsePlan(text);
  if (!result.ok) throw new Error(describePlanProblems('plan.yaml', result.problems));
  return result.plan;
}

export function problemsOf(text: string): readonly string[] {
  const result = parsePlan(text);
  if (result.ok) return [];
  return describePlanProblems('plan.yaml', result.problems)
    .split('\n')
    .slice(0, -1)
    .map((line) => line.replace('plan.yaml:', ''));
}

/** The minimal plan with one line replaced. */
export const changed = (from: string, to: string): string => {
  expect(minimal).toContain(from);
  return minimal.replace(from, to);
};
export const inStep = (lines: string): string => `${minimal}${lines.replaceAll(/^/gm, '        ')}\n`;
