import type { Socket } from 'node:net';

/** The other end of a connection as grpc-js prints it (`getPeer`), so that the two can be matched. */
export function remoteOf(socket: Pick<Socket, 'remoteAddress' | 'remotePort'>): string {
  return `${socket.remoteAddress ?? 'unknown'}:${socket.remotePort ?? 0}`;
}

/** Without the port, which is another one at each attempt: in sentences it would make one problem look like many. */
export function remoteHost(remote: string): string {
  return remote.replace(/:\d+$/, '');
}
