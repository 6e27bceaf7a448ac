import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { noCredentials } from '../../../node/src/google/credentials.ts';
import type { ObjectAddress } from '../../../node/src/gcs/read-object.ts';

/** One question to Cloud Storage, and how to answer it. */
export interface Asked {
  readonly method: string;
  /** Encoded, as it came. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly authorization: string | undefined;
  readonly body: string;
  readonly socket: Socket;
  /** As Cloud Storage answers with the content of an object. */
  give(generation: number, text: string | Buffer): void;
  answer(status: number, body?: string): void;
  /** Ends the connection without a word. */
  hangUp(): void;
}

/** HTTP for real: a Cloud Storage that answers what a test says, and a metadata server with a token. */
export class FakeGoogle {
  readonly asked: Asked[] = [];
  /** What the metadata server was asked for. */
  readonly metadataAsked: string[] = [];
  onAsked: (asked: Asked) => void = () => undefined;
  /** Of this machine, with a number that every change makes higher. */
  readonly #attributes = new Map<string, { readonly text: string; readonly version: number }>();
  /** Who waits for a change; called once there is one. */
  readonly #waiting = new Set<() => void>();
  #version = 0;
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((request, response) => this.#take(request, response));
  }

  static async start(): Promise<FakeGoogle> {
    const fake = new FakeGoogle();
    fake.#server.listen(0, '127.0.0.1');
    await once(fake.#server, 'listening');
    return fake;
  }

  get host(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get address(): ObjectAddress {
    const endpoint = new URL(`http://${this.host}`);
    return { bucket: 'plans', object: 'plan.yaml', endpoint, credentials: noCredentials, maxBytes: 1_000 };
  }

  /** Null: the machine has no such attribute. */
  setAttribute(name: string, text: string | null): void {
    this.#version += 1;
    if (text === null) this.#attributes.delete(name);
    else this.#attributes.set(name, { text, version: this.#version });
    for (const look of [...this.#waiting]) look();
  }

  /** Again, too. */
  async stop(): Promise<void> {
    if (!this.#server.listening) return;
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #take(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url!, 'http://fake');
    if (url.pathname.startsWith('/computeMetadata/')) return this.#tell(url, request, response);
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => this.#ask(url, request, Buffer.concat(chunks).toString('utf8'), response));
  }

  #ask(url: URL, request: IncomingMessage, body: string, response: ServerResponse): void {
    const asked: Asked = {
      method: request.method!,
      body,
      path: url.pathname,
      query: url.searchParams,
      authorization: request.headers.authorization,
      socket: request.socket,
      give(generation, text) {
        response.writeHead(200, { 'x-goog-generation': String(generation) }).end(text);
      },
      answer: (status, body = '') => void response.writeHead(status).end(body),
      hangUp: () => void request.socket.destroy(),
    };
    this.asked.push(asked);
    this.onAsked(asked);
  }

  /** cloud.google.com/compute/docs/metadata/querying-metadata */
  #tell({ pathname: path, searchParams }: URL, request: IncomingMessage, response: ServerResponse): void {
    if (request.headers['metadata-flavor'] !== 'Google') return void response.writeHead(403).end();
    response.setHeader('metadata-flavor', 'Google');
    this.metadataAsked.push(path);
    const [, attribute] = /\/instance\/attributes\/(.+)$/.exec(path) ?? [];
    if (attribute !== undefined) return this.#tellAttribute(attribute, searchParams, response);
    if (!path.endsWith('/service-accounts/default/token')) return void response.writeHead(404).end();
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ access_token: 'the-token', expires_in: 3_600, token_type: 'Bearer' }));
  }

  /** cloud.google.com/compute/docs/metadata/querying-metadata#waitforchange */
  #tellAttribute(name: string, query: URLSearchParams, response: ServerResponse): void {
    const answer = (): void => {
      this.#waiting.delete(look);
      clearTimeout(timer);
      const found = this.#attributes.get(name);
      if (found === undefined) response.writeHead(404).end();
      else response.writeHead(200, { etag: `e${found.version}` }).end(found.text);
    };
    const isNews = (): boolean => `e${this.#attributes.get(name)?.version ?? 0}` !== query.get('last_etag');
    const look = (): void => {
      if (isNews()) answer();
    };
    const waitMs = query.get('wait_for_change') === 'true' && !isNews() ? Number(query.get('timeout_sec')) * 1000 : 0;
    const timer = setTimeout(answer, waitMs);
    if (waitMs > 0) this.#waiting.add(look);
    response.on('close', () => {
      this.#waiting.delete(look);
      clearTimeout(timer);
    });
  }
}

/** Where Google's libraries look for credentials there are none, whatever this machine has. Call the function to end it. */
export function withoutCredentials(stub: (name: string, value: string | undefined) => void): () => void {
  const home = mkdtempSync(join(tmpdir(), 'tutti-home-'));
  stub('HOME', home);
  stub('CLOUDSDK_CONFIG', home);
  stub('GOOGLE_APPLICATION_CREDENTIALS', undefined);
  stub('google_application_credentials', undefined);
  stub('GCE_METADATA_IP', undefined);
  stub('GCE_METADATA_HOST', undefined);
  stub('METADATA_SERVER_DETECTION', 'none');
  return () => rmSync(home, { recursive: true });
}
