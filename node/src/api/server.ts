import fastify from 'fastify';
import { TuttiError } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import type { ApiBackend } from './backend.ts';
import { answerBrokenRequest, answerUnknownExpectation } from './broken-request.ts';
import { checkHost, checkOrigin } from './doors.ts';
import { errorHandler, sendRefusal } from './errors.ts';
import { answerUnknownRoutes } from './unknown-route.ts';
import { changingRoutes, readingRoutes } from './routes.ts';

/** The largest plan there may be (plan/ refuses more), with room for nothing else. */
const maxBodyBytes = 1024 * 1024;
/** People, dashboards and scrapers of one node; more is an attack or a mistake. */
const maxConnections = 256;
const defaultLimits = { requestTimeoutMs: 15_000, timeoutCheckMs: 1_000 };

export interface ApiServer {
  /** With the port that was really taken (0 asks for any). */
  readonly address: { readonly host: string; readonly port: number };
  close(): Promise<void>;
}

export interface ApiOptions {
  readonly backend: ApiBackend;
  readonly host: string;
  readonly port: number;
  /** Asked at each request; null: none is demanded. */
  readonly token: () => string | null;
  /** Names, besides addresses in numbers, under which this node may be called. */
  readonly ownNames: ReadonlySet<string>;
  readonly log: Log;
  readonly limits?: {
    /** From the first byte to the last of a request: a slow writer must not hold a connection for ever. */
    readonly requestTimeoutMs: number;
    /** How often node:http looks for requests that are past it; its own default is twice the time itself. */
    readonly timeoutCheckMs: number;
  };
}

/** Starts the HTTP API. Rejects with ADDRESS_IN_USE or SETTINGS_INVALID when it cannot listen. */
export async function startApi(options: ApiOptions): Promise<ApiServer> {
  const answerError = errorHandler(options.log);
  const { requestTimeoutMs, timeoutCheckMs } = options.limits ?? defaultLimits;
  const server = fastify({
    http: {
      connectionsCheckingInterval: timeoutCheckMs,
      // Node swaps the two where the time for the headers (60 s by default) is longer than that for the whole.
      headersTimeout: requestTimeoutMs,
      // Without a Host the answer is ours, like that to a wrong one.
      requireHostHeader: false,
    },
    bodyLimit: maxBodyBytes,
    requestTimeout: requestTimeoutMs,
    clientErrorHandler: answerBrokenRequest,
    frameworkErrors: (error, request, reply) => void answerError(error, request, reply),
    connectionTimeout: 60_000,
    forceCloseConnections: true,
  });
  server.server.maxConnections = maxConnections;
  server.server.on('checkExpectation', answerUnknownExpectation);
  server.addHook('onRequest', async (request, reply) => {
    await sendRefusal(
      reply,
      checkHost(request.headers.host, options.ownNames) ?? checkOrigin(request.headers.origin, request.headers.host),
    );
  });
  server.setErrorHandler(answerError);
  answerUnknownRoutes(server);
  readingRoutes(server, options.backend);
  changingRoutes(server, options.backend, options.token);
  try {
    await server.listen({ host: options.host, port: options.port });
  } catch (error) {
    throw listenError(error, options);
  }
  const address = server.server.address();
  const port = typeof address === 'object' && address !== null ? address.port : options.port;
  return { address: { host: options.host, port }, close: () => server.close() };
}

/** Also for the metrics port of a standalone run. */
export function listenError(
  thrown: unknown,
  at: { readonly host: string; readonly port: number },
  setting = 'CLUSTER_HEALTH_ADDR',
): TuttiError {
  const code = (thrown as NodeJS.ErrnoException).code;
  const where = `${at.host}:${at.port}`;
  if (code === 'EADDRINUSE') {
    return new TuttiError(
      'ADDRESS_IN_USE',
      `${setting}: ${where} is in use by another process; stop it or choose another port`,
      { cause: thrown },
    );
  }
  return new TuttiError('SETTINGS_INVALID', `${setting}: cannot listen on ${where} (${code ?? String(thrown)})`, {
    cause: thrown,
  });
}
