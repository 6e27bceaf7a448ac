import type tls from 'node:tls';
import type { TlsIdentity } from './options.ts';

/** Every peer is of this program, so the newest version of TLS is the oldest that is spoken. */
const MIN_VERSION = 'TLSv1.3';

/** What both ends of a connection with mutual TLS demand of each other. */
export function mutualTls({ cert, key, ca }: TlsIdentity): tls.TlsOptions & tls.ConnectionOptions {
  return { cert, key, ca, minVersion: MIN_VERSION, requestCert: true, rejectUnauthorized: true };
}

/** Whether a failed connection failed by TLS, by what OpenSSL and Node say: then somebody has to act. */
export function isTlsFailure(reason: string): boolean {
  return /\b(SSL|TLS|EPROTO|certificate|self-signed|altname)/i.test(reason);
}

/** OpenSSL adds a thread's number, which would make every attempt look like another problem. */
export function withoutThread(reason: string): string {
  return reason.replace(/\b[0-9A-F]{8,}:error:/g, '').trim();
}
