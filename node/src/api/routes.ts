import { randomUUID } from 'node:crypto';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { TuttiError } from '../lib/errors.ts';
import type { Reloaded, StopRequest } from '../coordinator/service.ts';
import type { ApiBackend } from './backend.ts';
import { clip } from '../plan/units.ts';
import { checkPlanContentType, checkToken, planContentTypes } from './doors.ts';
import { badRequest, sendRefusal } from './errors.ts';
import { clusterHealth, nodeState, readiness } from './health.ts';

const maxIdempotencyKeyLength = 200;
const maxFileNameLength = 1000;
const keyPrefix = 'key:';

/** All that only reads: open to whoever reaches the address. */
export function readingRoutes(server: FastifyInstance, backend: ApiBackend): void {
  server.get('/health/cluster', () => clusterHealth(backend));
  server.get('/health', () => {
    const status = backend.status();
    const run = backend.localRun();
    return {
      status: 'ok',
      node_id: status.nodeId,
      region: backend.region,
      node_state: nodeState(status),
      run_id: run?.runId ?? null,
      run_state: run?.state ?? null,
    };
  });
  server.get('/ready', (_request, reply) => {
    const answer = readiness(backend.status());
    return reply.code(answer.ready ? 200 : 503).send(answer);
  });
  server.get('/run', () => backend.runs.progress());
  server.get('/result', () => backend.runs.report());
  server.get('/metrics', async (_request, reply) => {
    const { contentType, text } = await backend.metrics();
    return reply.type(contentType).send(text);
  });
}

/** All that changes state: behind the token where one is set. */
export function changingRoutes(server: FastifyInstance, backend: ApiBackend, token: () => string | null): void {
  server.addContentTypeParser(planContentTypes, { parseAs: 'string' as const }, (_request, body, done) =>
    done(null, body),
  );
  const authorize = (request: FastifyRequest, reply: FastifyReply): Promise<void> =>
    sendRefusal(reply, checkToken(request.headers.authorization, token()));
  const wantsPlan = (request: FastifyRequest, reply: FastifyReply): Promise<void> =>
    sendRefusal(reply, checkPlanContentType(request.headers['content-type']));

  server.post('/config', { onRequest: [authorize, wantsPlan] }, async (request, reply) => {
    const id = submissionId(request);
    const submitted = await backend.runs
      .submit({ planText: request.body as string, submissionId: id, ...fileNameOf(request) }, askerOf(reply))
      .catch((thrown: unknown) => {
        throw inClientsWords(TuttiError.from(thrown), id);
      });
    return answerSubmitted(reply, backend, { ...submitted, waitsFor: null, changed: false });
  });

  server.post('/reload', { onRequest: authorize }, async (_request, reply) =>
    answerSubmitted(reply, backend, await backend.reload(askerOf(reply))),
  );

  server.post('/stop', { onRequest: authorize }, async (request, reply) => {
    const stopped = await backend.runs.stop(stopRequestOf(request.body), askerOf(reply));
    return { stopped: true, run_id: stopped.runId };
  });
}

function answerSubmitted(
  reply: FastifyReply,
  backend: ApiBackend,
  { runId, changed, created, missing, waitsFor }: Reloaded,
): FastifyReply {
  const { nodeId } = backend.status();
  const common = { created, missing, node_id: nodeId, region: backend.region };
  if (waitsFor !== null)
    return reply.code(202).send({ status: 'waiting', run_id: null, waits_for: waitsFor, ...common });
  return reply.code(created ? 202 : 200).send({ status: changed ? 'changed' : 'accepted', run_id: runId, ...common });
}

/** Aborted when the client goes away before it was answered. */
function askerOf(reply: FastifyReply): AbortSignal {
  const gone = new AbortController();
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) gone.abort();
  });
  return gone.signal;
}

/** What is not understood must not stop somebody else's run. */
function stopRequestOf(body: unknown): StopRequest {
  if (body === undefined || body === null) return { tenant: null, runId: null };
  const { tenant = null, run_id: runId = null, ...others } = body as Record<string, unknown>;
  const isRecord = typeof body === 'object' && !Array.isArray(body) && Object.keys(others).length === 0;
  if (!isRecord || !isTextOrNull(tenant) || !isTextOrNull(runId)) {
    throw badRequest('send no body (whichever run is on, whosever it is) or {"run_id": "...", "tenant": "..."}');
  }
  return { tenant, runId };
}

function isTextOrNull(value: unknown): value is string | null {
  return value === null || typeof value === 'string';
}

/** The client's key makes a retry the same submission; without one each request is its own. */
function submissionId(request: FastifyRequest): string {
  const key = request.headers['idempotency-key'];
  if (typeof key !== 'string' || key === '') return `request:${randomUUID()}`;
  if (key.length > maxIdempotencyKeyLength)
    throw badRequest(`Idempotency-Key: at most ${maxIdempotencyKeyLength} characters, not ${key.length}`);
  return `${keyPrefix}${key}`;
}

/** The prefix that keeps keys apart from other submissions means nothing to whoever gave the key. */
function inClientsWords(error: TuttiError, id: string): TuttiError {
  if (error.code !== 'KEY_REUSED') return error;
  const words = `the Idempotency-Key "${id.slice(keyPrefix.length)}"`;
  return new TuttiError(
    error.code,
    error.message.replace(id, () => words),
    { cause: error },
  );
}

/** `?file=`: what problems of the plan begin with. It is the client's own word and only ever shown, so it is cut, not refused. */
function fileNameOf(request: FastifyRequest): { readonly fileName?: string } {
  const { file } = request.query as Readonly<Record<string, unknown>>;
  return typeof file === 'string' && file !== '' ? { fileName: clip(file, maxFileNameLength) } : {};
}
