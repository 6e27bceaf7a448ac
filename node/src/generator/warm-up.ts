import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monotonicMs } from '../lib/clock.ts';
import { invariant } from '../lib/invariant.ts';
import type { Plan, Step } from '../plan/plan.ts';
import { encodeCut } from '../results/encoding.ts';
import { assembleEngine } from './assemble.ts';

/**
 * Enough for the compiler to have seen all of it (one generator on one busy core, 700/s: the first request arrived 3 ms after
 * the start and not 16, the latest of the first second was 8 to 23 ms late and not 51; 400 ms gained nothing more).
 */
const durationMs = 150;
const ratePerSecond = 3_000;
const users = 16;
/** Given up then: something on this machine is in its way, and the run must not wait for that. */
const deadlineMs = 2_000;

const name = 'warm-up';
const body = '{"id":7,"items":[{"name":"a"}]}';
const answer = Buffer.from(
  `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
);

const common: Step = {
  ...{ name, method: 'GET', path: '/', queryParams: [], headers: [], body: null, bodyBytes: null },
  ...{ extract: [], assertions: [], thinkTime: null },
};

/** What most scenarios are made of. */
const steps: readonly Step[] = [
  {
    ...common,
    path: '/items/${iteration}',
    headers: [{ name: 'accept', value: 'application/json' }],
    extract: [{ type: 'jsonPath', name: 'id', jsonPath: '$.id' }],
    assertions: [
      { type: 'statusCode', expected: 200 },
      { type: 'jsonPath', path: '$.items[0].name', expected: 'a' },
    ],
    thinkTime: { minMs: 1, maxMs: 2 },
  },
  { ...common, method: 'POST', path: '/items/${id}', body: '{"of":"${user}"}' },
];

/**
 * Fires a small load at a server in this very process, through engine, scenario interpreter and HTTP client, and forgets what
 * it measured. Without it the first arrivals of a run meet code that was never compiled and modules that were never loaded,
 * and are late by what that takes. The server listens on a local socket; no port is opened. Resolves with the number of
 * iterations answered; rejects when the socket cannot be had, or none was answered in time.
 */
export async function warmUp({ load, ...plan }: Plan): Promise<number> {
  const path = socketPath();
  const server = await listen(path);
  try {
    const answered = await fire({
      ...plan,
      ...{ baseUrl: `http://${name}`, resolve: { host: name, address: path, port: 0 }, headers: [] },
      ...{ durationMs, timeoutMs: deadlineMs, workers: users },
      load: load.model === 'rps' ? { model: 'rps', ratePerSecond } : load,
      scenarios: [{ name, weight: 1, steps }],
    });
    invariant(answered > 0, `no iteration was answered within ${deadlineMs} ms`);
    return answered;
  } finally {
    server.close();
  }
}

/** Linux needs no file for it; elsewhere the file goes when the server closes. */
function socketPath(): string {
  const unique = `tutti-${name}-${randomUUID()}`;
  if (process.platform === 'linux') return `\0${unique}`;
  return process.platform === 'win32' ? `\\\\.\\pipe\\${unique}` : join(tmpdir(), unique);
}

async function listen(path: string): Promise<Server> {
  const server = createServer((socket) => {
    // The client's connections are cut at the end; there is nothing to say about it.
    socket.on('error', () => socket.destroy());
    // A request of this size arrives in one piece. If one does not, it is answered twice, and the client copes.
    socket.on('data', () => socket.write(answer));
  }).listen(path);
  await once(server, 'listening');
  return server;
}

function fire(plan: Plan): Promise<number> {
  return new Promise((resolve) => {
    let answered = 0;
    const { engine } = assembleEngine({
      ...{ plan, seed: 0, share: { node: name, index: 0, of: 1 } },
      started: () => undefined,
      emit: (cut) => {
        encodeCut(cut);
        answered += cut.books.answered;
        if (cut.final) resolve(answered);
      },
    });
    engine.setTables([{ fromMs: 0, slots: [name] }]);
    engine.extendHorizon(durationMs);
    engine.start(monotonicMs());
    engine.drain(durationMs, deadlineMs);
  });
}
