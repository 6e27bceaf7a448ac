import { createServer, type Server } from 'node:http';
import { TuttiError } from '../lib/errors.ts';
import { isOwnHost, ownHostNames } from '../lib/host-header.ts';
import { renderMetrics } from '../metrics/render.ts';
import type { RunReport } from '../results/report.ts';

/** One scraper and a curious person; more is somebody else. */
const maxConnections = 16;
const limits = {
  headersTimeout: 5_000,
  requestTimeout: 5_000,
  connectionsCheckingInterval: 1_000,
  maxHeaderSize: 8_192,
};

/**
 * The only port a standalone run opens: GET /metrics. `hostNames`: by which it may be called, besides its own. Fails with ADDRESS_IN_USE or
 * SETTINGS_INVALID.
 */
export async function openMetricsPort(
  address: { readonly host: string; readonly port: number },
  hostNames: readonly string[],
  report: () => RunReport,
): Promise<{ readonly port: number; close(): Promise<void> }> {
  const ownNames = ownHostNames([address.host, ...hostNames]);
  const server = createServer(limits, (request, response) => {
    // A web page whose name was pointed at this machine must not read it, as at the API.
    if (!isOwnHost(request.headers.host, ownNames)) {
      response
        .writeHead(403, { 'content-type': 'text/plain' })
        .end('use the address or the host name of this machine, or list the name in API_HOST_NAMES\n');
      return;
    }
    if (request.method !== 'GET' || request.url?.split('?')[0] !== '/metrics') {
      response.writeHead(404, { 'content-type': 'text/plain' }).end('GET /metrics is all there is\n');
      return;
    }
    renderMetrics(report(), null).then(
      ({ contentType, text }) => response.writeHead(200, { 'content-type': contentType }).end(text),
      (thrown: unknown) => response.writeHead(500).end(`${TuttiError.from(thrown).message}\n`),
    );
  });
  server.maxConnections = maxConnections;
  await listen(server, address);
  const bound = server.address();
  return {
    port: typeof bound === 'object' && bound !== null ? bound.port : address.port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function listen(server: Server, { host, port }: { readonly host: string; readonly port: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const where = `METRICS_ADDR: ${host}:${port}`;
      reject(
        error.code === 'EADDRINUSE'
          ? new TuttiError(
              'ADDRESS_IN_USE',
              `${where} is in use, perhaps by another run: choose another port or none, with --metrics-addr 127.0.0.1:9091 or --metrics-addr none`,
              {
                cause: error,
              },
            )
          : new TuttiError('SETTINGS_INVALID', `${where}: cannot listen there (${error.code ?? error.message})`, {
              cause: error,
            }),
      );
    });
    server.listen(port, host, () => resolve());
  });
}
