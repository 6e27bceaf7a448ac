import { apiDoorProblem } from '../api/doors.ts';
import { TuttiError } from '../lib/errors.ts';
import type { Settings } from '../settings/schema.ts';
import { refuseOpenDoor } from '../transport/doors.ts';
import type { TlsSource } from '../transport/peer/options.ts';
import { OwnKeys } from './keys/own-keys.ts';

export interface PeerSecurity {
  readonly secret: string | null;
  readonly tls: TlsSource | null;
  /** Where `tls` comes from. */
  readonly keys: OwnKeys | null;
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

/** What connections to other nodes prove. Throws SETTINGS_INVALID for keys that do not fit together. */
export function peerSecurity(settings: Settings): PeerSecurity {
  const { secret, tlsCertFile, tlsKeyFile, tlsCaFile } = settings;
  if (tlsCertFile === null || tlsKeyFile === null || tlsCaFile === null) return { secret, tls: null, keys: null };
  const keys = new OwnKeys({ cert: tlsCertFile, key: tlsKeyFile, ca: tlsCaFile });
  return { secret, tls: keys.source, keys };
}
