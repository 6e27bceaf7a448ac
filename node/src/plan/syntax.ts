import type { CST, Document } from 'yaml';
import type { Finding } from './findings.ts';
import type { Lines } from './lines.ts';
import { clip } from './units.ts';

/**
 * What is wrong with a document as YAML, one problem a line: what YAML finds after the first is nearly always a consequence of it. What was opened and
 * not closed is named where it opens: YAML notices only at the end of the text, or where something else begins.
 */
export function syntaxFindings(
  documents: readonly Document.Parsed[],
  tokens: readonly CST.Token[],
  text: string,
  lines: Lines,
): Finding[] {
  const opened = unclosedIn(tokens);
  return documents.flatMap((document) => findingsOf(document, opened, text, lines));
}

function findingsOf(document: Document.Parsed, opened: Unclosed, text: string, lines: Lines): Finding[] {
  const byLine = new Map<number, Finding>();
  for (const error of [...document.errors, ...document.warnings].sort((left, right) => left.pos[0] - right.pos[0])) {
    const { line } = lines.placeOf(error.pos[0]);
    if (byLine.has(line)) continue;
    const unclosed = unclosedAt(opened, error.pos[0], error.message);
    if (unclosed !== null) {
      byLine.set(line, unclosed);
      continue;
    }
    const written = text.slice(lines.starts[line - 1], lines.starts[line]);
    const remedy = /[{[].*\$\{/.test(written)
      ? 'put text with ${...} into quotes, which { } and [ ] demand'
      : (remedies[error.code] ?? 'correct it and try again');
    const message = `not valid YAML: ${clip(error.message, 200)}; ${remedy}`;
    byLine.set(line, { path: [], offset: error.pos[0], message });
  }
  return [...byLine.values()];
}

const remedies: Readonly<Record<string, string>> = {
  BAD_INDENT: 'line it up with its neighbours',
  TAB_AS_INDENT: 'use blanks',
  MISSING_CHAR: 'check quotes, brackets and colons just before',
  BAD_ALIAS: 'put text that begins with * into quotes',
  TAG_RESOLVE_FAILED: 'put text that begins with ! into quotes, or remove the tag',
  NON_STRING_KEY: 'use text as the key',
  BLOCK_IN_FLOW: 'put the text into quotes',
  MULTILINE_IMPLICIT_KEY: 'put the text into quotes, or check the indentation',
  UNEXPECTED_TOKEN: 'check indentation and quotes just before',
};

const closing: Readonly<Record<string, string>> = { '"': '"', "'": "'", '{': '}', '[': ']' };

interface Opened {
  readonly offset: number;
  readonly sign: string;
}

interface Unclosed {
  readonly quotes: readonly Opened[];
  readonly brackets: readonly Opened[];
}

/** What was opened and never closed, in the order of the text. Without recursion, as deep as it may nest. */
function unclosedIn(tokens: readonly CST.Token[]): Unclosed {
  const [quotes, brackets]: [Opened[], Opened[]] = [[], []];
  const pending = [...tokens];
  for (let token = pending.pop(); token !== undefined; token = pending.pop()) {
    if (token.type === 'document' && token.value) pending.push(token.value);
    if ('items' in token) {
      for (const { key, value } of token.items) pending.push(...[key, value].filter((each) => each != null));
    }
    const [quote, bracket] = [openQuote(token), openBracket(token)];
    if (quote !== null) quotes.push({ offset: token.offset, sign: quote });
    if (bracket !== null) brackets.push({ offset: token.offset, sign: bracket });
  }
  const inOrder = (left: Opened, right: Opened): number => left.offset - right.offset;
  return { quotes: quotes.sort(inOrder), brackets: brackets.sort(inOrder) };
}

/** The innermost thing around the place that YAML misses the end of; null: the error is about something else. */
function unclosedAt({ quotes, brackets }: Unclosed, offset: number, message: string): Finding | null {
  const opened = /^Missing closing/.test(message) ? quotes : /^Flow (map|sequence) /.test(message) ? brackets : [];
  let [from, to] = [0, opened.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    if (opened[middle]!.offset <= offset) from = middle + 1;
    else to = middle;
  }
  const last = opened[from - 1];
  if (last === undefined) return null;
  const end = closing[last.sign]!;
  // A } that stands where its mapping began is not taken for its end.
  const what = end === last.sign ? 'never closed' : `not closed, or its ${end} stands too far to the left`;
  const said = `not valid YAML: the ${last.sign} here is ${what}; write ${end} where it ends`;
  return { path: [], offset: last.offset, message: said };
}

function openQuote(token: CST.Token): string | null {
  if (token.type !== 'double-quoted-scalar' && token.type !== 'single-quoted-scalar') return null;
  const sign = token.source[0]!;
  const inside = token.source.slice(1);
  const isClosed = sign === '"' ? /^(?:[^\\"]|\\.)*"$/s.test(inside) : /^(?:[^']|'')*'$/s.test(inside);
  return isClosed ? null : sign;
}

function openBracket(token: CST.Token): string | null {
  if (token.type !== 'flow-collection') return null;
  const sign = token.start.source;
  return token.end.some(({ source }) => source === closing[sign]) ? null : sign;
}
