import { invariant } from '../lib/invariant.ts';
import type { Plan } from '../plan/plan.ts';
import { encodeCut } from '../results/encoding.ts';
import { assembleEngine } from './assemble.ts';
import type { Engine } from './engine/engine.ts';
import type { FromGenerator, ToGenerator } from './protocol.ts';
import type { GeneratorShare } from './schedule/types.ts';
import { warmUp } from './warm-up.ts';

/** The messages of protocol.ts on one side, an engine with real clock and sockets on the other. */
export class GeneratorProcess {
  readonly #send: (message: FromGenerator) => void;
  readonly #warm: (plan: Plan) => Promise<unknown>;
  #engine: Engine | null = null;
  /** A newer `prepare` makes the answers of an older one void. */
  #preparation = 0;

  constructor(send: (message: FromGenerator) => void, warm: (plan: Plan) => Promise<unknown> = warmUp) {
    this.#send = send;
    this.#warm = warm;
  }

  /** Throws on a message out of order, which only a bug of the agent can send. */
  receive(message: ToGenerator): void {
    if (message.kind === 'prepare') {
      void this.#prepare(message.plan, message.seed, message.share);
      return;
    }
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

  async #prepare(plan: Plan, seed: number, share: GeneratorShare): Promise<void> {
    const preparation = ++this.#preparation;
    let step = 'compile the plan';
    let engine: Engine;
    try {
      const assembled = assembleEngine({
        ...{ plan, seed, share },
        started: (lateMs) => this.#send({ kind: 'started', lateMs }),
        emit: (cut) => this.#send({ kind: 'cut', cut: encodeCut(cut) }),
      });
      engine = assembled.engine;
      step = 'resolve host names';
      await assembled.client.prepare();
    } catch (error) {
      if (preparation === this.#preparation) this.#send({ kind: 'prepareFailed', step, message: messageOf(error) });
      return;
    }
    const cold = await this.#warm(plan).then(
      () => null,
      (error: unknown) => messageOf(error),
    );
    if (preparation !== this.#preparation) return;
    this.#engine = engine;
    this.#send({ kind: 'prepared', cold });
  }
}

function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
