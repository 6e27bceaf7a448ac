import type { Clock } from '../../lib/clock.ts';
import type { Log } from '../../lib/log.ts';

const DAY_MS = 86_400_000;
/** Long enough to act in working hours, whatever makes the certificates. */
const WARN_BEFORE_MS = 7 * DAY_MS;
/** Timers cannot wait for longer than 24 days; and a clock that was wrong is right some time. */
const LOOK_EVERY_MS = 3_600_000;

export interface ExpiryOptions {
  readonly clock: Clock;
  readonly unixMs: () => number;
  /** Of the certificate in use, Unix milliseconds. */
  readonly validToMs: () => number;
  readonly log: Log;
}

/** Warns of a certificate that is about to expire, and once more when it has: once each. The returned function ends it. */
export function watchExpiry({ clock, unixMs, validToMs, log }: ExpiryOptions): () => void {
  let told = '';
  let cancel = (): void => undefined;
  const look = (): void => {
    const untilMs = validToMs();
    const leftMs = untilMs - unixMs();
    const state = leftMs <= 0 ? 'expired' : leftMs <= WARN_BEFORE_MS ? 'expires' : '';
    const key = `${state} ${untilMs}`;
    if (state !== '' && key !== told) tell(state === 'expired', new Date(untilMs).toISOString());
    told = key;
    cancel = clock.at(clock.nowMs() + LOOK_EVERY_MS, look);
  };
  const tell = (hasExpired: boolean, at: string): void => {
    const renew = 'renew the files of CLUSTER_TLS_CERT_FILE and CLUSTER_TLS_KEY_FILE; they are taken without a restart';
    if (hasExpired)
      log.error({ expired: at }, `the certificate of this node has expired: no new connection succeeds; ${renew}`);
    else log.warn({ expires: at }, `the certificate of this node is about to expire; ${renew}`);
  };
  look();
  return () => cancel();
}
