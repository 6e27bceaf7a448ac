import { createHash, randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';

/** What the metadata server tells an instance of itself. */
export interface Identity {
  readonly project: string;
  readonly name: string;
  readonly zone: string;
  readonly email: string;
  readonly attributes: Readonly<Record<string, string>>;
}

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
  readonly etag?: string;
}

const TOKEN_SECS = 3599;
const found = (body: string, type = 'application/text'): Answer => ({ status: 200, type, body });
const missing: Answer = { status: 404, type: 'text/html', body: 'not found\n' };

/**
 * The metadata server of Google Cloud (cloud.google.com/compute/docs/metadata/querying-metadata), for whoever asks from an address of ours:
 * attributes, with waiting for a change, and the tokens of the instance's service account.
 */
export class MetadataServer {
  readonly #identify: (address: string) => Identity | null;
  readonly #emails = new Map<string, string>();
  readonly #server: Server;
  readonly #waiting = new Set<() => void>();

  constructor(identify: (address: string) => Identity | null) {
    this.#identify = identify;
    this.#server = createServer((request, response) => {
      void this.#answer(request).then((answer) => send(response, answer));
    });
  }

  listen(address: string): Promise<void> {
    return new Promise((resolve, reject) => this.#server.once('error', reject).listen(80, address, () => resolve()));
  }

  /** Whoever waits for a change looks again. */
  changed(): void {
    for (const wake of this.#waiting) wake();
  }

  /** Whose access token it is; null for one that was not given out here. */
  emailOf(token: string): string | null {
    return this.#emails.get(token) ?? null;
  }

  async close(): Promise<void> {
    this.changed();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #answer(request: IncomingMessage): Promise<Answer> {
    const url = new URL(request.url!, 'http://metadata.google.internal');
    const address = request.socket.remoteAddress!.replace(/^::ffff:/, '');
    const identity = this.#identify(address);
    if (identity === null) return { status: 403, type: 'text/html', body: `no instance has the address ${address}\n` };
    if (url.pathname === '/') return found('computeMetadata/\n');
    if (request.headers['metadata-flavor'] !== 'Google' || request.headers['x-forwarded-for'] !== undefined)
      return { status: 403, type: 'text/html', body: 'Missing Metadata-Flavor:Google header.\n' };
    const path = url.pathname.replace(/\/$/, '').replace(/^\/computeMetadata\/v1\//, '');
    if (url.searchParams.get('wait_for_change') === 'true') return this.#afterChange(request, address, path, url);
    return this.#read(identity, path, url);
  }

  /** Answers at once if what the asker has is not what there is. */
  async #afterChange(request: IncomingMessage, address: string, path: string, url: URL): Promise<Answer> {
    const known = url.searchParams.get('last_etag');
    const read = (): Answer => {
      const identity = this.#identify(address);
      return identity === null ? missing : this.#read(identity, path, url);
    };
    const first = read();
    const since = known ?? first.etag;
    const seconds = Number(url.searchParams.get('timeout_sec') ?? Infinity);
    const deadline = performance.now() + seconds * 1000;
    for (let answer = first; ; answer = read()) {
      if (answer.etag !== since || request.destroyed || performance.now() >= deadline || !this.#server.listening)
        return answer;
      await new Promise<void>((resolve) => {
        const timer = Number.isFinite(seconds) ? setTimeout(wake, Math.max(0, deadline - performance.now())) : null;
        const waiting = this.#waiting;
        function wake(): void {
          if (timer !== null) clearTimeout(timer);
          waiting.delete(wake);
          resolve();
        }
        waiting.add(wake);
        request.once('close', wake);
      });
    }
  }

  #read(identity: Identity, path: string, url: URL): Answer {
    const { project, name, zone, email, attributes } = identity;
    const attribute = /^instance\/attributes\/(.+)$/.exec(path)?.[1];
    if (attribute !== undefined)
      return withEtag(Object.hasOwn(attributes, attribute) ? found(attributes[attribute]!) : missing);
    switch (path) {
      case 'instance':
        return found('attributes/\nid\nname\nservice-accounts/\nzone\n');
      case 'instance/attributes':
        return withEtag(
          found(
            Object.keys(attributes)
              .map((key) => `${key}\n`)
              .join(''),
          ),
        );
      case 'instance/name':
        return found(name);
      case 'instance/zone':
        return found(`projects/123456789012/zones/${zone}`);
      case 'project/project-id':
        return found(project);
      case 'project/numeric-project-id':
        return found('123456789012');
      case 'universe/universe-domain':
        return missing;
      case 'instance/service-accounts':
        return found(`default/\n${email}/\n`);
      default:
        return this.#ofAccount(email, path, url);
    }
  }

  #ofAccount(email: string, path: string, url: URL): Answer {
    const [, account, what] = /^instance\/service-accounts\/([^/]+)\/(\w+)$/.exec(path) ?? [];
    if (account !== 'default' && account !== email) return missing;
    if (what === 'email') return found(email);
    if (what === 'scopes') return found('https://www.googleapis.com/auth/cloud-platform\n');
    if (what === 'identity') {
      const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
      const audience = url.searchParams.get('audience');
      return found(
        `${part({ alg: 'none' })}.${part({ aud: audience, email, exp: Math.floor(Date.now() / 1000) + TOKEN_SECS })}.`,
      );
    }
    if (what !== 'token') return missing;
    const token = `ya29.${randomBytes(16).toString('hex')}`;
    this.#emails.set(token, email);
    return found(
      JSON.stringify({ access_token: token, expires_in: TOKEN_SECS, token_type: 'Bearer' }),
      'application/json',
    );
  }
}

const withEtag = (answer: Answer): Answer => ({
  ...answer,
  etag: createHash('sha256').update(answer.body).digest('hex').slice(0, 16),
});

function send(response: ServerResponse, { status, type, body, etag }: Answer): void {
  response.writeHead(status, {
    'Metadata-Flavor': 'Google',
    'Content-Type': type,
    ...(etag !== undefined && { ETag: etag }),
  });
  response.end(body);
}
