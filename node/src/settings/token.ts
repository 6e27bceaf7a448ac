/**
 * What can travel in an Authorization header: visible ASCII, spaces only within (RFC 9110 section 5.5). Any other token would
 * never match.
 */
export const sendableToken = /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/;

export const notSendable = 'must be one line of visible ASCII characters, or no HTTP header could carry it';
