import parseJsonPath from 'jsonpath-rfc9535/parser';
import { RE2JS } from 're2js';
import { planLimits } from './limits.ts';
import { clip, type Parsed } from './units.ts';

/**
 * The regular expression of a `bodyMatches`, in the dialect of RE2 like the Rust tool's: without lookaround and backreferences,
 * so that a match takes time linear in the body. With RegExp, one answer of a hostile target could stop a generator for hours.
 */
export function compileRegex(text: string): Parsed<RE2JS> {
  if (text.length > planLimits.expressionLength) return tooLong;
  try {
    return { ok: true, value: RE2JS.compile(text) };
  } catch (error) {
    const reason = messageOf(error).replace(/^error parsing regexp: /, '');
    return { ok: false, message: `"${clip(text)}" is no regular expression of RE2: ${clip(reason)}` };
  }
}

/** Why a text is no JSONPath of RFC 9535, or null. */
export function jsonPathFault(text: string): string | null {
  if (text.length > planLimits.expressionLength) return tooLong.message;
  if (text.split('(').length - 1 > maxOpenParentheses) {
    return `"${clip(text)}" has more than ${maxOpenParentheses} opening parentheses; write a simpler filter`;
  }
  try {
    const call = matchingCall(parseJsonPath(text));
    return call === null
      ? null
      : `"${clip(text)}" calls ${call}(), which is not supported yet; use bodyMatches, whose time is bounded`;
  } catch (error) {
    const hint = text.startsWith('$') ? '' : '; it starts with $, for example $.items[0].id';
    return `"${clip(text)}" is not a JSONPath (RFC 9535): ${clip(messageOf(error), 160)}${hint}`;
  }
}

/** The functions of a filter that match regular expressions: the library gives them to RegExp (see `compileRegex`). */
function matchingCall(node: unknown): string | null {
  if (typeof node !== 'object' || node === null) return null;
  const { type, name } = node as { readonly type?: unknown; readonly name?: unknown };
  if (type === 'FunctionExpr' && (name === 'match' || name === 'search')) return name;
  for (const child of Object.values(node)) {
    const call = matchingCall(child);
    if (call !== null) return call;
  }
  return null;
}

/**
 * The parser goes back and tries again at each function call that is not closed: 20 of them in a row took it 25 s, 8 of
 * them 1 ms. Counted, not nested, since a parenthesis in a string would mislead a count of levels.
 */
const maxOpenParentheses = 8;

const tooLong = {
  ok: false,
  message: `is longer than ${planLimits.expressionLength} characters; write a shorter expression`,
} as const;

function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
