import { agentMethods, encodeInterval } from '../cluster/agent-messages.ts';
import type { StartQuality } from '../cluster/state.ts';
import { TuttiError } from '../lib/errors.ts';
import type { EncodedCut } from '../results/measurements.ts';
import type { AgentContext } from './context.ts';
import { Outbox } from './outbox.ts';

/** Sent, taken and still not in the state: the leader may have lost it, or its batch. */
const resendAfterMs = 1_000;
/** After a refusal (no leader yet, busy): long enough not to hammer, short beside the second between two intervals. */
const retryAfterMs = 200;
/** A leader answers at once; a silent one must not hold up the resend to its successor. */
const sendTimeoutMs = 2_000;

/** Brings the intervals of one run to whoever leads, until the replicated state shows them. */
export class IntervalSender {
  readonly outbox = new Outbox();
  readonly #context: AgentContext;
  readonly #runId: string;
  #sending = false;
  #sentTo: string | null = null;
  #sentUpTo = -1;
  #sentDead = false;
  /** The office that has taken the word that this agent will fire no more. */
  #knownDeadBy: string | null = null;
  #nextSendMs = -Infinity;

  constructor(context: AgentContext, runId: string) {
    this.#context = context;
    this.#runId = runId;
  }

  add(cut: EncodedCut): void {
    this.outbox.add(cut);
  }

  /**
   * One message under way at most: it holds the oldest intervals, so nothing is gained by more. An agent that can no longer
   * fire, or ends, says so once to each leader even with no interval to send, or its stripe would stay unfired to the end of the run.
   */
  reconcile(start: StartQuality | null, generators: number, isEnding: boolean): void {
    const head = this.outbox.head();
    const { leaderId, term } = this.#context.consensus.status();
    if (leaderId === null || this.#sending) return;
    const office = `${leaderId} in term ${term}`;
    const isDead = generators === 0 || isEnding;
    if (head === null && !(isDead && this.#knownDeadBy !== office)) return;
    const last = head?.last ?? this.#sentUpTo;
    const isNews = last > this.#sentUpTo || office !== this.#sentTo || isDead !== this.#sentDead;
    if (!isNews && this.#context.clock.nowMs() < this.#nextSendMs) return;
    const message = { runId: this.#runId, agent: this.#context.self, start, generators, isEnding };
    this.#sentDead = isDead;
    void this.#send(leaderId, office, encodeInterval(message, head?.texts ?? []), last);
  }

  async #send(leaderId: string, office: string, body: Uint8Array, last: number): Promise<void> {
    const { clock, consensus, log } = this.#context;
    const isDead = this.#sentDead;
    this.#sending = true;
    this.#sentTo = office;
    this.#sentUpTo = last;
    try {
      await consensus.request(leaderId, agentMethods.interval, body, sendTimeoutMs);
      this.#nextSendMs = clock.nowMs() + resendAfterMs;
      if (isDead) this.#knownDeadBy = office;
    } catch (thrown) {
      const { code, message } = TuttiError.from(thrown);
      log.debug({ run: this.#runId, leader: leaderId, code, why: message }, 'an interval was not taken; it is kept');
      this.#nextSendMs = clock.nowMs() + retryAfterMs;
    } finally {
      this.#sending = false;
    }
  }
}
