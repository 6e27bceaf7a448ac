import type { PlanProblem } from './plan.ts';

/**
 * Problems as people read them, on the command line and over HTTP alike: one a line, `file:line:column field: message`,
 * and a closing count.
 */
export function describePlanProblems(fileName: string, problems: readonly PlanProblem[]): string {
  const lines = problems.map(({ line, column, field, message }) => {
    const place = `${fileName}:${line}:${column}`;
    return field === '' ? `${place}: ${message}` : `${place} ${field}: ${message}`;
  });
  const count = problems.length === 1 ? '1 problem' : `${problems.length} problems`;
  return [...lines, `${count} in ${fileName}; no load was sent.`].join('\n');
}
