import { setTimeout as pause } from 'node:timers/promises';
import type { Random } from '../simulation/random.ts';
import { attempt } from './ask.ts';
import type { Address, Attempt, Request } from './ask.ts';
import type { Call, End, ObjectKind, Operation } from './history.ts';
import type { Lane } from './lanes.ts';

/** Longer than an election, shorter than a fault: a client that waits for one node sees nothing of the others. */
const attemptTimeoutMs = 1_000;
/** After that a client no longer tries to find out. */
const patienceMs = 10_000;
const retryPauseMs = 20;
/** Between two operations of one client, on average: it bounds what a run costs and how long its histories are. */
const thinkMs = 40;

export interface ClientOptions {
  readonly number: number;
  readonly lane: Lane;
  readonly nodes: readonly Address[];
  /** One that repeats gives each write a request id and repeats it elsewhere until it knows the outcome. */
  readonly repeats: boolean;
  readonly random: Random;
  /** Nanoseconds since the start of the run; one clock for all clients, or their times could not be compared. */
  readonly nowNs: () => number;
  readonly record: (operation: Operation) => void;
}

/** Reads and writes the objects of one lane, one operation at a time, each at a node drawn anew. */
export class Client {
  readonly #options: ClientOptions;
  #writes = 0;
  /** The register as this client saw it last, for its next compare-and-set. */
  #seen: { readonly key: string; readonly value: string | null } | null = null;

  constructor(options: ClientOptions) {
    this.#options = options;
  }

  async run(until: () => boolean): Promise<void> {
    const { lane, random } = this.#options;
    while (!until()) {
      const key = lane.next();
      await this.operate(key, this.#draw(key));
      await pause(random.exponential(thinkMs));
    }
  }

  /** Carries out one operation, whatever it takes, and records it. */
  async operate(key: string, call: Call): Promise<End> {
    const { number, lane, nowNs, record } = this.#options;
    const callNs = nowNs();
    const end = await this.#carryOut(lane.kind, key, call);
    if (end.outcome === 'ok' && end.answer.kind === 'value') this.#seen = { key, value: end.answer.value };
    if (end.outcome === 'ok' && end.answer.kind === 'written' && call.op !== 'read')
      this.#seen = { key, value: call.value };
    if (end.outcome === 'unknown' && call.op !== 'read') lane.countUnknown(key);
    record({ client: number, key, kind: lane.kind, call, callNs, end });
    return end;
  }

  #draw(key: string): Call {
    const { lane, number, random } = this.#options;
    if (random.chance(0.5)) return { op: 'read' };
    const value = `${number}.${this.#writes}`;
    if (lane.kind === 'set') {
      // Now and then one that may be in the set already.
      if (random.chance(0.1) && this.#writes > 0) return { op: 'add', value: `${number}.${this.#writes - 1}` };
      this.#writes++;
      return { op: 'add', value };
    }
    this.#writes++;
    if (this.#seen?.key !== key || random.chance(0.5)) return { op: 'write', value };
    return { op: 'compareAndSet', expected: this.#seen.value, value };
  }

  async #carryOut(kind: ObjectKind, key: string, call: Call): Promise<End> {
    const { nodes, random, nowNs, number, repeats } = this.#options;
    const id = repeats ? `${number}#${key}#${this.#writes}#${nowNs()}` : null;
    const what = requestOf(kind, key, call, id);
    const mayRepeat = repeats || call.op === 'read';
    const deadlineNs = nowNs() + patienceMs * 1e6;
    let end: Attempt['outcome'] = 'refused';
    let at = Math.floor(random.next() * nodes.length);
    while (nowNs() < deadlineNs) {
      const result = await attempt(nodes[at % nodes.length]!, what, attemptTimeoutMs);
      if (result.outcome === 'ok') return { ...result, returnNs: nowNs() };
      // Once one attempt may have happened, that another one did not says nothing.
      if (result.outcome === 'unknown') end = 'unknown';
      if (end === 'unknown' && !mayRepeat) break;
      at++;
      await pause(retryPauseMs);
    }
    return { outcome: end === 'unknown' ? 'unknown' : 'refused' };
  }
}

function requestOf(kind: ObjectKind, key: string, call: Call, id: string | null): Request {
  const path = `/${kind === 'register' ? 'keys' : 'sets'}/${key}`;
  const headers: Record<string, string> = id === null ? {} : { 'request-id': id };
  switch (call.op) {
    case 'read':
      return { method: 'GET', path };
    case 'write':
      return { method: 'PUT', path, body: call.value, headers };
    case 'add':
      return { method: 'PUT', path: `${path}/${call.value}`, headers };
    case 'compareAndSet': {
      const body = JSON.stringify({ expected: call.expected, value: call.value });
      return { method: 'POST', path: `${path}/compare-and-set`, body, headers };
    }
  }
}
