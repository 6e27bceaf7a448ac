import type { Lines } from './lines.ts';
import { planLimits } from './limits.ts';
import type { PlanProblem } from './plan.ts';
import { clip } from './units.ts';

/** From the document's root: keys of mappings and indexes of lists. */
export type Path = readonly (string | number)[];

/** Something wrong with a plan, before it has a line and a column. */
export interface Finding {
  readonly path: Path;
  readonly message: string;
  /** What to point at: the value (default), its key, or for a missing field the key of the mapping that lacks it. */
  readonly at?: 'value' | 'key' | 'parent';
  /** A piece of the value's text to point at more closely. */
  readonly fragment?: string;
  /** Known place in the text; wins over all of the above. */
  readonly offset?: number;
}

/** scenarios[0].steps[1].request.method; empty for the document itself. */
export function fieldOf(path: Path): string {
  return path
    .map((part) => (typeof part === 'number' ? `[${part}]` : `.${part}`))
    .join('')
    .replace(/^\./, '');
}

/** Findings in the order of the text, bounded, each once. */
export function toProblems(
  text: string,
  lines: Lines,
  findings: readonly Finding[],
  offsetOf: (finding: Finding) => number,
): readonly PlanProblem[] {
  const placed = findings
    .map((finding) => ({ finding, offset: Math.min(text.length, finding.offset ?? offsetOf(finding)) }))
    .sort((left, right) => left.offset - right.offset);
  const problems = new Map<string, PlanProblem>();
  let rest = placed.length;
  for (const { finding, offset } of placed) {
    if (problems.size === planLimits.problems) break;
    const problem = { ...lines.placeOf(offset), field: clip(fieldOf(finding.path), 300), message: finding.message };
    problems.set(JSON.stringify(problem), problem);
    rest--;
  }
  const listed = [...problems.values()];
  const last = listed.at(-1);
  if (rest === 0 || last === undefined) return listed;
  return [...listed, { ...last, field: '', message: `${rest} further problems are not listed; correct these first` }];
}
