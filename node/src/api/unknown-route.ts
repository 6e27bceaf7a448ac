import type { FastifyInstance } from 'fastify';

const methods = ['GET', 'HEAD', 'POST'] as const;

/** 405 with `Allow` (RFC 9110, 15.5.6) where the path exists for another method, else 404. */
export function answerUnknownRoutes(server: FastifyInstance): void {
  server.setNotFoundHandler((request, reply) => {
    const url = request.url.split('?', 1)[0]!;
    const allowed = methods.filter((method) => server.hasRoute({ method, url }));
    const asked = `${request.method} ${request.url}`;
    if (allowed.length === 0) {
      return reply.code(404).send({ error: { code: 'NOT_FOUND', message: `nothing at ${asked}`, retryable: false } });
    }
    const allow = allowed.join(', ');
    const message = `${asked} is not possible; ${url} takes ${allow}`;
    return reply
      .code(405)
      .header('allow', allow)
      .send({ error: { code: 'METHOD_NOT_ALLOWED', message, retryable: false } });
  });
}
