import { createPrivateKey, X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { TuttiError } from '../../lib/errors.ts';
import { certifiedBy } from '../../transport/peer/certificate.ts';
import type { TlsIdentity } from '../../transport/peer/options.ts';
import { mutualTls } from '../../transport/peer/tls.ts';

/** Where the three PEM files of mutual TLS are. */
export interface TlsFiles {
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
}

/** Keys that fit together, and what people should know of them. */
export interface NodeKeys {
  readonly identity: TlsIdentity;
  /** Unix milliseconds. */
  readonly validToMs: number;
  readonly authorities: number;
  /** The names in the certificate. */
  readonly shown: string;
  /** Whether they are that node's. */
  readonly names: (nodeId: string) => boolean;
}

/**
 * What the three files hold, in the order of certificate, key, authorities. TLS itself would say what is wrong later and in its own
 * terms, or, for an authority, not at all: nobody could then connect. Throws SETTINGS_INVALID.
 */
export function parseKeys(files: TlsFiles, [cert, key, ca]: readonly [Buffer, Buffer, Buffer]): NodeKeys {
  const certificate = parsePem('CERT', files.cert, 'certificate', () => new X509Certificate(cert));
  const privateKey = parsePem('KEY', files.key, 'private key', () => createPrivateKey(key));
  const authorities = parsePem('CA', files.ca, 'certificate', () => certificatesIn(ca));
  if (!certificate.checkPrivateKey(privateKey)) {
    const message = 'CLUSTER_TLS_KEY_FILE: the key does not belong to the certificate in CLUSTER_TLS_CERT_FILE';
    throw new TuttiError('SETTINGS_INVALID', message);
  }
  const identity = { cert, key, ca };
  checkUsable(identity);
  const { names, shown } = certifiedBy(certificate);
  return {
    identity,
    validToMs: certificate.validToDate.getTime(),
    authorities: authorities.length,
    shown,
    names,
  };
}

/** OpenSSL refuses what is too weak. */
function checkUsable(identity: TlsIdentity): void {
  try {
    createSecureContext(mutualTls(identity));
  } catch (error) {
    const message = `CLUSTER_TLS_CERT_FILE, CLUSTER_TLS_KEY_FILE, CLUSTER_TLS_CA_FILE: TLS takes none of it: ${(error as Error).message}`;
    throw new TuttiError('SETTINGS_INVALID', message, { cause: error });
  }
}

/** Throws SETTINGS_INVALID for keys of another node: every other one would refuse them. */
export function checkName(keys: NodeKeys, nodeId: string): void {
  if (keys.names(nodeId)) return;
  throw new TuttiError(
    'SETTINGS_INVALID',
    `CLUSTER_TLS_CERT_FILE: the certificate is not that of node "${nodeId}", but of: ${keys.shown}. Give this node a certificate with ` +
      `its id as a DNS name in subjectAltName (DNS:${nodeId}), or set CLUSTER_NODE_ID to the one it has`,
  );
}

/** A file of authorities may hold several, while one takes over from another. */
function certificatesIn(pem: Buffer): readonly X509Certificate[] {
  const blocks = pem.toString('latin1').match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g);
  return (blocks ?? ['']).map((block) => new X509Certificate(block));
}

function parsePem<Parsed>(which: 'CERT' | 'KEY' | 'CA', file: string, what: string, parse: () => Parsed): Parsed {
  try {
    return parse();
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? String(error);
    const message = `CLUSTER_TLS_${which}_FILE: ${file} holds no PEM ${what} that can be read (${code})`;
    throw new TuttiError('SETTINGS_INVALID', message, { cause: error });
  }
}
