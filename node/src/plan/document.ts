import { Composer, isAlias, isMap, isScalar, Lexer, Parser } from 'yaml';
import type { Alias, CST, Node, Scalar, YAMLMap, YAMLSeq } from 'yaml';
import type { Finding, Path } from './findings.ts';
import { Lines } from './lines.ts';
import { planLimits } from './limits.ts';
import { syntaxFindings } from './syntax.ts';
import { clip } from './units.ts';

/** A YAML document as plain values, with the way back from every value to its place in the text. */
export interface PlanDocument {
  readonly value: unknown;
  readonly offsetOf: (finding: Finding) => number;
  /** A scalar as it is written: "1.50" where the value is 1.5; null for anything that is no scalar. */
  sourceOf(path: Path): string | null;
}

export interface DocumentResult {
  readonly lines: Lines;
  /** null where the text is not one YAML document at all. */
  readonly document: PlanDocument | null;
  readonly findings: readonly Finding[];
}

/** Reads one YAML 1.2 document within the bounds of `planLimits`. Never throws. */
export function readDocument(text: string): DocumentResult {
  const lines = new Lines(text);
  const fail = (message: string, offset = 0): DocumentResult => ({
    lines,
    document: null,
    findings: [{ path: [], message, offset }],
  });
  if (text.length > planLimits.textBytes || new TextEncoder().encode(text).length > planLimits.textBytes) {
    return fail(`a plan is at most ${planLimits.textBytes / 1024 / 1024} MiB of text; make it shorter`);
  }
  const tokens = tokensOf(text);
  if (tokens === null) return fail(`more than ${planLimits.lexemes} words and signs of YAML; make the plan smaller`);
  const deep = tooDeep(tokens);
  if (deep !== null) return fail(`nested deeper than ${planLimits.nestingDepth} levels; a plan needs nine`, deep);
  const composer = new Composer({ uniqueKeys: false, stringKeys: true, prettyErrors: false, resolveKnownTags: false });
  const documents = [...composer.compose(tokens, true, text.length)];
  const [first, second] = documents;
  const findings = syntaxFindings(documents, tokens, text, lines);
  if (second !== undefined) {
    const offset = second.range[0];
    findings.push({
      path: [],
      offset,
      message: 'a second document starts here; a plan is one document, so remove "---"',
    });
  }
  if (findings.length > 0) return { lines, document: null, findings };
  if (first === undefined || (isScalar(first.contents) && first.contents.value === null)) {
    return fail('the plan is empty; it needs version, config, load and scenarios');
  }
  const reader = new Reader(text);
  const value = reader.read(first.contents, []);
  return { lines, document: documentOf(value, reader), findings: reader.findings };
}

function documentOf(value: unknown, reader: Reader): PlanDocument {
  return {
    value,
    offsetOf: (finding) => reader.offsetOf(finding),
    sourceOf(path) {
      const node = reader.origin(path)?.value;
      return isScalar(node) ? (node.source ?? '') : null;
    },
  };
}

interface Origin {
  readonly key: Node | null;
  readonly value: Node | null;
}

/** Turns nodes into values: aliases written out, duplicate keys found, everything counted. */
class Reader {
  readonly findings: Finding[] = [];
  readonly #text: string;
  readonly #origins = new Map<string, Origin>();
  readonly #anchors = new Map<string, Node>();
  /** What an alias means is settled where it stands first, before a later anchor of the same name. */
  readonly #targets = new Map<Alias, Node>();
  /** Mappings and lists around the node that is being read. */
  readonly #open = new Set<Node>();
  #values = 0;
  #aliasDepth = 0;

  constructor(text: string) {
    this.#text = text;
  }

