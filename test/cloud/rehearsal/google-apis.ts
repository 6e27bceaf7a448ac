import { readFileSync } from 'node:fs';
import { request as plainRequest } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';

const STORAGE = 'storage.googleapis.com';
const SECRETS = 'secretmanager.googleapis.com';
/** What machines look for at this address. */
export const servedNames = [STORAGE, SECRETS];

/** Whether that account may do that with that bucket or secret; `permission` as IAM names it, "storage.objects.get". */
export type May = (email: string, permission: string, resource: string) => boolean;

export interface SecretVersion {
  readonly name: string;
  readonly text: string;
}

export interface GoogleApisOptions {
  /** With ca.pem, google.pem and google.key (certificates.ts). */
  readonly certificates: string;
  /** The port of the fake-gcs-server on loopback. */
  readonly storagePort: number;
  readonly emailOf: (token: string) => string | null;
  readonly may: May;
  /** Of a secret, by its full name. */
  readonly newestVersion: (secret: string) => SecretVersion | null;
}

/**
 * Google's APIs as the nodes see them: by their own names, with a certificate of the rehearsal's own authority. It asks for the token and for the rights
 * that the stack gives, and then lets a fake-gcs-server answer, which knows neither, or gives the secret that the stack has made.
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
    const refuse = (status: number, message: string): void =>
      answer(response, status, { error: { code: status, message } });
    const { host = '' } = request.headers;
    const url = new URL(request.url!, `https://${host}`);
    const asked = host === STORAGE ? objectAsked(request.method!, url) : host === SECRETS ? secretAsked(url) : null;
    if (asked === null) return refuse(404, `this stand-in does not serve ${request.method!} ${url.href}`);
    const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1];
    const email = token === undefined ? null : this.#options.emailOf(token);
    if (email === null) return refuse(401, 'Invalid Credentials');
    if (!this.#options.may(email, asked.permission, asked.resource))
      return refuse(403, `${email} does not have ${asked.permission} access to ${asked.resource}.`);
    if (host === STORAGE) return this.#forward(request, response);
    const version = this.#options.newestVersion(asked.resource);
    if (version === null) return refuse(404, `Secret [${asked.resource}] not found or has no versions.`);
    answer(response, 200, { name: version.name, payload: { data: Buffer.from(version.text).toString('base64') } });
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

interface Asked {
  readonly permission: string;
  /** The bucket, or the secret by its full name. */
  readonly resource: string;
}

function objectAsked(method: string, url: URL): Asked | null {
  const resource = /\/b\/([^/]+)\/o/.exec(url.pathname)?.[1];
  if (resource === undefined) return null;
  if (method === 'POST') return { permission: 'storage.objects.create', resource };
  if (method === 'DELETE') return { permission: 'storage.objects.delete', resource };
  return { permission: url.pathname.endsWith('/o') ? 'storage.objects.list' : 'storage.objects.get', resource };
}

function secretAsked(url: URL): Asked | null {
  const resource = /^\/v1\/(projects\/[^/]+\/secrets\/[^/]+)\/versions\/latest:access$/.exec(url.pathname)?.[1];
  return resource === undefined ? null : { permission: 'secretmanager.versions.access', resource };
}

function answer(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'Content-Type': 'application/json' });
  response.end(JSON.stringify(body));
}

/** What the roles allow that the stack gives (cloud.google.com/iam/docs/roles-permissions). */
export const permissionsOf: Readonly<Record<string, readonly string[]>> = {
  'roles/secretmanager.secretAccessor': ['secretmanager.versions.access'],
  'roles/storage.objectViewer': ['storage.objects.get', 'storage.objects.list'],
  'roles/storage.objectCreator': ['storage.objects.create'],
  'roles/storage.objectUser': [
    'storage.objects.get',
    'storage.objects.list',
    'storage.objects.create',
    'storage.objects.delete',
  ],
};
