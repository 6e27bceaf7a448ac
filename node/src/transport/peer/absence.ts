import { connect } from 'node:net';
import { HANDSHAKE_TIMEOUT_MS } from './listener.ts';

/**
 * Calls back if the address refuses connections, each of its addresses if a name has several: no process listens there. A bare
 * connection knows it within a round trip, where a new gRPC channel takes 4 to 20 ms to say the same (on a busy machine).
 * Whoever accepts it sees it end without a byte. It keeps no process alive.
 */
export function onAbsence(host: string, port: number, absent: () => void): void {
  const socket = connect({ host, port, timeout: HANDSHAKE_TIMEOUT_MS }).unref();
  const giveUp = (): void => void socket.destroy();
  socket.once('connect', giveUp);
  socket.once('timeout', giveUp);
  socket.once('error', (error) => {
    const errors: readonly Error[] = error instanceof AggregateError ? (error.errors as Error[]) : [error];
    if (errors.every((each) => 'code' in each && each.code === 'ECONNREFUSED')) absent();
  });
}
