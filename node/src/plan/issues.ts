import type * as z from 'zod';
import type { Finding, Path } from './findings.ts';
import { optionsOf, schemaAt } from './json-schema.ts';
import { nearest } from '../lib/nearest.ts';
import { notSupportedMessage } from './not-supported.ts';
import { clip } from './units.ts';

type Issue = z.core.$ZodIssue;

/** What zod found, in the words of a person: what is expected, what is there, what to do. */
export function findingsOf(issue: Issue, root: unknown, base: Path = []): readonly Finding[] {
  const path: Path = [...base, ...(issue.path as (string | number)[])];
  // eslint-disable-next-line @typescript-eslint/switch-exhaustiveness-check -- every other kind is a mismatch in our words
  switch (issue.code) {
    case 'custom':
      return [{ path, message: issue.message }];
    case 'unrecognized_keys':
      return issue.keys.map((key) => unknownKey([...path, key], root));
    case 'invalid_union':
      return unionFindings(issue, path, root);
    case 'too_small':
      if (issue.origin === 'string') return [{ path, message: 'must not be empty' }];
      if (issue.origin === 'array') return [{ path, message: `must not be empty; expected ${expected(path, root)}` }];
      return [mismatch(path, root, issue.input)];
    case 'too_big':
      if (issue.origin === 'string')
        return [{ path, message: `is longer than ${Number(issue.maximum)} characters; shorten it` }];
      if (issue.origin === 'array')
        return [{ path, message: `has more than ${Number(issue.maximum)} elements; remove some` }];
      return [mismatch(path, root, issue.input)];
    case 'invalid_value':
      return [mismatch(path, root, issue.input, didYouMean(issue.input, issue.values.map(String)))];
    default:
      return [mismatch(path, root, issue.input)];
  }
}

/** A value in words: the text "abc", the number 3, a list. */
export function describeValue(value: unknown): string {
  if (value === null || value === undefined) return 'nothing';
  if (typeof value === 'string') return `the text "${clip(value, 40)}"`;
  if (typeof value === 'number') return `the number ${value}`;
  if (typeof value === 'boolean') return String(value);
  return Array.isArray(value) ? 'a list' : 'a mapping';
}

function unionFindings(
  issue: Extract<Issue, { code: 'invalid_union' }>,
  path: Path,
  root: unknown,
): readonly Finding[] {
  if ('discriminator' in issue && typeof issue.discriminator === 'string') {
    return [wrongOption(issue.discriminator, path, root, issue.input)];
  }
  // Of the branches of a union, the one whose own type fits knows best what is wrong inside.
  const fitting = issue.errors.find((issues) =>
    issues.every((inner) => inner.code === 'custom' || inner.path.length > 0),
  );
  if (fitting === undefined) return [mismatch(path, root, issue.input)];
  return fitting.flatMap((inner) => findingsOf(inner, root, path));
}

function wrongOption(discriminator: string, path: Path, root: unknown, input: unknown): Finding {
  const options = optionsOf(schemaAt(path.slice(0, -1), root), discriminator);
  const mapping = input as Readonly<Record<string, unknown>>;
  const written = mapping[discriminator];
  if (written === undefined) {
    const short = options.find((option) => Object.hasOwn(mapping, option));
    const hint =
      short === undefined
        ? `; add it, one of ${options.join(', ')}`
        : shortFormHint(discriminator, short, mapping[short]);
    return { path, at: 'parent', message: `is missing${hint}` };
  }
  const refused = typeof written === 'string' ? notSupportedMessage(path, written) : null;
  if (refused !== null) return { path, message: refused };
  const hint = didYouMean(written, options);
  return { path, message: `expected one of ${options.join(', ')}, found ${describeValue(written)}${hint}` };
}

/** The Rust tool's documents show forms that its parser refuses (rust-loadtest.md 1.9). */
function shortFormHint(discriminator: string, option: string, value: unknown): string {
  const isScalar = typeof value === 'string' || typeof value === 'number';
  const example = isScalar ? `, for example {type: ${option}, ${mainKey[option] ?? option}: ${value}}` : '';
  return `; write "${discriminator}: ${option}"${clip(example, 120)}`;
}

const mainKey: Readonly<Record<string, string>> = {
  statusCode: 'expected',
  responseTime: 'max',
  bodyContains: 'text',
  bodyMatches: 'regex',
  headerExists: 'header',
};

function unknownKey(path: Path, root: unknown): Finding {
  const refused = notSupportedMessage(path);
  if (refused !== null) return { path, at: 'key', message: refused };
  const key = String(path.at(-1));
  if (key === '<<') return { path, at: 'key', message: 'merge keys (<<) are not supported yet; write the keys out' };
  const known = Object.keys(schemaAt(path.slice(0, -1), root)?.properties ?? {});
  const near = nearest(key, known);
  const hint = near === null ? `known here: ${known.join(', ')}` : `did you mean "${near}"?`;
  return { path, at: 'key', message: `unknown key "${clip(key)}"; ${hint}` };
}

function mismatch(path: Path, root: unknown, input: unknown, hint = ''): Finding {
  const wanted = expected(path, root);
  if (input === undefined)
    return { path, at: 'parent', message: `is missing; add "${String(path.at(-1))}", ${wanted}` };
  if (input === null) return { path, message: `is empty; expected ${wanted}` };
  return { path, message: `expected ${wanted}, found ${describeValue(input)}${hint || quotesHint(wanted, input)}` };
}

function expected(path: Path, root: unknown): string {
  const schema = schemaAt(path, root);
  // The place itself may hold a wrong value that chooses no branch, or the wrong one of a union without a text.
  return schema?.title ?? 'something else';
}

function quotesHint(wanted: string, input: unknown): string {
  if (typeof input === 'string' && wanted.includes('number') && /^-?\d+(\.\d+)?$/.test(input.trim())) {
    return '; remove the quotes';
  }
  if (typeof input === 'string' && wanted === 'true or false' && /^(true|false)$/.test(input))
    return '; remove the quotes';
  return (typeof input === 'number' || typeof input === 'boolean') && wanted.startsWith('text')
    ? '; put it into quotes'
    : '';
}

function didYouMean(written: unknown, options: readonly string[]): string {
  const near = typeof written === 'string' ? nearest(written, options) : null;
  return near === null ? '' : `; did you mean "${near}"?`;
}
