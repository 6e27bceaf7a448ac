import { isTlsFailure } from './tls.ts';
import type { EndCause } from './wire.ts';

/** What a failed connection means, by its error's words: the gRPC library hands on nothing else. */
export function causeOf(reason: string): EndCause {
  if (isTlsFailure(reason)) return 'tls';
  // A host name with several addresses fails with one error for each: it is absent only where all of them refuse.
  const errors = reason.split('; ');
  return errors.every((error) => error.includes('ECONNREFUSED')) ? 'absent' : 'lost';
}
