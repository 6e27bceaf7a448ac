import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import type { ConsulAddress } from '../../../node/src/consul/http.ts';

/** One question that came, and how to answer it. */
export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly body: string;
  readonly query: URLSearchParams;
  readonly token: string | undefined;
  answer(status: number, index: number | null, body: string): void;
  /** Ends the connection without a word. */
  hangUp(): void;
}

/** HTTP for real, and a Consul that answers what a test says, when it says it. */
export class FakeConsul {
  readonly asked: Asked[] = [];
  readonly #server: Server;
  /** Taken for each question in turn; the last one stays. */
  onAsked: (asked: Asked) => void = () => undefined;

  private constructor() {
    this.#server = createServer((request, response) => {
      void text(request).then((body) => this.#take(request, response, body));
    });
  }

  static async start(): Promise<FakeConsul> {
    const fake = new FakeConsul();
    fake.#server.listen(0, '127.0.0.1');
    await once(fake.#server, 'listening');
    return fake;
  }

  get address(): ConsulAddress {
    const { port } = this.#server.address() as AddressInfo;
    const nothing = { token: null, ca: null, cert: null, key: null, serverName: null };
    return { url: new URL(`http://127.0.0.1:${port}`), ...nothing, verify: true };
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #take(request: IncomingMessage, response: ServerResponse, body: string): void {
    const url = new URL(request.url!, 'http://consul');
    const asked: Asked = {
      ...{ method: request.method!, body },
      path: url.pathname,
      query: url.searchParams,
      token: request.headers['x-consul-token'] as string | undefined,
      answer(status, index, answered) {
        if (index !== null) response.setHeader('x-consul-index', String(index));
        response.writeHead(status).end(answered);
      },
      hangUp: () => request.socket.destroy(),
    };
    this.asked.push(asked);
    this.onAsked(asked);
  }
}

/** As Consul answers for a key. */
export function kvBody(text: string, modifyIndex: number): string {
  const value = Buffer.from(text).toString('base64');
  return JSON.stringify([{ Key: 'k', ModifyIndex: modifyIndex, CreateIndex: 1, Flags: 0, LockIndex: 0, Value: value }]);
}
