import { constants, X509Certificate } from 'node:crypto';
import tls from 'node:tls';
import { type Certified, uncertified } from '../certified.ts';
import { certifiedBy } from './certificate.ts';
import type { TlsIdentity } from './options.ts';

/** Every peer is of this program, so the newest version of TLS is the oldest that is spoken. */
const MIN_VERSION = 'TLSv1.3';

/**
 * What both ends of a connection with mutual TLS demand of each other. Sessions are not resumed: the certificate of each connection is
 * judged by the authorities of that moment.
 */
export function mutualTls({ cert, key, ca }: TlsIdentity): tls.TlsOptions & tls.ConnectionOptions {
  const secureOptions = constants.SSL_OP_NO_TICKET;
  return { cert, key, ca, secureOptions, minVersion: MIN_VERSION, requestCert: true, rejectUnauthorized: true };
}

/** The dialler's side of one connection with mutual TLS. */
export class TlsDial {
  readonly identity: TlsIdentity;
  readonly #host: string;
  #certified: Certified | null = null;

  /** `host` as it was dialled. */
  constructor(identity: TlsIdentity, host: string) {
    this.identity = identity;
    this.#host = host;
  }

  /** Whether we have accepted the peer's certificate; it may still refuse ours. */
  get hasAccepted(): boolean {
    return this.#certified !== null;
  }

  get certified(): Certified {
    return this.#certified ?? uncertified;
  }

  /**
   * For `tls.connect`: the certificate must be of the address that was dialled, whatever name the connection asked for. It is called
   * once authorities and dates are right.
   */
  readonly checkServerIdentity = (_name: string, certificate: tls.PeerCertificate): Error | undefined => {
    const problem = tls.checkServerIdentity(this.#host, certificate);
    if (problem === undefined) this.#certified = certifiedBy(new X509Certificate(certificate.raw));
    return problem;
  };
}

/** Whether a failed connection failed by TLS, by what OpenSSL and Node say: then somebody has to act. */
export function isTlsFailure(reason: string): boolean {
  return /\b(SSL|TLS|EPROTO|certificate|self-signed|altname)/i.test(reason);
}

/** OpenSSL adds a thread's number, which would make every attempt look like another problem. */
export function withoutThread(reason: string): string {
  return reason.replace(/\b[0-9A-F]{8,}:error:/g, '').trim();
}
