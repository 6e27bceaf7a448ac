import { setTimeout as delay } from 'node:timers/promises';
import { type ErrorCode, TuttiError } from '../lib/errors.ts';
import { ask, type Question } from './ask.ts';

/** Between rounds, while no node answers or none knows a leader: an election takes some hundred milliseconds. */
const retryIntervalMs = 200;
/** What reads needs no longer, unless the node hangs or looks for a leader. */
const readTimeoutMs = 3_000;
/** A new leader waits five seconds for missing members before it takes a plan. */
const changeTimeoutMs = 6_000;
/** Every node gets so long at least, however little patience is left: less would judge the network, not the node. */
const leastTimeoutMs = 1_000;

/**
 * The API as the CLI uses it: any of the given nodes will do. A node that is unreachable, hangs, has no leader or is none of
 * tutti's makes room for the next, until the patience has run out and every node was asked. So everything may be sent twice:
 * reads, submissions, which carry their Idempotency-Key, and the wish that a run ends, which names the run.
 */
export class ClusterClient {
  readonly #token: string | null;
  readonly #patienceMs: number;
  /** In the order in which they are asked: who answered last first, who hung last. */
  #nodes: readonly string[];
  readonly #hung = new Set<string>();

  constructor(options: {
    readonly nodes: readonly string[];
    readonly token: string | null;
    readonly patienceMs: number;
  }) {
    this.#nodes = [...new Set(options.nodes)];
    this.#token = options.token;
    this.#patienceMs = options.patienceMs;
  }

  get<Body extends object>(path: string): Promise<Body> {
    return this.#request<Body>({ method: 'GET', path, headers: {}, body: null });
  }

  post<Body extends object>(path: string, headers: Record<string, string>, body: string | null): Promise<Body> {
    return this.#request<Body>({ method: 'POST', path, headers, body });
  }

  /** What each node says of itself, of those that answer in time. */
  async everyNode<Body extends object>(
    path: string,
    timeoutMs: number,
    noLonger: AbortSignal,
  ): Promise<readonly Body[]> {
    const question = { method: 'GET', path, headers: this.#authorization(), body: null } as const;
    const answers = await Promise.allSettled(this.#nodes.map((node) => ask(node, question, timeoutMs, noLonger)));
    return answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value as Body] : []));
  }

  #authorization(): Record<string, string> {
    return this.#token === null ? {} : { authorization: `Bearer ${this.#token}` };
  }

  async #request<Body extends object>(request: Question): Promise<Body> {
    const question = { ...request, headers: { ...request.headers, ...this.#authorization() } };
    const givingUpAt = performance.now() + this.#patienceMs;
    const failures = new Map<string, TuttiError>();
    for (;;) {
      for (const node of this.#nodes) {
        const leftMs = givingUpAt - performance.now();
        if (failures.has(node) && leftMs <= 0) throw await this.#givingUp(question, failures);
        // Those not asked yet share what is left.
        const share = leftMs / Math.max(1, this.#nodes.length - failures.size);
        const longestMs = question.method === 'GET' ? readTimeoutMs : changeTimeoutMs;
        const timeoutMs = Math.round(Math.max(leastTimeoutMs, Math.min(longestMs, share)));
        try {
          // The caller names the type, `ask` has seen that it is an answer to this question.
          const answer = (await ask(node, question, timeoutMs)) as Body;
          this.#answered(node);
          return answer;
        } catch (thrown) {
          const error = TuttiError.from(thrown);
          if (!worthAnotherNode.has(error.code)) throw error;
          failures.set(node, error);
          this.#failed(node, error.code === 'TIMEOUT');
        }
      }
      await delay(Math.max(0, Math.min(retryIntervalMs, givingUpAt - performance.now())));
    }
  }

  #answered(node: string): void {
    this.#hung.delete(node);
    this.#nodes = [node, ...this.#nodes.filter((other) => other !== node)];
  }

  #failed(node: string, hangs: boolean): void {
    if (hangs) this.#hung.add(node);
    else this.#hung.delete(node);
    const others = this.#nodes.filter((other) => other !== node);
    const isHung = (other: string): boolean => this.#hung.has(other);
    const ready = others.filter((other) => !isHung(other));
    this.#nodes = hangs ? [...others, node] : [...ready, node, ...others.filter(isHung)];
  }

  async #givingUp({ method, path }: Question, failures: ReadonlyMap<string, TuttiError>): Promise<TuttiError> {
    const tried = await Promise.all(
      [...failures].map(async ([node, error]) => `  ${node}: ${error.message}${await whyNoAnswer(node, error)}`),
    );
    const isUnknown = [...failures.values()].some(({ code }) => mayHaveHappened.has(code));
    return new TuttiError(
      method === 'POST' && isUnknown ? 'OUTCOME_UNKNOWN' : 'NO_LEADER',
      `no node could answer ${method} ${path.split('?')[0]}:\n${tried.join('\n')}\n` +
        'Give reachable nodes with --node URL[,URL...] or TUTTI_NODES.',
    );
  }
}

/** A node that looks for a leader is as silent as one that hangs; of itself it can tell at once. */
async function whyNoAnswer(node: string, error: TuttiError): Promise<string> {
  if (error.code !== 'TIMEOUT') return '';
  const question = { method: 'GET', path: '/health/cluster', headers: {}, body: null } as const;
  try {
    const { leader_id: leader } = (await ask(node, question, leastTimeoutMs)) as { readonly leader_id?: string | null };
    return leader === null ? ', since it knows no leader' : '';
  } catch (thrown) {
    return TuttiError.from(thrown).code === 'TIMEOUT' ? ': it hangs' : '';
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
const mayHaveHappened: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['TIMEOUT', 'OUTCOME_UNKNOWN']);
