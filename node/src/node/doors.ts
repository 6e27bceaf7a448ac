import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { apiDoorProblem } from '../api/doors.ts';
import { TuttiError } from '../lib/errors.ts';
import type { Settings } from '../settings/schema.ts';
import { refuseOpenDoor } from '../transport/doors.ts';

export interface PeerSecurity {
  readonly secret: string | null;
  readonly tls: { readonly cert: Buffer; readonly key: Buffer; readonly ca: Buffer } | null;
}

/** Both ports must be closed to strangers, or the operator has said aloud that they need not be. */
export function checkDoors(settings: Settings): void {
  const problems = [
    refuseOpenDoor({
      bindHost: settings.bindAddress.host,
      hasSecret: settings.secret !== null,
      hasMutualTls: settings.tlsCertFile !== null,
      insecure: settings.insecure,
    }),
    apiDoorProblem({ host: settings.healthAddress.host, token: settings.apiAuthToken, insecure: settings.insecure }),
  ].filter((problem) => problem !== null);
  if (problems.length > 0) throw new TuttiError('SETTINGS_INVALID', problems.join('\n'));
}

export function peerSecurity(settings: Settings): PeerSecurity {
  const { tlsCertFile, tlsKeyFile, tlsCaFile } = settings;
  if (tlsCertFile === null || tlsKeyFile === null || tlsCaFile === null) return { secret: settings.secret, tls: null };
  const tls = {
    cert: readPem('CLUSTER_TLS_CERT_FILE', tlsCertFile),
    key: readPem('CLUSTER_TLS_KEY_FILE', tlsKeyFile),
    ca: readPem('CLUSTER_TLS_CA_FILE', tlsCaFile),
  };
  const certificate = parsePem(
    'CLUSTER_TLS_CERT_FILE',
    tlsCertFile,
    'certificate',
    () => new X509Certificate(tls.cert),
  );
  const key = parsePem('CLUSTER_TLS_KEY_FILE', tlsKeyFile, 'private key', () => createPrivateKey(tls.key));
  parsePem('CLUSTER_TLS_CA_FILE', tlsCaFile, 'certificate', () => new X509Certificate(tls.ca));
  if (!certificate.checkPrivateKey(key)) {
    const message = 'CLUSTER_TLS_KEY_FILE: the key does not belong to the certificate in CLUSTER_TLS_CERT_FILE';
    throw new TuttiError('SETTINGS_INVALID', message);
  }
  return { secret: settings.secret, tls };
}

/** TLS itself would say so later and in its own terms, or, for an authority, not at all: nobody could then connect. */
function parsePem<Parsed>(env: string, file: string, what: string, parse: () => Parsed): Parsed {
  try {
    return parse();
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? String(error);
    throw new TuttiError('SETTINGS_INVALID', `${env}: ${file} holds no PEM ${what} that can be read (${code})`, {
      cause: error,
    });
  }
}

function readPem(env: string, file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new TuttiError(
      'SETTINGS_INVALID',
      `${env}: cannot read ${file} (${(error as NodeJS.ErrnoException).code ?? String(error)})`,
      { cause: error },
    );
  }
}
