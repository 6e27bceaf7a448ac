import { agentMethods, encodeAcknowledge } from '../cluster/agent-messages.ts';
import { slotOf, type Run } from '../cluster/state.ts';
import { TuttiError } from '../lib/errors.ts';
import type { AgentContext } from './context.ts';
import { seedOf, type Generators, type GeneratorsListener, type PrepareOutcome } from './generators.ts';

/** The leader commits an acknowledgement within a round trip or two; past this it, or the answer, was lost. */
const acknowledgeAgainAfterMs = 500;
const acknowledgeTimeoutMs = 2_000;

/** Has the generators made ready for a run, again for each attempt that follows a failed one, and tells the leader how it went. */
export class Preparation {
  readonly #context: AgentContext;
  readonly #listener: GeneratorsListener;
  /** Of the latest attempt. */
  generators: Generators | null = null;
  #isUnderWay = false;
  #outcome: PrepareOutcome | null = null;
  #attempt = 0;
  #isAcknowledging = false;
  #acknowledgedAtMs = -Infinity;
  #isClosed = false;

  constructor(context: AgentContext, listener: GeneratorsListener) {
    this.#context = context;
    this.#listener = listener;
  }

  get isReady(): boolean {
    return this.#outcome?.ok === true;
  }

  prepare(run: Run): void {
    const failedBefore = this.#outcome?.ok === false && this.#attempt < run.attempt;
    if (this.#isUnderWay || (this.#outcome !== null && !failedBefore) || run.phase.name === 'draining') return;
    const { createGenerators, log, poke, prepareTimeoutMs, self, warmUp } = this.#context;
    this.#isUnderWay = true;
    this.#attempt = run.attempt;
    this.#outcome = null;
    const job = { plan: run.plan, seed: seedOf(run.id), slot: slotOf(self), prepareTimeoutMs };
    this.generators = createGenerators(job, this.#listener);
    void Promise.all([this.generators.prepare(), warmUp(run.plan)]).then(([outcome]) => {
      // That it did not come about is what was ordered, and nobody asks any more.
      if (this.#isClosed) return;
      this.#isUnderWay = false;
      this.#outcome = outcome;
      if (outcome.ok) log.info({ run: run.id, generators: outcome.generators }, 'prepared the run');
      else log.warn({ run: run.id, step: outcome.step, why: outcome.message }, 'could not prepare the run');
      poke();
    });
  }

  /** Ends the generators, ready or not. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.generators?.close();
  }

  acknowledge(run: Run): void {
    const { clock, consensus, log, self } = this.#context;
    const leaderId = consensus.status().leaderId;
    if (this.#outcome === null || leaderId === null || this.#isAcknowledging || run.phase.name === 'draining') return;
    if (!this.#outcome.ok && this.#attempt !== run.attempt) return;
    const isKnown = run.acknowledgements.some((each) => slotOf(each.agent) === slotOf(self));
    if (isKnown || clock.nowMs() - this.#acknowledgedAtMs < acknowledgeAgainAfterMs) return;
    const acknowledgement = { agent: self, attempt: run.attempt, outcome: this.#outcome };
    this.#isAcknowledging = true;
    this.#acknowledgedAtMs = clock.nowMs();
    const body = encodeAcknowledge({ runId: run.id, acknowledgement });
    consensus
      .request(leaderId, agentMethods.acknowledge, body, acknowledgeTimeoutMs)
      .catch((thrown: unknown) => {
        const { code, message } = TuttiError.from(thrown);
        log.debug({ run: run.id, leader: leaderId, code, why: message }, 'not acknowledged yet; trying again');
      })
      .finally(() => (this.#isAcknowledging = false));
  }
}
