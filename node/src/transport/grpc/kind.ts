import http2 from 'node:http2';
import type { Socket } from 'node:net';
import { encodeFrame } from '../codec.ts';
import type { WireKind } from '../peer/wire.ts';

/** HTTP/2: its connection preface "PRI * HTTP/2.0" (RFC 9113 section 3.4), and its name in ALPN (section 3.2). */
export const grpcKind: WireKind = {
  name: 'gRPC',
  setting: 'grpc',
  firstByte: 0x50,
  alpnProtocol: 'h2',
  refuse: (socket, _clock, reasonFor) => refuse(socket, () => reasonFor(null)),
};

/**
 * Answers each call with one Refused frame, by Node's own HTTP/2: a port that speaks no gRPC needs no gRPC server to say
 * so. The dialler closes the connection once it has read it; one that does not is cut at the listener's time limit.
 */
function refuse(socket: Socket, reason: () => string): void {
  const session = http2.performServerHandshake(socket);
  session.on('error', () => socket.destroy());
  session.on('stream', (stream) => {
    stream.on('error', () => socket.destroy());
    // Node tells of a stream a turn later, when the client may have reset it already.
    if (stream.destroyed || stream.closed) return;
    stream.respond({ ':status': 200, 'content-type': 'application/grpc+proto' }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
    stream.end(asGrpcMessage(encodeFrame({ kind: 'refused', reason: reason() })));
  });
}

/** "Length-Prefixed-Message" of gRPC over HTTP/2: one byte for no compression, four for the length. */
function asGrpcMessage(frame: Uint8Array): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(frame.length, 1);
  return Buffer.concat([head, frame]);
}
