import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { type ErrorCode, TuttiError } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import type { Refusal } from './doors.ts';

/** What each code is in HTTP; a code that is not here is a bug of ours or of the node: 500. */
const httpStatus: Partial<Record<ErrorCode, number>> = {
  PLAN_INVALID: 400,
  UNAUTHORIZED: 401,
  RUN_NOT_FOUND: 404,
  RUN_IN_PROGRESS: 409,
  STALE_COMMAND: 409,
  NO_SOURCE: 409,
  TOO_LARGE: 413,
  // As the draft on the Idempotency-Key header asks for (draft-ietf-httpapi-idempotency-key-header 2.7).
  KEY_REUSED: 422,
  BUSY: 429,
  SOURCE_FAILED: 502,
  CONSUL_FAILED: 502,
  NOT_LEADER: 503,
  NO_LEADER: 503,
  PEER_UNREACHABLE: 503,
  PEER_LOST: 503,
  SHUTTING_DOWN: 503,
  TIMEOUT: 504,
  OUTCOME_UNKNOWN: 504,
};

export interface ErrorBody {
  readonly error: { readonly code: string; readonly message: string; readonly retryable: boolean };
}

/** Turns whatever a handler threw into a status, a code and a text a person can act on. */
export function errorHandler(
  log: Log,
): (error: FastifyError | Error, request: FastifyRequest, reply: FastifyReply) => FastifyReply {
  return (error, request, reply) => {
    if (error instanceof TuttiError) {
      const status = httpStatus[error.code] ?? 500;
      if (status === 500) log.error({ code: error.code, url: request.url }, error.message);
      return reply.code(status).send(errorBody(error.code, error.message, error.isRetryable));
    }
    if ('code' in error && error.code === 'FST_ERR_CTP_BODY_TOO_LARGE') {
      const message = `the body has more than ${request.routeOptions.bodyLimit} bytes`;
      return reply.code(413).send(errorBody('TOO_LARGE', message, false));
    }
    const status = 'statusCode' in error && typeof error.statusCode === 'number' ? error.statusCode : 500;
    if (status >= 500) log.error({ url: request.url, error: error.stack }, 'request failed');
    return reply.code(status).send(errorBody(codeOf(status), error.message, false));
  };
}

/** The framework has names of its own for what is wrong with a request; a client needs ours only. */
function codeOf(status: number): string {
  if (status >= 500) return 'INTERNAL';
  return status === 415 ? 'UNSUPPORTED_MEDIA_TYPE' : 'BAD_REQUEST';
}

/** A request that is not understood, for a handler to throw: 400 with this message. */
export function badRequest(message: string): Error {
  return Object.assign(new Error(message), { statusCode: 400 });
}

export async function sendRefusal(reply: FastifyReply, refusal: Refusal): Promise<void> {
  if (refusal === null) return;
  const code = { 401: 'UNAUTHORIZED', 403: 'FORBIDDEN', 415: 'UNSUPPORTED_MEDIA_TYPE' }[refusal.status];
  if (refusal.status === 401) void reply.header('www-authenticate', 'Bearer');
  await reply.code(refusal.status).send(errorBody(code, refusal.message, false));
}

export const errorBody = (code: string, message: string, retryable: boolean): ErrorBody => ({
  error: { code, message, retryable },
});
