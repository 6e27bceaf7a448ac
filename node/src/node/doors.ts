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
  return { secret: settings.secret, tls };
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
