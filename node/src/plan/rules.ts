import { compileRegex } from './expressions.ts';
import type { Finding, Path } from './findings.ts';
import { headerFault } from './headers.ts';
import { planLimits } from './limits.ts';
import { builtinVariables, isVariableName, scanTemplate, variablesOf } from './template.ts';
import { nearest } from '../lib/nearest.ts';
import { clip, parseDurationMs } from './units.ts';

/**
 * What one field alone cannot tell: names that stand twice, keys that exclude each other, variables nobody sets. Works on
 * the document as it is, whatever the schema says of it, so that all problems are found in one go.
 */
export function ruleFindings(root: unknown): readonly Finding[] {
  const scenarios = listAt(root, 'scenarios');
  const findings = duplicateNames(scenarios, ['scenarios'], () => null);
  findings.push(...regexFindings(scenarios));
  scenarios.forEach((scenario, index) => findings.push(...scenarioFindings(scenario, ['scenarios', index])));
  const steps = scenarios.reduce<number>((sum, scenario) => sum + listAt(scenario, 'steps').length, 0);
  if (steps > planLimits.stepsInAll) {
    findings.push({
      path: ['scenarios'],
      at: 'key',
      message: `${steps} steps in all; at most ${planLimits.stepsInAll} are allowed`,
    });
  }
  return findings;
}

function scenarioFindings(scenario: unknown, path: Path): Finding[] {
  const steps = listAt(scenario, 'steps');
  const findings = duplicateNames(steps, [...path, 'steps'], (index) => `Step ${index + 1}`);
  const known = new Set<string>(builtinVariables);
  const everSet = new Map<string, number>();
  steps.forEach((step, index) => extractedNames(step).forEach((name) => everSet.set(name, everSet.get(name) ?? index)));
  steps.forEach((step, index) => {
    const stepPath = [...path, 'steps', index];
    findings.push(...requestFindings(at(step, 'request'), [...stepPath, 'request']));
    findings.push(...thinkTimeFindings(at(step, 'thinkTime'), [...stepPath, 'thinkTime']));
    findings.push(...expectedFindings(listAt(step, 'assertions'), [...stepPath, 'assertions']));
    findings.push(...duplicateNames(listAt(step, 'extract'), [...stepPath, 'extract'], () => null));
    for (const template of templatesOf(step, stepPath)) findings.push(...templateFindings(template, known, everSet));
    extractedNames(step).forEach((name) => known.add(name));
  });
  return findings;
}

function requestFindings(request: unknown, path: Path): Finding[] {
  const findings: Finding[] = [];
  if (at(request, 'body') !== undefined && at(request, 'bodySize') !== undefined) {
    findings.push({
      path: [...path, 'bodySize'],
      at: 'key',
      message: 'stands beside body; a request has one body, so remove one',
    });
  }
  const seen = new Set<string>();
  const entries = entriesAt(request, 'headers');
  if (entries.length > planLimits.itemsPerList) {
    findings.push({
      path: [...path, 'headers'],
      at: 'key',
      message: `has more than ${planLimits.itemsPerList} headers; remove some`,
    });
    return findings;
  }
  for (const [name, value] of entries) {
    const headerPath = [...path, 'headers', name];
    const fault = headerFault(name, typeof value === 'string' ? value : '');
    if (fault !== null) findings.push({ path: headerPath, at: 'key', message: fault });
    if (seen.has(name.toLowerCase())) {
      findings.push({
        path: headerPath,
        at: 'key',
        message: 'differs from a header above in letter case only; remove one',
      });
    }
    seen.add(name.toLowerCase());
  }
  return findings;
}

function thinkTimeFindings(thinkTime: unknown, path: Path): Finding[] {
  const min = durationAt(thinkTime, 'min');
  const max = durationAt(thinkTime, 'max');
  if (min === null || max === null || min <= max) return [];
  return [{ path: [...path, 'min'], message: 'is longer than max; swap them' }];
}

function expectedFindings(assertions: readonly unknown[], path: Path): Finding[] {
  return assertions.flatMap((assertion, index): Finding[] => {
    if (at(assertion, 'type') !== 'jsonPath' || at(assertion, 'expected') !== '*') return [];
    const message = '"*" is no wildcard; remove "expected" to assert only that the path exists';
    return [{ path: [...path, index, 'expected'], message }];
  });
}

/** Each different text is compiled once, up to a bound: compiling is the costliest thing that a plan can ask for. */
function regexFindings(scenarios: readonly unknown[]): Finding[] {
  const faults = new Map<string, string | null>();
  return placedRegexes(scenarios).flatMap(({ path, text }): Finding[] => {
    if (!faults.has(text)) {
      if (faults.size > planLimits.regexes) return [];
      const compiled = faults.size === planLimits.regexes ? tooManyRegexes : compileRegex(text);
      faults.set(text, compiled.ok ? null : compiled.message);
    }
    const message = faults.get(text) ?? null;
    return message === null ? [] : [{ path, message }];
  });
}

