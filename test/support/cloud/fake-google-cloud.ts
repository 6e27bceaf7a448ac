import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface FakeMachine {
  readonly name: string;
  readonly zone: string;
  readonly labels: Readonly<Record<string, string>>;
  status: string;
  lastStartTimestamp?: string;
  lastStopTimestamp?: string;
}

interface Answer {
  readonly status: number;
  readonly body: object | string;
  readonly headers?: Readonly<Record<string, string>>;
}

const answer = (body: object | string, status = 200): Answer => ({ status, body });
const refuse = (status: number, message: string, reason = ''): Answer =>
  answer({ error: { code: status, message, errors: [{ reason }] } }, status);

/**
 * The APIs of Google Cloud that `scripts/cloud` asks, over HTTP on loopback: as far as it asks them, answering in their form. What is asked beyond
 * that is refused by name, and so fails the test.
 */
export class FakeGoogleCloud {
  readonly machines: FakeMachine[] = [];
  readonly disks: {
    readonly name: string;
    readonly zone: string;
    readonly labels: Readonly<Record<string, string>>;
  }[] = [];
  /** By "bucket/object". */
  readonly objects = new Map<string, { text: string; generation: number; type: string }>();
  /** Versions of each secret, by its full name; an empty list is a secret without any. */
  readonly secrets = new Map<string, string[]>();
  entries: object[] = [];
  enabled: string[] = [];
  granted: string[] = [];
  /** By constraint. */
  readonly policies = new Map<string, object>();
  /** By region; "" is the project. */
  readonly quotas = new Map<string, object[]>();
  /** "POST compute/..." without the query, in order. */
  readonly asked: string[] = [];
  readonly headers: IncomingMessage['headers'][] = [];
  /** Answers that come before any of its own: taken from the front. */
  readonly failures: Answer[] = [];
  /** Called with "stop" or "start"; the operation is done when it is. */
  onMachine: (machine: FakeMachine, verb: string) => Promise<void> = () => Promise.resolve();
  #waits = 0;
  #operation: Promise<void> = Promise.resolve();
  #generation = 1000;
  readonly #server: Server = createServer((request, response) => void this.#take(request, response));

