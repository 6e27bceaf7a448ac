import { query } from 'jsonpath-rfc9535';

/** Not exactly one node. A symbol, because null is a value that a path may find. */
export const notOne = Symbol('not exactly one node');
export type JsonPath = (document: unknown) => unknown;

/**
 * A JSONPath (RFC 9535) as a function to the value of the one node it selects, or `notOne`. Paths of names and indexes alone,
 * which is nearly all there are, walk the document directly; the rest go through the library.
 */
export function compileJsonPath(text: string): JsonPath {
  const segments = singularSegments(text);
  if (segments !== null) return (document) => walk(document, segments);
  return (document) => {
    const found: readonly unknown[] = query(document as Parameters<typeof query>[0], text);
    return found.length === 1 ? found[0] : notOne;
  };
}

/** Strings as they are, everything else as JSON text. */
export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function walk(document: unknown, segments: readonly (string | number)[]): unknown {
  let node = document;
  for (const segment of segments) {
    if (typeof node !== 'object' || node === null) return notOne;
    if (typeof segment === 'number') {
      if (!Array.isArray(node)) return notOne;
      const index = segment < 0 ? node.length + segment : segment;
      if (index < 0 || index >= node.length) return notOne;
      node = node[index] as unknown;
    } else {
      if (Array.isArray(node) || !Object.hasOwn(node, segment)) return notOne;
      node = (node as Record<string, unknown>)[segment];
    }
  }
  return node;
}

/** Names without escapes and whole indexes; null for whatever else RFC 9535 allows. */
function singularSegments(text: string): readonly (string | number)[] | null {
  if (!/^\$(?:\.[A-Za-z_][A-Za-z0-9_]*|\[(?:0|-?[1-9]\d{0,8})\]|\['[^'"\\]*'\]|\["[^'"\\]*"\])*$/.test(text))
    return null;
  const segments: (string | number)[] = [];
  for (const [, dotted, index, quoted] of text.matchAll(/\.([A-Za-z_]\w*)|\[(-?\d+)\]|\[['"]([^'"]*)['"]\]/g)) {
    segments.push(index === undefined ? (dotted ?? quoted!) : Number(index));
  }
  return segments;
}
