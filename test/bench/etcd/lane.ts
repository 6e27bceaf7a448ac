import { connect, createServer } from 'node:net';
import type { Socket } from 'node:net';
import { Client, Server, ServerCredentials, credentials } from '@grpc/grpc-js';
import type { ServerDuplexStream } from '@grpc/grpc-js';

/** A connection that carries messages both ways, over gRPC or plain TCP as the members' own do. */
export interface Lane {
  send(message: Buffer): void;
}

export type OnMessage = (message: Buffer) => void;

const path = '/bench/propose';
const asIs = (bytes: Buffer): Buffer => bytes;

export function dial(kind: string, port: number, onMessage: OnMessage, onEnd: (error: Error) => void): Lane {
  if (kind === 'tcp') return overTcp(connect(port, '127.0.0.1'), onMessage, onEnd);
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  const call = client.makeBidiStreamRequest<Buffer, Buffer>(path, asIs, asIs);
  call.on('data', onMessage).on('error', onEnd);
  return { send: (message) => call.write(message) };
}

/** Listens; `open` is called for each client and returns what is to be done with its messages. */
export function listen(kind: string, port: number, open: (lane: Lane) => OnMessage): Promise<void> {
  // A client that ends takes nothing with it.
  const gone = (): void => undefined;
  if (kind === 'tcp') {
    const server = createServer((socket) => {
      const lane = overTcp(socket, (message) => onMessage(message), gone);
      const onMessage = open(lane);
    });
    return new Promise((resolve) => server.listen(port, '127.0.0.1', resolve));
  }
  const server = new Server();
  const handler = (call: ServerDuplexStream<Buffer, Buffer>): void => {
    call.on('data', open({ send: (message) => call.write(message) }));
    call.on('end', () => call.end()).on('error', gone);
  };
  const codec = {
    ...{ requestSerialize: asIs, requestDeserialize: asIs, responseSerialize: asIs, responseDeserialize: asIs },
    ...{ path, requestStream: true, responseStream: true },
  };
  server.addService({ propose: codec }, { propose: handler });
  return new Promise((resolve, reject) => {
    server.bindAsync(`127.0.0.1:${port}`, ServerCredentials.createInsecure(), (error) => {
      if (error === null) resolve();
      else reject(error);
    });
  });
}

/** Each message behind its length. */
function overTcp(socket: Socket, onMessage: OnMessage, onEnd: (error: Error) => void): Lane {
  socket.setNoDelay(true);
  let rest: Buffer = Buffer.alloc(0);
  socket.on('data', (chunk: Buffer) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let at = 0;
    while (rest.length - at >= 4 && rest.length - at - 4 >= rest.readUInt32LE(at)) {
      const end = at + 4 + rest.readUInt32LE(at);
      onMessage(rest.subarray(at + 4, end));
      at = end;
    }
    rest = rest.subarray(at);
  });
  socket.on('error', onEnd).on('close', () => onEnd(new Error('the connection ended')));
  let isCorked = false;
  return {
    send(message) {
      // One write to the socket for all messages of a moment, as HTTP/2 does it for gRPC.
      if (!isCorked) {
        isCorked = true;
        socket.cork();
        process.nextTick(() => {
          isCorked = false;
          socket.uncork();
        });
      }
      const length = Buffer.allocUnsafe(4);
      length.writeUInt32LE(message.length, 0);
      socket.write(length);
      socket.write(message);
    },
  };
}