const tooManyRegexes = {
  ok: false,
  message: `is the ${planLimits.regexes + 1}st different regular expression of the plan; at most ${planLimits.regexes} are allowed`,
} as const;

function placedRegexes(scenarios: readonly unknown[]): readonly { readonly path: Path; readonly text: string }[] {
  return scenarios.flatMap((scenario, index) =>
    listAt(scenario, 'steps').flatMap((step, position) =>
      listAt(step, 'assertions').flatMap((assertion, place) => {
        const text = at(assertion, 'type') === 'bodyMatches' ? at(assertion, 'regex') : undefined;
        const path: Path = ['scenarios', index, 'steps', position, 'assertions', place, 'regex'];
        return typeof text === 'string' ? [{ path, text }] : [];
      }),
    ),
  );
}

interface PlacedTemplate {
  readonly path: Path;
  readonly text: string;
}

/** Every text of a step in which variables are replaced. */
function templatesOf(step: unknown, path: Path): readonly PlacedTemplate[] {
  const request = at(step, 'request');
  const inRequest: Path = [...path, 'request'];
  const candidates: { readonly path: Path; readonly value: unknown }[] = [
    { path: [...inRequest, 'path'], value: at(request, 'path') },
    { path: [...inRequest, 'body'], value: at(request, 'body') },
  ];
  for (const key of ['queryParams', 'headers']) {
    for (const [name, value] of entriesAt(request, key)) candidates.push({ path: [...inRequest, key, name], value });
  }
  listAt(step, 'assertions').forEach((assertion, index) => {
    if (at(assertion, 'type') !== 'jsonPath') return;
    candidates.push({ path: [...path, 'assertions', index, 'expected'], value: at(assertion, 'expected') });
  });
  return candidates.flatMap(({ path: place, value }) =>
    typeof value === 'string' ? [{ path: place, text: value }] : [],
  );
}

function templateFindings(
  { path, text }: PlacedTemplate,
  known: ReadonlySet<string>,
  everSet: ReadonlyMap<string, number>,
): readonly Finding[] {
  const { parts, faults } = scanTemplate(text);
  const syntax = faults.slice(0, planLimits.problems).map(({ fragment, message }) => ({ path, fragment, message }));
  const unknown = variablesOf(parts)
    .slice(0, planLimits.problems)
    .flatMap((name): Finding[] => {
      if (known.has(name) || !isVariableName(name)) return [];
      const setBy = everSet.get(name);
      const near = nearest(name, [...known].slice(-planLimits.itemsPerList));
      const hint =
        setBy !== undefined
          ? `only step ${setBy + 1} extracts it, which is not before this one; use it in a later step`
          : near !== null
            ? `did you mean \${${near}}?`
            : `known here: ${[...known].slice(0, 20).join(', ')}`;
      const message = `\${${clip(name)}} is set by no earlier step of the scenario; ${hint}`;
      return [{ path, fragment: `\${${name}}`, message }];
    });
  return [...syntax, ...unknown];
}

function duplicateNames(items: readonly unknown[], path: Path, fallback: (index: number) => string | null): Finding[] {
  const first = new Map<string, number>();
  return items.flatMap((item, index): Finding[] => {
    const name = at(item, 'name') ?? fallback(index);
    if (typeof name !== 'string') return [];
    const earlier = first.get(name);
    first.set(name, earlier ?? index);
    if (earlier === undefined) return [];
    const message = `"${clip(name)}" is also the name of number ${earlier + 1} of this list; give each its own name`;
    return [{ path: [...path, index, 'name'], message }];
  });
}

function extractedNames(step: unknown): readonly string[] {
  const names = listAt(step, 'extract').map((extraction) => at(extraction, 'name'));
  return names.filter((name) => typeof name === 'string');
}

function durationAt(value: unknown, key: string): number | null {
  const written = at(value, key);
  if (typeof written !== 'number' && typeof written !== 'string') return null;
  const parsed = parseDurationMs(written);
  return parsed.ok ? parsed.value : null;
}

function at(value: unknown, key: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
  return (value as Record<string, unknown>)[key];
}

function listAt(value: unknown, key: string): readonly unknown[] {
  const list = at(value, key);
  // Longer lists are refused by the schema; what lies beyond need not be looked at.
  return Array.isArray(list) ? (list as unknown[]).slice(0, planLimits.stepsInAll + 1) : [];
}

function entriesAt(value: unknown, key: string): readonly [string, unknown][] {
  const mapping = at(value, key);
  return typeof mapping === 'object' && mapping !== null && !Array.isArray(mapping) ? Object.entries(mapping) : [];
}
