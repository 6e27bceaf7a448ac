import { createServer } from 'node:http';

/**
 * A target that remembers each arrival: `GET /hit/<number>` answers at once and notes the number and the instant of the
 * machine's monotonic clock; `GET /dump` gives all of them. Bounded: it stops noting (and says so in the dump) at two million.
 */
const maxHits = 2_000_000;
const numbers = new Float64Array(maxHits);
const instants = new Float64Array(maxHits);
let hits = 0;
let overflowed = false;

const server = createServer((request, response) => {
  const nowMs = Number(process.hrtime.bigint()) / 1e6;
  const path = request.url ?? '/';
  if (path === '/dump') {
    response.setHeader('content-type', 'application/json');
    const taken = (values: Float64Array): number[] => [...values.subarray(0, hits)];
    response.end(JSON.stringify({ overflowed, numbers: taken(numbers), instantsMs: taken(instants) }));
    return;
  }
  const number = Number(path.slice('/hit/'.length));
  if (!path.startsWith('/hit/') || !Number.isInteger(number)) {
    response.statusCode = 404;
    response.end();
    return;
  }
  if (hits < maxHits) {
    numbers[hits] = number;
    instants[hits] = nowMs;
    hits++;
  } else overflowed = true;
  response.end('ok');
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  if (address !== null && typeof address === 'object') process.send?.({ port: address.port });
});
process.on('disconnect', () => process.exit(0));
