import net from 'node:net';
import tls from 'node:tls';
import type { PeerTransportOptions } from '../peer/options.ts';
import { PeerTransport } from '../peer/peer-transport.ts';
import { remoteOf } from '../peer/remote.ts';
import { mutualTls, type TlsDial } from '../peer/tls.ts';
import type { DialTarget, Pipe, ServeContext, Wire, WireServer } from '../peer/wire.ts';
import type { Transport } from '../transport.ts';
import { wireKinds } from '../wire-kinds.ts';
import { tcpKind } from './kind.ts';
import { TcpPipe } from './pipe.ts';

/**
 * The same transport as `createGrpcTransport` without gRPC: the frames of proto/tutti/peer/v1/peer.proto, each behind its
 * length, on TCP or TLS connections (docs/adr/0032).
 */
export function createTcpTransport(options: PeerTransportOptions): Transport {
  return new PeerTransport(tcpWire, wireKinds, options);
}

export const tcpWire: Wire = { kind: tcpKind, dial, serve };

function dial({ host, port, tls: secure, clock }: DialTarget): Pipe {
  const socket = secure === null ? net.connect({ host, port }) : connectSecurely(host, port, secure);
  socket.setNoDelay(true);
  return new TcpPipe(socket, clock);
}

function connectSecurely(host: string, port: number, { identity, checkServerIdentity }: TlsDial): tls.TLSSocket {
  const ALPNProtocols = [tcpKind.alpnProtocol];
  return tls.connect({ host, port, ...mutualTls(identity), checkServerIdentity, ALPNProtocols });
}

function serve({ clock, onPipe }: ServeContext): WireServer {
  return {
    accept: (socket) => onPipe(new TcpPipe(socket, clock), remoteOf(socket)),
    // Every connection is the listener's, which ends them all.
    close: () => undefined,
  };
}
