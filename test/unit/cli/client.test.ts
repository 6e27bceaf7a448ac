import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { ClusterClient } from '../../../node/src/cli/client.ts';

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

interface FakeNode {
  readonly url: string;
  readonly asked: string[];
}

async function serve(listener: RequestListener): Promise<FakeNode> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(`${request.method ?? ''} ${request.url ?? ''}`);
    listener(request, response);
  });
  servers.push(server.listen(0, '127.0.0.1'));
  await once(server, 'listening');
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

const answering = (body: object, status = 200): RequestListener => {
  return (_request, response) => void response.writeHead(status).end(JSON.stringify(body));
};
const refusal = (code: string, status: number): RequestListener =>
  answering({ error: { code, message: `says ${code}`, retryable: true } }, status);
const healthy = answering({ node_id: 'b', leader_id: 'b', runId: 'run-1', run_id: 'run-1', books: {} });
/** Like a stopped process: the kernel takes the connection, and that is all. */
const hanging: RequestListener = () => undefined;
const html: RequestListener = (_request, response) => void response.end('<!doctype html><p>It works!</p>');
const cutting: RequestListener = (_request, response) => {
  response.writeHead(200, { 'content-length': 100 }).write('{"runId":', () => response.destroy());
};

const clientOf = (patienceMs: number, ...nodes: readonly FakeNode[]): ClusterClient =>
  new ClusterClient({ nodes: nodes.map(({ url }) => url), token: null, patienceMs });

/** What a request that must fail says. */
async function failureOf(answer: Promise<object>): Promise<{ readonly code: string; readonly message: string }> {
  const outcome = await answer.then(
    () => null,
    (error: unknown) => error,
  );
  expect(outcome).toMatchObject({ name: 'TuttiError' });
  return outcome as { code: string; message: string };
}

describe('the client of a cluster', () => {
  it('asks the next node when one hangs, long before its patience is over, and the one that hung last from then on', async () => {
    const asked: string[] = [];
    const named =
      (name: string, listener: RequestListener): RequestListener =>
      (request, response) => {
        asked.push(name);
        listener(request, response);
      };
    let answer: RequestListener = healthy;
    const hung = await serve(named('hung', hanging));
    const follower = await serve(named('follower', refusal('NO_LEADER', 503)));
    const good = await serve(named('good', (request, response) => answer(request, response)));
    const client = clientOf(3_000, hung, follower, good);
    const startedAtMs = performance.now();
    expect(await client.get('/run')).toMatchObject({ runId: 'run-1' });
    // A third of its patience is what it gave the first; a request once had twelve seconds.
    expect(performance.now() - startedAtMs).toBeLessThan(10_000);
    await client.get('/run');
    expect(asked).toEqual(['hung', 'follower', 'good', 'good']);
    answer = refusal('SHUTTING_DOWN', 503);
    await failureOf(client.get('/run'));
    expect(asked.slice(4, 7)).toEqual(['good', 'follower', 'hung']);
  });

  it('asks every node at least once, however short its patience is', async () => {
    const [hung, good] = [await serve(hanging), await serve(healthy)];
    expect(await clientOf(0, hung, good).get('/run')).toMatchObject({ runId: 'run-1' });
    expect(hung.asked).toEqual(['GET /run']);
  });

  it('repeats a submission that hung with the very same headers, so that it is one run', async () => {
    const keys: unknown[] = [];
    const [hung, good] = [
      await serve((request) => void keys.push(request.headers['idempotency-key'])),
      await serve((request, response) => {
        keys.push(request.headers['idempotency-key']);
        healthy(request, response);
      }),
    ];
    await clientOf(1_000, hung, good).post('/config', { 'idempotency-key': 'k' }, 'plan');
    expect(keys).toEqual(['k', 'k']);
  });

  it('gives up when its patience has run out, and says of each node why: hung, or without a leader', async () => {
    const hung = await serve(hanging);
    const leaderless = await serve((request, response) => {
      if (request.url === '/health/cluster') answering({ node_id: 'c', leader_id: null })(request, response);
    });
    const startedAtMs = performance.now();
    const { code, message } = await failureOf(clientOf(1_000, hung, leaderless).get('/run'));
    // A second for each and one more for the reasons; the old limit for a request was twelve.
    expect(performance.now() - startedAtMs).toBeLessThan(10_000);
    expect(code).toBe('NO_LEADER');
    expect(message).toContain(`${hung.url}: no answer within 1.0 s: it hangs`);
    expect(message).toContain(`${leaderless.url}: no answer within 1.0 s, since it knows no leader`);
  });

  it('a change that no node answered may have happened all the same, and the code says so', async () => {
    const post = async (...nodes: readonly FakeNode[]): Promise<string> =>
      (await failureOf(clientOf(0, ...nodes).post('/stop', {}, null))).code;
    expect(await post(await serve(hanging))).toBe('OUTCOME_UNKNOWN');
    expect(await post(await serve(cutting))).toBe('OUTCOME_UNKNOWN');
    expect(await post(await serve(refusal('NO_LEADER', 503)))).toBe('NO_LEADER');
    expect(await post({ url: 'http://127.0.0.1:1', asked: [] })).toBe('NO_LEADER');
  });

  it.each([
    ['cuts its answer short', cutting, 'cut its answer short'],
    ['answers HTML', html, 'answered 200, but not as a node of tutti does: is it one?'],
    ['answers JSON of its own', answering({ items: [] }), 'answered 200, but not as a node'],
    ['answers null', answering(null as unknown as object), 'answered 200, but not as a node'],
    ['answers an error of its own', answering({ error: 'nothing at /run' }, 404), 'answered 404, but not as a node'],
    ['answers an error without a word', answering({ error: null }, 500), 'answered 500, but not as a node'],
    ['sends elsewhere', (_, response) => void response.writeHead(302, { location: '/login' }).end(), 'answered 302'],
  ] satisfies readonly [string, RequestListener, string][])(
    'a server that %s is none of tutti: the next is asked',
    async (_, listener, said) => {
      const [foreign, good] = [await serve(listener), await serve(healthy)];
      expect(await clientOf(1_000, foreign, good).get('/run')).toMatchObject({ runId: 'run-1' });
      const { code, message } = await failureOf(clientOf(0, foreign).get('/run'));
      expect(code).toBe('NO_LEADER');
      expect(message).toContain(`${foreign.url}: ${said}`);
    },
  );

  it('an answer that another node would repeat is the answer', async () => {
    const other = await serve(healthy);
    const ofCode = async (code: string, status: number): Promise<object> =>
      failureOf(clientOf(1_000, await serve(refusal(code, status)), other).get('/run'));
    expect(await ofCode('RUN_NOT_FOUND', 404)).toMatchObject({ code: 'RUN_NOT_FOUND', message: 'says RUN_NOT_FOUND' });
    expect(await ofCode('FORBIDDEN', 403)).toMatchObject({ code: 'UNAUTHORIZED', message: 'says FORBIDDEN' });
    // None of these is a bug of the command line, so none may show where in its code it was.
    for (const [code, status] of [
      ['BAD_REQUEST', 400],
      ['INTERNAL', 500],
    ] as const)
      expect(await ofCode(code, status)).toMatchObject({
        code: 'PEER_FAILED',
        message: `the node answered ${status} ${code}: says ${code}`,
      });
    expect(other.asked).toEqual([]);
  });
});
