import { buildPlan } from './build.ts';
import { readDocument } from './document.ts';
import { toProblems } from './findings.ts';
import { findingsOf } from './issues.ts';
import type { PlanParseResult } from './plan.ts';
import { ruleFindings } from './rules.ts';
import { planSchema } from './schema/schema.ts';

/**
 * The one way from text to a plan: file, object store, HTTP and command line all come through here, and the reducer of
 * the replicated state too. A pure function of the text; never throws. A plan that is refused comes with every problem
 * at once (up to `planLimits.problems`), in the order of the text; only where the text is no YAML are fields unchecked.
 */
export function parsePlan(text: string): PlanParseResult {
  const { lines, document, findings } = readDocument(text);
  if (document === null) return { ok: false, problems: toProblems(text, lines, findings, () => 0) };
  const parsed = planSchema.safeParse(document.value, { reportInput: true });
  const issues = (parsed.error?.issues ?? []).flatMap((issue) => findingsOf(issue, document.value));
  const all = [...findings, ...issues, ...ruleFindings(document.value)];
  if (parsed.success && all.length === 0) return { ok: true, plan: buildPlan(parsed.data, document) };
  return { ok: false, problems: toProblems(text, lines, all, document.offsetOf) };
}
