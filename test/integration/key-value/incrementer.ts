import { setTimeout as pause } from 'node:timers/promises';
import type { KeyValueNode, Reply } from './node.ts';

/** Between two attempts of one client while there is no leader: an election takes some 20 of them. */
const retryPauseMs = 10;

/** What became of one increment, as its client knows it. */
export interface Increment {
  readonly token: string;
  readonly register: string;
  readonly fate: 'acknowledged' | 'unknown';
}

/** `refused`: nobody was there to take the request. `lost`: it was sent, and the connection ended without an answer. */
type Attempt = Reply | 'refused' | 'lost';

/**
 * A client that appends tokens to a register, by reading it and comparing-and-setting it. A register so holds the history of
 * all increments that took effect: a token that stands in it twice was executed twice, one that is missing was not.
 */
export class Incrementer {
  readonly increments: Increment[] = [];
  readonly register: string;
  readonly #name: string;
  readonly #nodes: readonly KeyValueNode[];
  readonly #repeats: boolean;
  #at: number;
  #attempts = 0;

  /** One that `repeats` gives each write a request id, and repeats it until it knows the outcome. */
  constructor(options: {
    readonly name: string;
    readonly register: string;
    readonly nodes: readonly KeyValueNode[];
    readonly firstNode: number;
    readonly repeats: boolean;
  }) {
    this.#name = options.name;
    this.register = options.register;
    this.#nodes = options.nodes;
    this.#at = options.firstNode;
    this.#repeats = options.repeats;
  }

  get acknowledged(): readonly string[] {
    return this.increments.filter(({ fate }) => fate === 'acknowledged').map(({ token }) => token);
  }

  async run(until: () => boolean): Promise<void> {
    while (!until()) {
      const token = `${this.#name}.${this.increments.length}`;
      this.increments.push({ token, register: this.register, fate: await this.#increment(token) });
    }
  }

  async #increment(token: string): Promise<Increment['fate']> {
    for (;;) {
      const current = await this.#read();
      const value = current === null ? token : `${current} ${token}`;
      const outcome = await this.#compareAndSet(JSON.stringify({ expected: current, value }));
      if (outcome !== 'mismatch') return outcome;
    }
  }

  async #read(): Promise<string | null> {
    for (;;) {
      const attempt = await this.#ask('GET', `/keys/${this.register}`);
      if (typeof attempt === 'object' && attempt.status === 200) return attempt.body.value as string;
      if (typeof attempt === 'object' && attempt.status === 404) return null;
    }
  }

  async #compareAndSet(body: string): Promise<Increment['fate'] | 'mismatch'> {
    const headers: Record<string, string> = { 'content-type': 'application/json' };
    if (this.#repeats) headers['request-id'] = `${this.#name}#${this.#attempts++}`;
    for (;;) {
      const attempt = await this.#ask('POST', `/keys/${this.register}/compare-and-set`, body, headers);
      const status = typeof attempt === 'object' ? attempt.status : null;
      if (status === 200) return 'acknowledged';
      if (status === 409) return 'mismatch';
      // 503 and a refused connection mean that nothing happened: there is no harm in another attempt.
      const isUnknown = attempt === 'lost' || status === 504;
      if (isUnknown && !this.#repeats) return 'unknown';
      if (!isUnknown && status !== 503 && status !== null) throw new Error(`unexpected: ${JSON.stringify(attempt)}`);
    }
  }

  async #ask(method: string, path: string, body?: string, headers?: Record<string, string>): Promise<Attempt> {
    const attempt = await this.#nodes[this.#at % this.#nodes.length]!.ask(method, path, body, headers).catch(whyNot);
    if (typeof attempt === 'object' && attempt.status < 500) return attempt;
    // Clients are given all nodes: after a failure the next one is asked.
    this.#at++;
    await pause(retryPauseMs);
    return attempt;
  }
}

function whyNot(error: unknown): 'refused' | 'lost' {
  return (error as { cause?: { code?: string } }).cause?.code === 'ECONNREFUSED' ? 'refused' : 'lost';
}
