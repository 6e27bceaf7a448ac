import { ComponentResource, type ComponentResourceOptions, type Output } from '@pulumi/pulumi';
import { PrivateKey } from '@pulumi/tls/privateKey.js';
import { SelfSignedCert } from '@pulumi/tls/selfSignedCert.js';

const YEAR_HOURS = 365 * 24;
/** As long as any stack; whoever replaces an authority has to have all nodes take the new one at once. */
const VALID_HOURS = 10 * YEAR_HOURS;

/** Elliptic curves: small, quick, and read by every TLS there is. */
export const KEY_KIND = { algorithm: 'ECDSA', ecdsaCurve: 'P256' } as const;

/**
 * The certificate authority of one cluster, and of nothing else: whose certificate it has signed, that may speak in the cluster as the node
 * it names. Its key is a secret of the state.
 */
export class Authority extends ComponentResource {
  readonly keyPem: Output<string>;
  readonly certificatePem: Output<string>;

  constructor(name: string, args: { readonly stack: string }, options?: ComponentResourceOptions) {
    super('tutti:infra:Authority', name, {}, options);
    const key = new PrivateKey(name, KEY_KIND, { parent: this });
    const certificate = new SelfSignedCert(
      name,
      {
        privateKeyPem: key.privateKeyPem,
        isCaCertificate: true,
        subject: { commonName: `tutti ${args.stack}` },
        validityPeriodHours: VALID_HOURS,
        earlyRenewalHours: YEAR_HOURS,
        allowedUses: ['cert_signing', 'crl_signing', 'digital_signature'],
        setSubjectKeyId: true,
      },
      { parent: this },
    );
    this.keyPem = key.privateKeyPem;
    this.certificatePem = certificate.certPem;
    this.registerOutputs();
  }
}
