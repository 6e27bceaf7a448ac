import type { X509Certificate } from 'node:crypto';
import type { Certified } from '../certified.ts';
import { isPlainText } from '../identity-check.ts';

/** A certificate may hold hundreds of names; what a stranger signed must not flood logs. */
const MAX_SHOWN_LENGTH = 500;

/** By the names in subjectAltName alone, letter by letter: neither wildcards nor the common name count (RFC 9525). */
export function certifiedBy(certificate: X509Certificate): Certified {
  const shown = certificate.subjectAltName ?? '';
  return {
    names: (id) => certificate.checkHost(id, { subject: 'never', wildcards: false }) === id,
    shown: shown !== '' && isPlainText(shown, MAX_SHOWN_LENGTH) ? shown : 'no name that can be shown',
  };
}
