import { setTimeout as delay } from 'node:timers/promises';
import { TuttiError, errorCodes, type ErrorCode } from '../lib/errors.ts';

/** Between tries, while no node answers or none knows a leader: an election takes some hundred milliseconds. */
const retryIntervalMs = 200;
/** Longer than a node itself looks for a leader (coordinator/run-service.ts), so that its reason is heard. */
const requestTimeoutMs = 12_000;

/**
 * The API as the CLI uses it: any of the given nodes will do. What may be repeated (reads, and submissions, which carry their
 * Idempotency-Key) goes to the next node when one is unreachable or has no leader, until the deadline.
 */
export class ClusterClient {
  readonly #nodes: readonly string[];
  readonly #token: string | null;
  readonly #patienceMs: number;
  #next = 0;

  constructor(options: {
    readonly nodes: readonly string[];
    readonly token: string | null;
    readonly patienceMs: number;
  }) {
    this.#nodes = options.nodes;
    this.#token = options.token;
    this.#patienceMs = options.patienceMs;
  }

  get<Body>(path: string): Promise<Body> {
    return this.#request<Body>('GET', path, {}, null);
  }

  post<Body>(path: string, headers: Record<string, string>, body: string | null): Promise<Body> {
    return this.#request<Body>('POST', path, headers, body);
  }

  async #request<Body>(
    method: string,
    path: string,
    headers: Record<string, string>,
    body: string | null,
  ): Promise<Body> {
    const givingUpAt = performance.now() + this.#patienceMs;
    const failures = new Map<string, string>();
    for (;;) {
      const node = this.#nodes[this.#next % this.#nodes.length]!;
      try {
        return await this.#once<Body>(node, method, path, headers, body);
      } catch (thrown) {
        const error = TuttiError.from(thrown);
        if (!worthAnotherNode.has(error.code)) throw error;
        failures.set(node, error.message);
        if (performance.now() >= givingUpAt) throw unreachable(failures, error.code);
        this.#next++;
        if (this.#next % this.#nodes.length === 0) await delay(retryIntervalMs);
      }
    }
  }

  async #once<Body>(
    node: string,
    method: string,
    path: string,
    headers: Record<string, string>,
    body: string | null,
  ): Promise<Body> {
    const response = await fetch(new URL(path, node), {
      method,
      headers: { ...headers, ...(this.#token === null ? {} : { authorization: `Bearer ${this.#token}` }) },
      body,
      signal: AbortSignal.timeout(requestTimeoutMs),
    }).catch((error: unknown) => {
      const cause = (error as { cause?: { code?: string } }).cause?.code ?? (error as Error).name;
      throw new TuttiError('PEER_UNREACHABLE', cause, { cause: error });
    });
    const text = await response.text();
    if (response.ok) return JSON.parse(text) as Body;
    throw errorOf(response.status, text);
  }
}

const worthAnotherNode: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'PEER_UNREACHABLE',
  'NO_LEADER',
  'NOT_LEADER',
  'SHUTTING_DOWN',
  'TIMEOUT',
  'OUTCOME_UNKNOWN',
]);

function errorOf(status: number, text: string): TuttiError {
  let parsed: { error?: { code?: string; message?: string } };
  try {
    parsed = JSON.parse(text) as typeof parsed;
  } catch (error) {
    return new TuttiError('PEER_UNREACHABLE', `answered ${status} without JSON: is this a node of tutti?`, {
      cause: error,
    });
  }
  const code = parsed.error?.code ?? '';
  const known = Object.hasOwn(errorCodes, code) ? (code as ErrorCode) : status === 403 ? 'UNAUTHORIZED' : 'INTERNAL';
  return new TuttiError(known, parsed.error?.message ?? `answered ${status}`);
}

function unreachable(failures: ReadonlyMap<string, string>, code: ErrorCode): TuttiError {
  const tried = [...failures].map(([node, message]) => `  ${node}: ${message}`).join('\n');
  return new TuttiError(
    code === 'OUTCOME_UNKNOWN' ? code : 'NO_LEADER',
    `no node could answer:\n${tried}\nGive reachable nodes with --node URL[,URL...] or TUTTI_NODES.`,
  );
}
