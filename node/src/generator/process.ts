import { randomUUID } from 'node:crypto';
import { monotonicMs, systemClock } from '../lib/clock.ts';
import { invariant } from '../lib/invariant.ts';
import type { Plan } from '../plan/plan.ts';
import { encodeCut } from '../results/encoding.ts';
import { Engine } from './engine/engine.ts';
import { HttpClient } from './http/client.ts';
import type { FromGenerator, ToGenerator } from './protocol.ts';
import { compileScenarios } from './scenario/compile.ts';
import { seededRandom } from './scenario/random.ts';
import { ScenarioRunner } from './scenario/runner.ts';
import { hash } from './schedule/choose.ts';
import type { GeneratorShare } from './schedule/types.ts';

/** The messages of protocol.ts on one side, an engine with real clock and sockets on the other. */
export class GeneratorProcess {
  readonly #send: (message: FromGenerator) => void;
  #engine: Engine | null = null;
  /** A newer `prepare` makes the answers of an older one void. */
  #preparation = 0;

  constructor(send: (message: FromGenerator) => void) {
    this.#send = send;
  }

  /** Throws on a message out of order, which only a bug of the agent can send. */
  receive(message: ToGenerator): void {
    if (message.kind === 'prepare') return this.#prepare(message.plan, message.seed, message.share);
    const engine = this.#engine;
    invariant(engine !== null, `"${message.kind}" came before the plan was prepared`);
    switch (message.kind) {
      case 'start':
        return engine.start(message.startMs);
      case 'horizon':
        return engine.extendHorizon(message.horizonMs);
      case 'tables':
        return engine.setTables(message.tables);
      case 'drain':
        return engine.drain(message.atMs, message.deadlineMs);
    }
  }

  #prepare(plan: Plan, seed: number, share: GeneratorShare): void {
    const preparation = ++this.#preparation;
    const client = new HttpClient(plan, monotonicMs);
    let engine: Engine;
    try {
      engine = this.#compile(plan, seed, share, client);
    } catch (error) {
      this.#send({ kind: 'prepareFailed', step: 'compile the plan', message: messageOf(error) });
      return;
    }
    client.resolveAll().then(
      () => {
        if (preparation !== this.#preparation) return;
        this.#engine = engine;
        this.#send({ kind: 'prepared' });
      },
      (error: unknown) => {
        if (preparation !== this.#preparation) return;
        this.#send({ kind: 'prepareFailed', step: 'resolve host names', message: messageOf(error) });
      },
    );
  }

  #compile(plan: Plan, seed: number, share: GeneratorShare, client: HttpClient): Engine {
    const scenarios = compileScenarios(plan, (url, dynamic) => client.origin(url, dynamic));
    // Think times and payloads differ between generators; which scenario an arrival runs does not (schedule/choose.ts).
    const random = seededRandom(hash(seed, hashText(share.node) + share.index));
    const sources = { unixMs: () => Date.now(), uuid: () => randomUUID() };
    return new Engine({
      clock: systemClock,
      plan,
      seed,
      share,
      started: (lateMs) => this.#send({ kind: 'started', lateMs }),
      emit: (cut) => this.#send({ kind: 'cut', cut: encodeCut(cut) }),
      runnerFor: (host, measurements) =>
        new ScenarioRunner({ scenarios, client, random, sources, nowMs: monotonicMs, measurements }, host),
    });
  }
}

function hashText(text: string): number {
  let mixed = 0;
  for (let at = 0; at < text.length; at++) mixed = hash(mixed, text.charCodeAt(at));
  return mixed;
}

function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
