import { createServer, type Socket } from 'node:net';
import { Standstill } from './standstill.ts';

/**
 * A target that remembers each arrival: `GET /hit/<number>` answers at once and notes the number and the instant of the
 * machine's monotonic clock; `GET /dump` gives all of them. Bounded: it stops noting (and says so in the dump) at two million.
 * On bare sockets, since it shares the machine with what it judges: Node's HTTP server would spend several times the CPU, and
 * its garbage collections would show as pauses of the load.
 */
const maxHits = 2_000_000;
const numbers = new Float64Array(maxHits);
const instants = new Float64Array(maxHits);
const ok = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';
const notFound = 'HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n';
let hits = 0;
let overflowed = false;
/** While it stands still itself, nothing arrives, whoever sends. */
const standstill = new Standstill();

function answer(socket: Socket, path: string, nowMs: number): void {
  if (path === '/dump') {
    const taken = (values: Float64Array): number[] => [...values.subarray(0, hits)];
    const { pauses } = standstill;
    const body = JSON.stringify({ overflowed, numbers: taken(numbers), instantsMs: taken(instants), pauses });
    socket.write(
      `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    );
    return;
  }
  const number = Number(path.slice('/hit/'.length));
  if (!path.startsWith('/hit/') || !Number.isInteger(number)) {
    socket.write(notFound);
    return;
  }
  if (hits < maxHits) {
    numbers[hits] = number;
    instants[hits] = nowMs;
    hits++;
  } else overflowed = true;
  socket.write(ok);
}

/** Requests without a body: what ends each is its empty line. */
const server = createServer({ noDelay: true }, (socket) => {
  let rest = '';
  socket.setEncoding('latin1');
  socket.on('error', () => socket.destroy());
  socket.on('data', (text: string) => {
    const nowMs = Number(process.hrtime.bigint()) / 1e6;
    rest += text;
    for (let end = rest.indexOf('\r\n\r\n'); end >= 0; end = rest.indexOf('\r\n\r\n')) {
      const [, path = ''] = rest.slice(0, rest.indexOf('\r\n')).split(' ');
      rest = rest.slice(end + 4);
      answer(socket, path, nowMs);
    }
  });
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  if (address !== null && typeof address === 'object') process.send?.({ port: address.port });
});
process.on('disconnect', () => process.exit(0));