  read(node: Node | null, path: Path, key: Node | null = null): unknown {
    this.#origins.set(path.join('\0'), { key, value: node });
    if (++this.#values > planLimits.values) {
      // Said once; what follows is left out, and the plan is refused anyway.
      if (this.#values === planLimits.values + 1) {
        this.findings.push({
          path,
          message: `more than ${planLimits.values} values, aliases written out; make it smaller`,
        });
      }
      return null;
    }
    if (path.length > planLimits.nestingDepth) {
      this.findings.push({
        path,
        message: `nested deeper than ${planLimits.nestingDepth} levels, aliases written out`,
      });
      return null;
    }
    if (isAlias(node)) return this.#readAlias(node, path, key);
    if (node?.anchor !== undefined && this.#aliasDepth === 0) {
      this.#anchors.set(node.anchor, node);
    }
    if (node === null || isScalar(node)) return node?.value ?? null;
    this.#open.add(node);
    const value = isMap(node) ? this.#readMap(node, path) : this.#readList(node, path);
    this.#open.delete(node);
    return value;
  }

  origin(path: Path): Origin | undefined {
    return this.#origins.get(path.join('\0'));
  }

  /** The nearest thing that is in the text: a finding may name a field that is not. */
  offsetOf({ path, at = 'value', fragment }: Finding): number {
    if (at === 'parent') return this.offsetOf({ path: path.slice(0, -1), message: '', at: 'key' });
    const origin = this.origin(path);
    if (origin === undefined) return path.length === 0 ? 0 : this.offsetOf({ path: path.slice(0, -1), message: '' });
    const node = at === 'key' ? (origin.key ?? origin.value) : (origin.value ?? origin.key);
    const [start, end] = node?.range ?? [0, 0];
    if (fragment === undefined) return start === end && at === 'value' ? (origin.key?.range?.[0] ?? start) : start;
    return start + Math.max(0, this.#text.slice(start, end).indexOf(fragment));
  }

  #readAlias(alias: Alias, path: Path, key: Node | null): unknown {
    const target = this.#targets.get(alias) ?? this.#anchors.get(alias.source);
    if (target === undefined) {
      this.findings.push({
        path,
        message: `*${clip(alias.source)} names no anchor; write &${clip(alias.source)} before it`,
      });
      return null;
    }
    if (this.#open.has(target)) {
      this.findings.push({ path, message: `*${clip(alias.source)} stands inside what it names; write the value out` });
      return null;
    }
    this.#targets.set(alias, target);
    this.#aliasDepth++;
    const value = this.read(target, path, key);
    this.#aliasDepth--;
    return value;
  }

  #readList(list: YAMLSeq, path: Path): unknown[] {
    return list.items.map((item, index) => this.read(item as Node | null, [...path, index]));
  }

  #readMap(map: YAMLMap, path: Path): Record<string, unknown> {
    const value: Record<string, unknown> = {};
    for (const { key, value: child } of map.items as { key: Scalar; value: Node | null }[]) {
      const name = String(key.value);
      const childPath = [...path, name];
      const offset = key.range?.[0] ?? 0;
      if (name === '__proto__') {
        this.findings.push({ path: childPath, offset, message: 'no mapping may have this key; rename it' });
      } else if (Object.hasOwn(value, name)) {
        this.findings.push({
          path: childPath,
          offset,
          message: `"${clip(name)}" stands here twice; remove one of them`,
        });
      } else {
        value[name] = this.read(child, childPath, key);
      }
    }
    return value;
  }
}

/** The text's tokens, or null where there are too many to compose within a moment. */
function tokensOf(text: string): readonly CST.Token[] | null {
  const parser = new Parser();
  const tokens: CST.Token[] = [];
  let lexemes = 0;
  for (const lexeme of new Lexer().lex(text)) {
    if (++lexemes > planLimits.lexemes) return null;
    tokens.push(...parser.next(lexeme));
  }
  return [...tokens, ...parser.end()];
}

/** Where the tokens nest deeper than allowed, or null. Without recursion, since it guards the recursive steps. */
function tooDeep(tokens: readonly CST.Token[]): number | null {
  const pending: { readonly token: CST.Token; readonly depth: number }[] = tokens.map((token) => ({ token, depth: 0 }));
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { token, depth } = next;
    if (depth > planLimits.nestingDepth) return token.offset;
    if (token.type === 'document' && token.value) pending.push({ token: token.value, depth });
    if (!('items' in token)) continue;
    for (const item of token.items) {
      if (item.key) pending.push({ token: item.key, depth: depth + 1 });
      if (item.value) pending.push({ token: item.value, depth: depth + 1 });
    }
  }
  return null;
}
