import { readFileSync } from 'node:fs';
import { request as plainRequest } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';

/** Whether that account may do that with that bucket; `permission` as IAM names it, "storage.objects.get". */
export type May = (email: string, permission: string, bucket: string) => boolean;

export interface GoogleApisOptions {
  /** With ca.pem, google.pem and google.key (certificates.ts). */
  readonly certificates: string;
  /** The port of the fake-gcs-server on loopback. */
  readonly storagePort: number;
  readonly emailOf: (token: string) => string | null;
  readonly may: May;
}

/**
 * https://storage.googleapis.com, as the nodes see it: by its own name, with a certificate of the rehearsal's own authority. It asks for the token and for the rights
 * that the stack gives, and then lets a fake-gcs-server answer, which knows neither.
 */
export class GoogleApis {
  readonly #options: GoogleApisOptions;
  readonly #server: Server;

  constructor(options: GoogleApisOptions) {
    this.#options = options;
    const read = (name: string): Buffer => readFileSync(join(options.certificates, name));
    this.#server = createServer({ key: read('google.key'), cert: read('google.pem') }, (request, response) =>
      this.#handle(request, response),
    );
  }

  listen(address: string): Promise<void> {
    return new Promise((resolve, reject) => this.#server.once('error', reject).listen(443, address, () => resolve()));
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #handle(request: IncomingMessage, response: ServerResponse): void {
    const refuse = (status: number, message: string): void => {
      response.writeHead(status, { 'Content-Type': 'application/json' });
      response.end(JSON.stringify({ error: { code: status, message } }));
    };
    if (request.headers.host !== 'storage.googleapis.com')
      return refuse(404, `no API of that name: ${String(request.headers.host)}`);
    const url = new URL(request.url!, 'https://storage.googleapis.com');
    const bucket = /\/b\/([^/]+)\/o/.exec(url.pathname)?.[1];
    if (bucket === undefined) return refuse(404, 'this stand-in serves objects alone');
    const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1];
    const email = token === undefined ? null : this.#options.emailOf(token);
    if (email === null) return refuse(401, 'Invalid Credentials');
    const permission = permissionFor(request.method!, url);
    if (!this.#options.may(email, permission, bucket))
      return refuse(403, `${email} does not have ${permission} access to the Google Cloud Storage bucket ${bucket}.`);
    this.#forward(request, response);
  }

  #forward(request: IncomingMessage, response: ServerResponse): void {
    const { storagePort } = this.#options;
    const options = {
      host: '127.0.0.1',
      port: storagePort,
      path: request.url,
      method: request.method,
      headers: request.headers,
    };
    const onward = plainRequest(options, (answer) => {
      response.writeHead(answer.statusCode!, answer.headers);
      answer.pipe(response);
    });
    onward.on('error', (error) => {
      response.writeHead(503);
      response.end(error.message);
    });
    request.pipe(onward);
  }
}

function permissionFor(method: string, url: URL): string {
  if (method === 'POST') return 'storage.objects.create';
  if (method === 'DELETE') return 'storage.objects.delete';
  return url.pathname.endsWith('/o') ? 'storage.objects.list' : 'storage.objects.get';
}

/** What the roles allow that the stack gives (cloud.google.com/storage/docs/access-control/iam-roles). */
export const permissionsOf: Readonly<Record<string, readonly string[]>> = {
  'roles/storage.objectViewer': ['storage.objects.get', 'storage.objects.list'],
  'roles/storage.objectCreator': ['storage.objects.create'],
  'roles/storage.objectUser': [
    'storage.objects.get',
    'storage.objects.list',
    'storage.objects.create',
    'storage.objects.delete',
  ],
};
