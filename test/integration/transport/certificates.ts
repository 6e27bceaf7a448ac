import { issue, type KeyAndCertificate, makeAuthority } from '../../../infra/src/cloud/keys/certificates.ts';
import type { TlsIdentity } from '../../../node/src/transport/peer/options.ts';

export interface KeyChanges {
  readonly days?: number;
  readonly ca?: string;
  readonly address?: string;
}

/** A certificate authority of its own, made new and kept nowhere, and what it signs. */
export class TestAuthority {
  readonly #own: KeyAndCertificate;

  constructor(name = 'test ca') {
    this.#own = makeAuthority(name, 2);
  }

  get pem(): string {
    return this.#own.certificate;
  }

  /** For a node of that id, on 127.0.0.1 unless another address is given. It trusts this authority alone, unless another `ca` is. */
  keysOf(id: string, { days = 2, ca = this.pem, address = 'IP:127.0.0.1' }: KeyChanges = {}): TlsIdentity {
    const { key, certificate } = issue(this.#own, [`DNS:${id}`, address], days);
    return { cert: certificate, key, ca };
  }
}

/** An authority of its own, and one certificate for that subject, signed by it. */
export function makeTlsIdentity(subject = 'IP:127.0.0.1'): TlsIdentity {
  const authority = makeAuthority('test ca', 2);
  const { key, certificate } = issue(authority, [subject], 2);
  return { cert: certificate, key, ca: authority.certificate };
}
