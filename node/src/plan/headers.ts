import type { NameValue } from './plan.ts';
import { clip, type Parsed } from './units.ts';

/** RFC 9110 5.6.2: the characters of a header name. */
export function isHeaderName(name: string): boolean {
  return /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(name);
}

/** Written by the HTTP client itself from the body it sends; a second, differing one would break the message's framing. */
const clientHeaders = new Set(['content-length', 'transfer-encoding']);

/** Why a header cannot be sent, or null. Line breaks in a value would let it add headers or whole requests. */
export function headerFault(name: string, value: string): string | null {
  if (!isHeaderName(name))
    return `"${clip(name)}" is no header name; use letters, digits and -, without blanks or colons`;
  if (clientHeaders.has(name.toLowerCase())) return `${name} is set by tutti from the body; remove it`;
  if (/[\u0000-\u0008\u000a-\u001f\u007f]/.test(value)) {
    return `the value of ${name} has a line break or control character in it; write it on one line`;
  }
  if (/[^\u0000-\u00ff]/.test(value)) return `the value of ${name} has characters beyond Latin-1; encode them`;
  return null;
}

/**
 * `Name:Value` pairs separated by commas, as the Rust tool writes `customHeaders`: the first colon splits, `\,` is a
 * literal comma, other backslashes stay, blanks around names and values go, empty pairs are skipped, of several with one
 * name (letter case aside) the last wins.
 */
export function parseCustomHeaders(text: string): Parsed<readonly NameValue[]> {
  const headers = new Map<string, NameValue>();
  for (const segment of text.split(/(?<!\\),/)) {
    const pair = segment.replaceAll('\\,', ',').trim();
    if (pair === '') continue;
    const colon = pair.indexOf(':');
    const remedy = 'write Name:Value pairs separated by commas, and \\, for a comma inside a value';
    if (colon === -1) return { ok: false, message: `"${clip(pair)}" has no colon; ${remedy}` };
    const name = pair.slice(0, colon).trim();
    if (name === '') return { ok: false, message: `"${clip(pair)}" has no name before the colon; ${remedy}` };
    const value = pair.slice(colon + 1).trim();
    const fault = headerFault(name, value);
    if (fault !== null) return { ok: false, message: fault };
    headers.delete(name.toLowerCase());
    headers.set(name.toLowerCase(), { name, value });
  }
  return { ok: true, value: [...headers.values()] };
}
