import { readFileSync } from 'node:fs';
import { TuttiError } from '../lib/errors.ts';
import type { Plan } from '../plan/plan.ts';
import { describePlanProblems } from '../plan/describe.ts';
import { parsePlan } from '../plan/parse.ts';

/** Reads and parses a plan (`-` is standard input); `shown` is what its problems call it. Throws PLAN_INVALID, every problem with file, line and column. */
export function loadPlan(file: string): { readonly shown: string; readonly text: string; readonly plan: Plan } {
  const shown = file === '-' ? 'standard input' : file;
  const text = readText(file, shown);
  const parsed = parsePlan(text);
  if (!parsed.ok) throw new TuttiError('PLAN_INVALID', describePlanProblems(shown, parsed.problems));
  return { shown, text, plan: parsed.plan };
}

function readText(file: string, shown: string): string {
  try {
    return readFileSync(file === '-' ? 0 : file, 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    const why = code === 'ENOENT' ? 'there is no such file' : code === 'EISDIR' ? 'that is a directory' : String(code);
    throw new TuttiError('PLAN_INVALID', `${shown}: cannot be read: ${why}`, { cause: error });
  }
}
