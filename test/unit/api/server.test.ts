import { once } from 'node:events';
import { createServer, request } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { answerBrokenRequest } from '../../../node/src/api/broken-request.ts';
import { apiDoorProblem } from '../../../node/src/api/doors.ts';
import { type ApiServer, startApi } from '../../../node/src/api/server.ts';
import type { ClusterHealth } from '../../../node/src/api/health.ts';
import { checkPlan, type Submission } from '../../../node/src/coordinator/leader-runs.ts';
import type { StopRequest, Submitted } from '../../../node/src/coordinator/service.ts';
import { TuttiError } from '../../../node/src/lib/errors.ts';
import { silentLog } from '../../../node/src/lib/log.ts';
import type { PeerStatus } from '../../../node/src/transport/transport.ts';
import { fakeBackend } from './fake-backend.ts';

const servers: ApiServer[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

async function start(backend = fakeBackend(), token: string | null = null): Promise<ApiServer> {
  const server = await startApi({
    backend,
    host: '127.0.0.1',
    port: 0,
    token: () => token,
    ownNames: new Set(['localhost']),
    log: silentLog,
  });
  servers.push(server);
  return server;
}

interface Reply {
  readonly status: number;
  readonly body: string;
}

/** node:http, because fetch does not let a test choose the Host header. */
function call(
  server: ApiServer,
  method: string,
  path: string,
  headers: Record<string, string> = {},
  body = '',
): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const outgoing = request({ host: '127.0.0.1', port: server.address.port, method, path, headers }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: text }));
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

/** Bytes as they are, on a connection of their own; the answer up to its end. */
async function rawCall(port: number, bytes: string): Promise<Reply> {
  const socket = connect(port, '127.0.0.1');
  let text = '';
  socket.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
    if (text.endsWith('}')) socket.end();
  });
  socket.write(bytes);
  await once(socket, 'close');
  const [head = '', body = ''] = text.split('\r\n\r\n');
  return { status: Number(head.split(' ')[1]), body };
}

/** A head for four bytes. */
const stopWith = (type: string): string =>
  `POST /stop HTTP/1.1\r\nHost: localhost\r\nContent-Type: ${type}\r\nContent-Length: 4\r\n\r\n`;

const yaml = { 'content-type': 'application/yaml' };

