/**
 * What can travel in an Authorization header: visible ASCII, spaces only within (RFC 9110 section 5.5). Any other token would
 * never match.
 */
export const sendableToken = /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/;

export const notSendable = 'must be one line of visible ASCII characters, or no HTTP header could carry it';

export const MIN_TOKEN_LENGTH = 16;

/** Why a text can be no token, to put behind "must" or what holds it; null: it can. */
export function tokenProblem(text: string): string | null {
  if (text.length < MIN_TOKEN_LENGTH) return `must have at least ${MIN_TOKEN_LENGTH} characters`;
  return sendableToken.test(text) ? null : notSendable;
}
