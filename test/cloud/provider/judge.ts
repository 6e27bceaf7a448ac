import { changedPaths, touches } from './changes.ts';
import type { ResourceKind, Rule } from './resource-kind.ts';
import { type ObjectShape, type Problem, problemsOf } from './shape.ts';
import { bareAll, textsAt, UNKNOWN, type Values, valuesAt } from './values.ts';

/** What the provider would refuse about these inputs, before anything is made. */
export function judge(kind: ResourceKind, shape: ObjectShape, inputs: Values): readonly Problem[] {
  const plain = bareAll(inputs);
  return [...problemsOf(plain, shape), ...kind.rules.flatMap((rule) => brokenBy(rule, plain))];
}

function brokenBy(rule: Rule, inputs: Values): readonly Problem[] {
  const given = (paths: readonly string[]): readonly string[] =>
    paths.filter((path) => valuesAt(inputs, path).length > 0);
  if ('excludes' in rule) {
    const both = given(rule.excludes);
    return both.length > 1 ? [{ path: both[1]!, reason: `conflicts with ${both[0]!} (${rule.docs})` }] : [];
  }
  if ('oneOf' in rule) {
    if (given(rule.oneOf).length === 1) return [];
    return [{ path: rule.oneOf[0]!, reason: `exactly one of ${rule.oneOf.join(', ')} must be given (${rule.docs})` }];
  }
  if ('matches' in rule) {
    const wrong = textsAt(inputs, rule.at).filter((text) => text !== UNKNOWN && !rule.matches.test(text));
    return wrong.map((text) => ({
      path: rule.at,
      reason: `"${text}" does not match ${rule.matches.source} (${rule.docs})`,
    }));
  }
  return [];
}

/** What an update from one set of inputs to another means. */
export interface Verdict {
  /** Names of properties. */
  readonly changes: readonly string[];
  readonly replaces: readonly string[];
  /** What could only be changed on a machine that is stopped, which the inputs do not allow. */
  readonly stopsFor: readonly string[];
}

export function compare(kind: ResourceKind, before: Values, after: Values): Verdict {
  const unordered = kind.rules.flatMap((rule) => ('unordered' in rule ? [rule.unordered] : []));
  const changed = changedPaths(bareAll(before), bareAll(after), unordered);
  const hit = (paths: readonly string[]): readonly string[] =>
    changed.filter((one) => paths.some((path) => touches(one, path)));
  const replaces = hit(kind.rules.flatMap((rule) => ('replaces' in rule ? [rule.replaces] : [])));
  const stops = hit(kind.rules.flatMap((rule) => ('stops' in rule ? [rule.stops] : [])));
  return {
    changes: firstParts(changed),
    replaces: firstParts(replaces),
    stopsFor: after.allowStoppingForUpdate === true ? [] : stops,
  };
}

const firstParts = (paths: readonly string[]): readonly string[] => [
  ...new Set(paths.map((path) => path.split('.')[0]!)),
];
