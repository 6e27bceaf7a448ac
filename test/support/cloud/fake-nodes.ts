import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ClusterHealth } from '../../../node/src/api/health.ts';
import type { Reach } from '../../../infra/src/cloud/reach/reach.ts';
import { healthOf } from './fake-context.ts';

/** The API of each node of a cluster, as far as `scripts/cloud` asks it, on loopback. */
export class FakeNodes {
  readonly #servers = new Map<string, Server>();
  readonly #urls = new Map<string, string>();
  /** By node id; null: it does not answer. */
  readonly health = new Map<string, ClusterHealth | null>();
  /** What `GET /run` answers; null: there was none. */
  run: object | null = null;
  /** Ways that are open now. */
  open = 0;

  static async start(instances: Readonly<Record<string, string>>): Promise<FakeNodes> {
    const nodes = new FakeNodes();
    for (const [instance, id] of Object.entries(instances)) {
      nodes.health.set(id, healthOf(id));
      const server = createServer((request, response) => {
        const health = nodes.health.get(id) ?? null;
        if (health === null) return void request.socket.destroy();
        const answer = (status: number, body: object): void => {
          response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
        };
        if (request.url === '/health') return answer(200, { status: 'ok' });
        if (request.url === '/health/cluster') return answer(200, health);
        if (request.url === '/run' && nodes.run !== null) return answer(200, nodes.run);
        return answer(404, { error: { code: 'RUN_NOT_FOUND', message: 'none yet', retryable: false } });
      });
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      nodes.#servers.set(instance, server);
      nodes.#urls.set(instance, `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    }
    return nodes;
  }

  urlOf(instance: string): string {
    return this.#urls.get(instance)!;
  }

  /** A way without a tunnel: straight to the server. */
  get reach(): Reach {
    return {
      whyNot: () => Promise.resolve(null),
      open: ({ instance }) => {
        this.open += 1;
        return Promise.resolve({
          url: this.urlOf(instance),
          ended: new Promise(() => undefined),
          close: () => Promise.resolve(void (this.open -= 1)),
        });
      },
    };
  }

  stop(): void {
    for (const server of this.#servers.values()) {
      server.closeAllConnections();
      server.close();
    }
  }
}
