import { isIP } from 'node:net';
import { TuttiError } from '../../lib/errors.ts';

/** Where requests of one scheme, host and port go, and what was learnt about it on the way. */
export class Origin {
  readonly secure: boolean;
  /** As in the URL, IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
  /** The value of the Host header. */
  readonly authority: string;
  /** TLS session of the newest handshake, offered to the next one. */
  session: Buffer | null = null;
  /** Which of the host's addresses answered last; tried first. */
  goodAddress = 0;

  /** `url` with http or https. Throws PLAN_INVALID for anything else. */
  constructor(url: URL) {
    if (url.protocol !== 'http:' && url.protocol !== 'https:') {
      throw new TuttiError('PLAN_INVALID', `${url.protocol} is not supported; use http or https`);
    }
    this.secure = url.protocol === 'https:';
    this.host = url.hostname.replace(/^\[(.*)\]$/, '$1');
    this.port = url.port === '' ? (this.secure ? 443 : 80) : Number(url.port);
    this.authority = url.host;
  }

  /** Server name for TLS; empty for an address, which must not be sent as one (RFC 6066 3). */
  get serverName(): string {
    return isIP(this.host) === 0 ? this.host : '';
  }
}
