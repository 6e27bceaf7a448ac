import { isList, isMap, UNKNOWN, type Value, type Values } from './values.ts';

/**
 * The paths at which two sets of inputs differ, dotted, without the places in lists; a list of another length differs at
 * `PATH.#` as well. `unordered` are lists whose order means nothing. What cannot be known yet counts as changed, as the real
 * providers count it.
 */
export function changedPaths(before: Values, after: Values, unordered: readonly string[]): readonly string[] {
  const found = new Set<string>();
  const compare = (path: string, left: Value | undefined, right: Value | undefined): void => {
    if (isAbsent(left) && isAbsent(right)) return;
    if (isMap(left) && isMap(right)) {
      for (const name of new Set([...Object.keys(left), ...Object.keys(right)])) {
        compare(path === '' ? name : `${path}.${name}`, left[name], right[name]);
      }
    } else if (isList(left) && isList(right)) {
      const [first, second] = unordered.includes(path) ? [sorted(left), sorted(right)] : [left, right];
      if (first.length !== second.length) found.add(`${path}.#`);
      for (let at = 0; at < Math.max(first.length, second.length); at += 1) compare(path, first[at], second[at]);
    } else if (right === UNKNOWN || left !== right) found.add(path);
  };
  compare('', before, after);
  return [...found].sort();
}

/** Whether a change at one path is one at the other: it is the same, or one holds the other. */
export function touches(changed: string, path: string): boolean {
  return changed === path || changed.startsWith(`${path}.`) || path.startsWith(`${changed}.`);
}

/** What the providers do not tell from nothing. */
const isAbsent = (value: Value | undefined): boolean =>
  value === undefined || value === null || (isList(value) && value.length === 0);

function sorted(list: readonly Value[]): readonly Value[] {
  return [...list].sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
}