  static async start(): Promise<FakeGoogleCloud> {
    const fake = new FakeGoogleCloud();
    fake.#server.listen(0, '127.0.0.1');
    await once(fake.#server, 'listening');
    return fake;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** What sends `scripts/cloud` here instead of to Google. */
  get environment(): Readonly<Record<string, string>> {
    return {
      GOOGLE_COMPUTE_CUSTOM_ENDPOINT: `${this.url}/compute/v1/`,
      GOOGLE_STORAGE_CUSTOM_ENDPOINT: `${this.url}/storage/v1/`,
      GOOGLE_LOGGING_CUSTOM_ENDPOINT: `${this.url}/logging/v2/`,
      GOOGLE_SERVICE_USAGE_CUSTOM_ENDPOINT: `${this.url}/serviceusage/v1/`,
      GOOGLE_RESOURCE_MANAGER_CUSTOM_ENDPOINT: `${this.url}/crm/v1/`,
      GOOGLE_ORG_POLICY_CUSTOM_ENDPOINT: `${this.url}/orgpolicy/v2/`,
      GOOGLE_CLOUD_BILLING_CUSTOM_ENDPOINT: `${this.url}/billing/v1/`,
      GOOGLE_SECRET_MANAGER_CUSTOM_ENDPOINT: `${this.url}/secretmanager/v1/`,
    };
  }

  put(bucket: string, object: string, text: string, type = 'text/plain'): number {
    this.#generation += 1;
    this.objects.set(`${bucket}/${object}`, { text, generation: this.#generation, type });
    return this.#generation;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const url = new URL(request.url ?? '', this.url);
    const what = `${request.method ?? ''} ${decodeURIComponent(url.pathname)}`;
    this.asked.push(what);
    this.headers.push(request.headers);
    const body = Buffer.concat(chunks).toString('utf8');
    if (what.endsWith('/wait')) await this.#operation;
    const given = this.failures.shift() ?? this.#answer(what, url.searchParams, body, request.headers);
    const text = typeof given.body === 'string' ? given.body : JSON.stringify(given.body);
    response.writeHead(given.status, { 'content-type': 'application/json', ...given.headers }).end(text);
  }

  #answer(what: string, query: URLSearchParams, body: string, headers: IncomingMessage['headers']): Answer {
    const [, api = '', rest = ''] = /^\w+ \/(upload\/storage|[a-z]+)\/v[12]\/(.*)$/.exec(what) ?? [];
    switch (api) {
      case 'compute':
        return this.#compute(what, rest, query);
      case 'storage':
        return this.#storage(rest, query);
      case 'upload/storage': {
        const bucket = /^b\/([^/]+)\/o$/.exec(rest)?.[1] ?? '';
        const name = query.get('name') ?? '';
        this.put(bucket, name, body, headers['content-type']);
        return answer(this.#resource(`${bucket}/${name}`));
      }
      case 'logging':
        return answer({ entries: this.entries });
      case 'serviceusage': {
        const states = query.getAll('names').map((name) => ({
          name,
          state: this.enabled.includes(name.split('/').at(-1)!) ? 'ENABLED' : 'DISABLED',
        }));
        return answer({ services: states });
      }
      case 'crm':
        if (!rest.endsWith(':testIamPermissions')) return answer({ lifecycleState: 'ACTIVE' });
        return answer({
          permissions: (JSON.parse(body) as { permissions: string[] }).permissions.filter((one) =>
            this.granted.includes(one),
          ),
        });
      case 'orgpolicy': {
        const constraint = /policies\/(.+):getEffectivePolicy$/.exec(rest)?.[1] ?? '';
        const spec = this.policies.get(constraint);
        return spec === undefined
          ? refuse(403, 'Organization Policy API is disabled', 'SERVICE_DISABLED')
          : answer({ spec });
      }
      case 'secretmanager':
        return this.#secret(rest, body);
      case 'billing':
        return answer({ billingEnabled: true });
      default:
        return refuse(501, `this stand-in knows no ${what}`);
    }
  }

  #secret(rest: string, body: string): Answer {
    const [, name = '', verb = ''] = /^(projects\/[^/]+\/secrets\/[^/:]+)(.*)$/.exec(rest) ?? [];
    const versions = this.secrets.get(name);
    if (versions === undefined) return refuse(404, `Secret [${name}] not found.`);
    const newest = (): Answer => answer({ name: `${name}/versions/${versions.length}`, state: 'ENABLED' });
    if (verb === '') return answer({ name });
    if (verb === '/versions/latest') return versions.length > 0 ? newest() : refuse(404, `${name} has no versions.`);
    if (verb !== ':addVersion') return refuse(501, `this stand-in knows no ${verb} of a secret`);
    const { payload } = JSON.parse(body) as { readonly payload: { readonly data: string } };
    versions.push(Buffer.from(payload.data, 'base64').toString('utf8'));
    return newest();
  }

  #compute(what: string, rest: string, query: URLSearchParams): Answer {
    const [, kind] = /^projects\/[^/]+\/aggregated\/(\w+)$/.exec(rest) ?? [];
    if (kind !== undefined) return answer({ items: this.#aggregated(kind) });
    const [, zone = '', name = '', verb = ''] = /zones\/([^/]+)\/instances\/([^/]+)\/(\w+)$/.exec(rest) ?? [];
    if (verb === 'serialPort') return answer({ contents: `boot of ${name}\n` });
    if (verb === 'stop' || verb === 'start') {
      const machine = this.machines.find((one) => one.name === name && one.zone === zone);
      if (machine === undefined) return refuse(404, `no ${name} in ${zone}`, 'notFound');
      machine.status = verb === 'stop' ? 'TERMINATED' : 'RUNNING';
      this.#waits = 0;
      this.#operation = this.onMachine(machine, verb);
      return answer({ name: 'operation-1', status: 'RUNNING', operationType: verb });
    }
    // Google answers a wait before the operation is done, when that takes long.
    if (rest.endsWith('/operations/operation-1/wait'))
      return answer({ name: 'operation-1', status: this.#waits++ === 0 ? 'RUNNING' : 'DONE' });
    if (/zones\/[^/]+\/operations$/.test(rest)) {
      const [, targetId = ''] = /targetId = "(.+)"/.exec(query.get('filter') ?? '') ?? [];
      const of = (insertTime: string, operationType: string): object => ({
        name: 'o',
        status: 'DONE',
        targetId,
        insertTime,
        operationType,
      });
      return answer({
        items: [of('2026-11-22T01:00:00Z', 'start'), of('2026-11-22T05:00:00Z', 'compute.instances.preempted')],
      });
    }
    const [, region = ''] = /^projects\/[^/]+(?:\/regions\/([^/]+))?$/.exec(rest) ?? [];
    return /^projects\/[^/]+(\/regions\/[^/]+)?$/.test(rest)
      ? answer({ quotas: this.quotas.get(region) ?? [] })
      : refuse(501, `this stand-in knows no ${what}`);
  }

  #aggregated(kind: string): object {
    const all = kind === 'instances' ? this.machines : kind === 'disks' ? this.disks : [];
    const items: Record<string, object> = { 'regions/nowhere1': { warning: { code: 'NO_RESULTS_ON_PAGE' } } };
    for (const one of all) {
      const place = (items[`zones/${one.zone}`] ??= { [kind]: [] }) as Record<string, object[]>;
      place[kind]!.push({
        ...one,
        id: `1${this.machines.findIndex(({ name }) => name === one.name)}`,
        zone: `https://www.googleapis.com/compute/v1/projects/my-project/zones/${one.zone}`,
        scheduling: { maxRunDuration: { seconds: '86400' } },
      });
    }
    return items;
  }

  #storage(rest: string, query: URLSearchParams): Answer {
    const [, bucket = '', object] = /^b\/([^/]+)\/o(?:\/(.+))?$/.exec(rest) ?? [];
    if (object === undefined) {
      const names = [...this.objects.keys()].filter((key) => key.startsWith(`${bucket}/`)).sort();
      // One on each page, so that pages are followed.
      const at = Number(query.get('pageToken') ?? 0);
      const next = at + 1 < names.length ? { nextPageToken: String(at + 1) } : {};
      return answer({ items: names.slice(at, at + 1).map((key) => this.#resource(key)), ...next });
    }
    const found = this.objects.get(`${bucket}/${object}`);
    if (found === undefined) return refuse(404, `No such object: ${bucket}/${object}`, 'notFound');
    return query.get('alt') === 'media' ? answer(found.text) : answer(this.#resource(`${bucket}/${object}`));
  }

  #resource(key: string): object {
    const { text, generation } = this.objects.get(key)!;
    return {
      name: key.slice(key.indexOf('/') + 1),
      generation: String(generation),
      updated: '2026-11-22T00:00:00.000Z',
      size: String(Buffer.byteLength(text)),
    };
  }
}
