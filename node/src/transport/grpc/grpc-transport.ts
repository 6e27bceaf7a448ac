import { isIP } from 'node:net';
import { createSecureContext } from 'node:tls';
import * as grpc from '@grpc/grpc-js';
import { formatAddress } from '../addresses.ts';
import type { PeerTransportOptions } from '../peer/options.ts';
import { PeerTransport } from '../peer/peer-transport.ts';
import { mutualTls, type TlsDial } from '../peer/tls.ts';
import type { DialTarget, Pipe, ServeContext, Wire, WireServer } from '../peer/wire.ts';
import type { Transport } from '../transport.ts';
import { wireKinds } from '../wire-kinds.ts';
import { grpcKind } from './kind.ts';
import { GrpcPipe } from './pipe.ts';
import { clientOptions, connectMethod, namedOptions, peerService, serverOptions } from './service.ts';

/**
 * The transport of a real cluster: gRPC streams over TCP, one dialled to each listed peer and one accepted from it
 * (proto/tutti/peer/v1/peer.proto). `peers()` are the others, in the order of the list.
 */
export function createGrpcTransport(options: PeerTransportOptions): Transport {
  return new PeerTransport(grpcWire, wireKinds, options);
}

export const grpcWire: Wire = { kind: grpcKind, dial, serve };

function dial({ host, port, tls }: DialTarget): Pipe {
  const credentials = tls === null ? grpc.credentials.createInsecure() : securely(tls);
  const options = tls === null || isIP(host) === 0 ? clientOptions : { ...clientOptions, ...namedOptions };
  const client = new grpc.Client(`dns:${formatAddress(host, port)}`, credentials, options);
  const { path, requestSerialize, responseDeserialize } = connectMethod;
  const call = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize);
  return new GrpcPipe(call, () => {
    call.cancel();
    client.close();
  });
}

function securely({ identity, checkServerIdentity }: TlsDial): grpc.ChannelCredentials {
  return grpc.credentials.createFromSecureContext(createSecureContext(mutualTls(identity)), { checkServerIdentity });
}

/**
 * A gRPC server without a port: the listener hands it connections, with TLS already ended where there is TLS, hence the
 * insecure credentials.
 */
function serve({ cutter, onPipe }: ServeContext): WireServer {
  const server = new grpc.Server(serverOptions);
  server.addService(peerService, {
    connect: (call: grpc.ServerDuplexStream<Buffer, Buffer>) => {
      const remote = call.getPeer();
      onPipe(new GrpcPipe(call, cutter(remote)), remote);
    },
  });
  const injector = server.createConnectionInjector(grpc.ServerCredentials.createInsecure());
  return {
    accept: (socket) => injector.injectConnection(socket),
    close: () => server.forceShutdown(),
  };
}
