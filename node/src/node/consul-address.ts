import { readFileSync } from 'node:fs';
import type { ConsulAddress } from '../consul/http.ts';
import { TuttiError } from '../lib/errors.ts';
import type { Settings } from '../settings/schema.ts';
import { sendableToken } from '../settings/token.ts';

const defaultAddress = '127.0.0.1:8500';
const defaultPort = '8500';

/** Where Consul is, from our settings and its own environment. SETTINGS_INVALID with every problem of them. */
export function consulAddress(settings: Settings): ConsulAddress {
  const problems: string[] = [];
  const note = <Value>(read: () => Value): Value | null => {
    try {
      return read();
    } catch (thrown) {
      problems.push(TuttiError.from(thrown).message);
      return null;
    }
  };
  const url = note(() => urlOf(settings));
  const token = note(() => tokenOf(settings));
  const ca = note(() => pem('CONSUL_CACERT', settings.consulCaCert));
  const cert = note(() => pem('CONSUL_CLIENT_CERT', settings.consulClientCert));
  const key = note(() => pem('CONSUL_CLIENT_KEY', settings.consulClientKey));
  const verify = note(() => truth('CONSUL_HTTP_SSL_VERIFY', settings.consulSslVerify, true));
  if ((settings.consulClientCert === null) !== (settings.consulClientKey === null)) {
    problems.push('CONSUL_CLIENT_CERT, CONSUL_CLIENT_KEY: both or none');
  }
  if (url === null || verify === null || problems.length > 0) {
    throw new TuttiError('SETTINGS_INVALID', problems.join('\n'));
  }
  return { url, token, ca, cert, key, serverName: settings.consulTlsServerName, verify };
}

function urlOf({ consulAddress: ours, consulHttpAddress: consuls, consulSsl }: Settings): URL {
  const [env, given] = ours !== null ? ['CONSUL_ADDR', ours] : ['CONSUL_HTTP_ADDR', consuls ?? defaultAddress];
  const isSsl = truth('CONSUL_HTTP_SSL', consulSsl, false);
  if (given.startsWith('unix:')) throw new Error(`${env}: a Unix socket is not supported; use host:port`);
  const text = /^https?:\/\//.test(given) ? given : `${isSsl ? 'https' : 'http'}://${given}`;
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || url.username !== '' || url.search !== '' || url.hash !== '') {
    throw new Error(`${env}: must be [http://|https://]host:port, not '${given}'`);
  }
  // As Consul's own programs have it: without a scheme the port may be left out, too.
  if (text !== given && url.port === '' && !given.endsWith(':80') && !given.endsWith(':443')) url.port = defaultPort;
  // CONSUL_HTTP_SSL=true means it: an address that says http would send the token in the open.
  if (isSsl && url.protocol === 'http:') throw new Error(`${env}: says http, and CONSUL_HTTP_SSL is true`);
  return url;
}

function tokenOf({ consulToken, consulTokenFile }: Settings): string | null {
  const token = consulTokenFile === null ? consulToken : read('CONSUL_HTTP_TOKEN_FILE', consulTokenFile).trim();
  if (token !== null && !sendableToken.test(token)) {
    const env = consulTokenFile === null ? 'CONSUL_HTTP_TOKEN' : 'CONSUL_HTTP_TOKEN_FILE';
    throw new Error(`${env}: must be one line of visible ASCII characters`);
  }
  return token;
}

/** As Go reads it, and so Consul. */
function truth(env: string, value: string | null, otherwise: boolean): boolean {
  if (value === null) return otherwise;
  if (/^(1|t|true)$/i.test(value)) return true;
  if (/^(0|f|false)$/i.test(value)) return false;
  throw new Error(`${env}: must be true or false, not '${value}'`);
}

function pem(env: string, file: string | null): string | null {
  if (file === null) return null;
  const text = read(env, file);
  if (!text.includes('-----BEGIN ')) throw new Error(`${env}: ${file} holds no PEM`);
  return text;
}

function read(env: string, file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new Error(`${env}: cannot read ${file} (${(error as NodeJS.ErrnoException).code ?? String(error)})`, {
      cause: error,
    });
  }
}