describe('the API', () => {
  it('shows the cluster as it is', async () => {
    const server = await start(fakeBackend({ acknowledged: true }));
    expect(JSON.parse((await call(server, 'GET', '/health/cluster')).body)).toMatchObject({
      state: 'follower',
      node_id: 'a',
      leader_id: 'b',
      term: 3,
      peers: 3,
      cluster_formed: true,
      cluster_ready: true,
    });
  });

  it('says of a member that is not connected why, from either side', async () => {
    const peer = {
      address: 'b:7000',
      expectedId: 'b',
      identity: null,
      state: 'connecting',
      lastHeardMs: null,
    } as const;
    const peers =
      (changes: object): (() => readonly PeerStatus[]) =>
      () => [{ ...peer, problem: null, ...changes }];
    const reasonOf = async (changes: object): Promise<unknown> => {
      const server = await start({ ...fakeBackend(), peers: peers(changes) });
      const health = JSON.parse((await call(server, 'GET', '/health/cluster')).body) as ClusterHealth;
      return health.members[1]?.reason;
    };
    expect(await reasonOf({})).toBe('no answer yet');
    expect(await reasonOf({ problem: 'connect ECONNREFUSED' })).toBe('connect ECONNREFUSED');
    expect(await reasonOf({ lastHeardMs: 5 })).toBe(
      'it answers, but has not connected to this node: is the address of this node right in its CLUSTER_NODES?',
    );
    expect(await reasonOf({ state: 'connected', lastHeardMs: 5 })).toBeNull();
  });

  it('is formed while every listed member is there and bound, whoever leads', async () => {
    const b = {
      address: 'b:7000',
      expectedId: 'b',
      identity: null,
      state: 'connected',
      problem: null,
      lastHeardMs: 5,
    } as const;
    const formed = async (peer: object, status: object = {}): Promise<unknown> => {
      const server = await start({ ...fakeBackend({ status }), peers: () => [{ ...b, ...peer }] });
      return (JSON.parse((await call(server, 'GET', '/health/cluster')).body) as ClusterHealth).cluster_formed;
    };
    expect(await formed({})).toBe(true);
    expect(await formed({ state: 'connecting', problem: 'its disk was replaced' })).toBe(false);
    expect(await formed({ expectedId: 'd' })).toBe(false);
    expect(await formed({}, { leaderId: null })).toBe(false);
  });

  it('a node that knows no leader does not call the cluster ready, whatever it acknowledged', async () => {
    const ready = async (leaderId: string | null): Promise<boolean> => {
      const server = await start(fakeBackend({ status: { leaderId }, acknowledged: true }));
      return (JSON.parse((await call(server, 'GET', '/health/cluster')).body) as ClusterHealth).cluster_ready;
    };
    expect([await ready('b'), await ready(null)]).toEqual([true, false]);
  });

  it('a node that is still forming says so and is not ready', async () => {
    const server = await start(fakeBackend({ status: { membership: null, leaderId: null } }));
    expect(JSON.parse((await call(server, 'GET', '/health/cluster')).body)).toMatchObject({
      state: 'forming',
      peers: 1,
      cluster_formed: false,
      cluster_ready: false,
    });
    expect(await call(server, 'GET', '/ready')).toEqual({
      status: 503,
      body: expect.stringContaining('forming') as string,
    });
  });

  it('a bad plan answers 400 with the text of the problems, a running one 409 naming the run', async () => {
    const failing = (code: 'PLAN_INVALID' | 'RUN_IN_PROGRESS', message: string): ReturnType<typeof fakeBackend> =>
      fakeBackend({ runs: { submit: () => Promise.reject(new TuttiError(code, message)) } });
    const bad = await call(
      await start(failing('PLAN_INVALID', 'plan:3:5 config.duration: missing')),
      'POST',
      '/config',
      yaml,
      'x',
    );
    expect(bad.status).toBe(400);
    expect(bad.body).toContain('plan:3:5 config.duration: missing');
    const busy = await call(await start(failing('RUN_IN_PROGRESS', 'run-7 is on')), 'POST', '/config', yaml, 'x');
    expect(busy.status).toBe(409);
    expect(busy.body).toContain('run-7');
  });

  it('says each problem of a plan with the name that the client gives its file', async () => {
    const submit = ({ planText, fileName }: Submission): Promise<Submitted> =>
      Promise.resolve().then(() => {
        checkPlan(planText, fileName);
        return { runId: 'run-1', created: true, missing: [] };
      });
    const server = await start(fakeBackend({ runs: { submit } }));
    const problemsOf = async (query: string): Promise<readonly string[]> => {
      const reply = await call(server, 'POST', `/config${query}`, yaml, 'version: "1.0"\nlod: {}\n');
      expect(reply.status).toBe(400);
      return (JSON.parse(reply.body) as { error: { message: string } }).error.message.split('\n').slice(0, -1);
    };
    const name = 'täglich/shop 1.yaml';
    const problems = await problemsOf(`?file=${encodeURIComponent(name)}`);
    expect(problems.length).toBeGreaterThan(1);
    expect(problems.filter((line) => !line.startsWith(`${name}:`))).toEqual([]);
    expect((await problemsOf('')).filter((line) => !line.startsWith('plan:'))).toEqual([]);
    // Neither an escape sequence nor a line of its own gets into a log or onto a terminal by way of a name.
    expect((await problemsOf(`?file=${encodeURIComponent('a\u001b[2J\nb.yaml')}`))[0]).toMatch(/^a \[2J b\.yaml:\d/);
    expect((await problemsOf(`?file=${'x'.repeat(5000)}`))[0]).toMatch(/^x{1000}\.\.\.:\d/);
  });

  it('names the members that a run begins without', async () => {
    const submit = (): Promise<Submitted> => Promise.resolve({ runId: 'run-1', created: true, missing: ['c'] });
    const server = await start(fakeBackend({ runs: { submit } }));
    const reply = await call(server, 'POST', '/config', yaml, 'version: "1.0"');
    expect(JSON.parse(reply.body)).toMatchObject({ run_id: 'run-1', created: true, missing: ['c'] });
  });

  it('passes the plan and the Idempotency-Key on; without a key each request is its own submission', async () => {
    const seen: { planText: string; submissionId: string }[] = [];
    const submit = (submission: { planText: string; submissionId: string }): Promise<Submitted> => {
      seen.push(submission);
      return Promise.resolve({ runId: 'run-1', created: seen.length === 1, missing: [] });
    };
    const server = await start(fakeBackend({ runs: { submit } }));
    expect((await call(server, 'POST', '/config', { ...yaml, 'idempotency-key': 'k' }, 'version: "1.0"')).status).toBe(
      202,
    );
    expect((await call(server, 'POST', '/config', { ...yaml, 'idempotency-key': 'k' }, 'version: "1.0"')).status).toBe(
      200,
    );
    await call(server, 'POST', '/config', yaml, 'x');
    await call(server, 'POST', '/config', yaml, 'x');
    expect(seen[0]).toEqual({ planText: 'version: "1.0"', submissionId: 'key:k' });
    expect(seen[2]?.submissionId).not.toBe(seen[3]?.submissionId);
  });

  it('a key that was used for another plan is named as the client gave it', async () => {
    // As the reducer says it (cluster/reducer.ts).
    const submit = ({ submissionId }: Submission): Promise<Submitted> =>
      Promise.reject(new TuttiError('KEY_REUSED', `${submissionId} was used for another plan (run run-1)`));
    const server = await start(fakeBackend({ runs: { submit } }));
    const reply = await call(server, 'POST', '/config', { ...yaml, 'idempotency-key': 'k$&' }, 'x');
    expect(reply.status).toBe(422);
    expect(JSON.parse(reply.body)).toMatchObject({
      error: { code: 'KEY_REUSED', message: 'the Idempotency-Key "k$&" was used for another plan (run run-1)' },
    });
  });

  it('what changes state needs the token; what reads does not', async () => {
    const stop = (): Promise<{ runId: string }> => Promise.resolve({ runId: 'run-1' });
    const server = await start(fakeBackend({ runs: { stop } }), 'correct-horse-battery');
    expect((await call(server, 'POST', '/stop')).status).toBe(401);
    expect((await call(server, 'POST', '/stop', { authorization: 'Bearer wrong' })).status).toBe(401);
    expect((await call(server, 'POST', '/config', yaml, 'x')).status).toBe(401);
    expect((await call(server, 'POST', '/stop', { authorization: 'Bearer correct-horse-battery' })).status).toBe(200);
    expect((await call(server, 'POST', '/stop', { authorization: 'bearer correct-horse-battery' })).status).toBe(200);
    expect((await call(server, 'POST', '/stop', { authorization: 'correct-horse-battery' })).status).toBe(401);
    expect((await call(server, 'GET', '/health')).status).toBe(200);
  });

  it('a reload needs the token too, and says what became of the plan of the source', async () => {
    const answers = [
      { runId: 'run-1', created: true, missing: ['c'], waitsFor: null, changed: false },
      { runId: 'run-1', created: false, missing: [], waitsFor: null, changed: false },
      { runId: '', created: false, missing: [], waitsFor: 'run-1', changed: false },
    ];
    const server = await start(
      fakeBackend({ reload: () => Promise.resolve(answers.shift()!) }),
      'correct-horse-battery',
    );
    const reload = async (): Promise<unknown> => {
      const { status, body } = await call(server, 'POST', '/reload', { authorization: 'Bearer correct-horse-battery' });
      return { status, body: JSON.parse(body) as unknown };
    };
    expect((await call(server, 'POST', '/reload')).status).toBe(401);
    expect(answers).toHaveLength(3);
    const of = { node_id: 'a', region: 'eu', missing: [] };
    const accepted = { ...of, status: 'accepted', run_id: 'run-1' };
    expect(await reload()).toEqual({ status: 202, body: { ...accepted, created: true, missing: ['c'] } });
    expect(await reload()).toEqual({ status: 200, body: { ...accepted, created: false } });
    const waiting = { ...of, status: 'waiting', run_id: null, waits_for: 'run-1', created: false };
    expect(await reload()).toEqual({ status: 202, body: waiting });
  });

  it.each([
    ['NO_SOURCE', 409],
    ['SOURCE_FAILED', 502],
    ['CONSUL_FAILED', 502],
    ['PLAN_INVALID', 400],
  ] as const)('a reload that fails with %s is %i', async (code, status) => {
    const server = await start(fakeBackend({ reload: () => Promise.reject(new TuttiError(code, 'why')) }));
    const reply = await call(server, 'POST', '/reload');
    expect([reply.status, reply.body]).toEqual([status, expect.stringContaining('why')]);
  });

  it('a web page cannot drive it: foreign Host, foreign Origin and form content types are refused', async () => {
    const stop = (): Promise<{ runId: string }> => Promise.resolve({ runId: 'run-1' });
    const server = await start(fakeBackend({ runs: { stop } }));
    expect((await call(server, 'GET', '/run', { host: 'evil.example' })).status).toBe(403);
    expect((await call(server, 'POST', '/stop', { origin: 'http://evil.example' })).status).toBe(403);
    expect((await call(server, 'POST', '/config', { 'content-type': 'text/plain' }, 'x')).status).toBe(415);
    expect(
      (await call(server, 'POST', '/config', { 'content-type': 'application/x-www-form-urlencoded' }, 'x')).status,
    ).toBe(415);
    expect((await call(server, 'POST', '/stop', { host: 'localhost:1' })).status).toBe(200);
  });

  it('bodies are bounded, and the answer names the bound', async () => {
    const server = await start();
    const reply = await call(server, 'POST', '/config', yaml, 'x'.repeat(1024 * 1024 + 1));
    expect(reply.status).toBe(413);
    expect(JSON.parse(reply.body)).toMatchObject({
      error: { code: 'TOO_LARGE', message: 'the body has more than 1048576 bytes' },
    });
  });

  it('headers and connections are bounded', async () => {
    const server = await start();
    expect((await call(server, 'GET', '/health', { 'x-much': 'x'.repeat(20_000) })).status).toBe(431);
    const idle = Array.from({ length: 256 }, () => connect(server.address.port, '127.0.0.1'));
    await Promise.all(idle.map((socket) => once(socket, 'connect')));
    // Taken and cut at once, so there is an end instead of an answer.
    await expect(call(server, 'GET', '/health')).rejects.toThrow(/socket hang up|ECONNRESET/);
    idle.pop()!.destroy();
    await vi.waitFor(async () => expect((await call(server, 'GET', '/health')).status).toBe(200), 10_000);
    for (const socket of idle) socket.destroy();
  });

  it('a stop names the run and the tenant it means, or neither', async () => {
    const asked: StopRequest[] = [];
    const stop = (request: StopRequest): Promise<{ runId: string }> => {
      asked.push(request);
      return Promise.resolve({ runId: 'run-1' });
    };
    const server = await start(fakeBackend({ runs: { stop } }));
    const json = { 'content-type': 'application/json' };
    await call(server, 'POST', '/stop');
    await call(server, 'POST', '/stop', json, '{"run_id": "run-1", "tenant": "shop"}');
    expect(asked).toEqual([
      { tenant: null, runId: null },
      { tenant: 'shop', runId: 'run-1' },
    ]);
  });

  it.each(['{"tenant": 5}', '{"run_id": 5}', '{"tennant": "a"}', '"a"', '[]'])(
    'a stop that is not understood (%s) stops nothing',
    async (body) => {
      let stops = 0;
      const stop = (): Promise<{ runId: string }> => Promise.resolve({ runId: `run-${++stops}` });
      const server = await start(fakeBackend({ runs: { stop } }));
      const reply = await call(server, 'POST', '/stop', { 'content-type': 'application/json' }, body);
      expect(reply.status).toBe(400);
      expect(reply.body).toContain('{\\"run_id\\": \\"...\\", \\"tenant\\": \\"...\\"}');
      expect(stops).toBe(0);
    },
  );

  it('an Idempotency-Key that is too long is refused: cut short, two keys would be one', async () => {
    let submissions = 0;
    const submit = (): Promise<Submitted> =>
      Promise.resolve({ runId: `run-${++submissions}`, created: true, missing: [] });
    const server = await start(fakeBackend({ runs: { submit } }));
    const reply = await call(server, 'POST', '/config', { ...yaml, 'idempotency-key': 'k'.repeat(201) }, 'x');
    expect(reply.status).toBe(400);
    expect(reply.body).toContain('Idempotency-Key: at most 200 characters');
    expect(submissions).toBe(0);
  });

  it.each([
    ['garbage', 'garbage\r\n\r\n', 400, 'BAD_REQUEST'],
    ['a method that does not exist', 'BREW / HTTP/1.1\r\nHost: localhost\r\n\r\n', 400, 'BAD_REQUEST'],
    ['two lengths', 'POST /stop HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n', 400, 'BAD_REQUEST'],
    ['headers too large', `GET / HTTP/1.1\r\nCookie: ${'x'.repeat(20_000)}\r\n\r\n`, 431, 'HEADERS_TOO_LARGE'],
    ['no Host', 'GET /health HTTP/1.1\r\n\r\n', 403, 'FORBIDDEN'],
    ['a path that cannot be decoded', 'GET /%zz HTTP/1.1\r\nHost: localhost\r\n\r\n', 400, 'BAD_REQUEST'],
    ['broken JSON', `${stopWith('application/json')}{"a"`, 400, 'BAD_REQUEST'],
    ['a body of no known type', `${stopWith('text/csv')}stop`, 415, 'UNSUPPORTED_MEDIA_TYPE'],
    ['an unknown expectation', 'GET / HTTP/1.1\r\nHost: localhost\r\nExpect: gifts\r\n\r\n', 417, 'EXPECTATION_FAILED'],
  ])('answers %s in the shape of all errors', async (_, bytes, status, code) => {
    const reply = await rawCall((await start()).address.port, bytes);
    expect(reply.status).toBe(status);
    expect(JSON.parse(reply.body)).toEqual({
      error: { code, message: expect.stringMatching(/.{10}/) as string, retryable: false },
    });
  });

  it('answers a request that does not arrive in time in the shape of all errors', async () => {
    const server = createServer({ requestTimeout: 50, headersTimeout: 50, connectionsCheckingInterval: 10 });
    server.on('clientError', answerBrokenRequest).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const reply = await rawCall((server.address() as AddressInfo).port, 'GET /health HTTP/1.1\r\nHos');
    server.close();
    expect(reply.status).toBe(408);
    expect(JSON.parse(reply.body)).toMatchObject({ error: { code: 'REQUEST_TIMEOUT', retryable: true } });
  });

  it('a path that is there for another method is 405, and Allow says for which', async () => {
    const server = await start(fakeBackend(), 'a-token-of-16-characters');
    const asked = [
      ['PUT', '/config?file=x', 'POST'],
      ['GET', '/config', 'POST'],
      ['POST', '/run', 'GET, HEAD'],
      ['DELETE', '/health/cluster', 'GET, HEAD'],
    ] as const;
    for (const [method, path, allow] of asked) {
      const answer = await fetch(`http://127.0.0.1:${server.address.port}${path}`, { method });
      expect([method, path, answer.status, answer.headers.get('allow')]).toEqual([method, path, 405, allow]);
      const { error } = (await answer.json()) as { error: { code: string; message: string } };
      expect(error.code).toBe('METHOD_NOT_ALLOWED');
      expect(error.message).toBe(`${method} ${path} is not possible; ${path.split('?')[0]!} takes ${allow}`);
    }
    const yaml = { method: 'PUT', headers: { 'content-type': 'application/octet-stream' }, body: 'version: "1.0"' };
    expect((await fetch(`http://127.0.0.1:${server.address.port}/config`, yaml)).status).toBe(405);
    expect((await call(server, 'PUT', '/nothing')).status).toBe(404);
  });

  it('a run that never was is 404, an unknown path too', async () => {
    const server = await start();
    expect((await call(server, 'GET', '/result')).status).toBe(404);
    expect((await call(server, 'GET', '/nothing')).body).toContain('nothing at GET /nothing');
  });

  it('a port in use is a clear error', async () => {
    const taken = await start();
    const second = startApi({
      backend: fakeBackend(),
      host: '127.0.0.1',
      port: taken.address.port,
      token: () => null,
      ownNames: new Set(),
      log: silentLog,
    });
    await expect(second).rejects.toMatchObject({
      code: 'ADDRESS_IN_USE',
      message: expect.stringContaining(`127.0.0.1:${taken.address.port}`) as string,
    });
  });
});

describe('the door of the API', () => {
  it('is open on loopback only, unless a token or CLUSTER_INSECURE says otherwise', () => {
    expect(apiDoorProblem({ host: '127.0.0.1', token: null, insecure: false })).toBeNull();
    expect(apiDoorProblem({ host: '0.0.0.0', token: null, insecure: false })).toContain('API_AUTH_TOKEN');
    expect(apiDoorProblem({ host: '0.0.0.0', token: 'sixteen-characters', insecure: false })).toBeNull();
    expect(apiDoorProblem({ host: '10.0.0.1', token: null, insecure: true })).toBeNull();
  });
});
