import { agentMethods, decodeRunTimeAnswer, encodeRunTimeQuestion } from '../cluster/agent-messages.ts';
import type { StartInstant } from '../cluster/state.ts';
import { TuttiError } from '../lib/errors.ts';
import type { AgentContext } from './context.ts';
import { RunClock, type StartMeasurement } from './run-clock.ts';

/** An answer later than this is too uncertain to start by, and an unreachable node must not hold up the next question. */
const askTimeoutMs = 1_000;
/** 50 ppm are 0.25 ms in that time, less than what a round trip is unsure of. */
const resyncEveryMs = 5_000;

/**
 * How this node comes to know the run time: it converts the start itself if it hears it from the leader that named it, in
 * that leader's term; else it asks a node that knows (the leader first), and keeps asking now and then to slew.
 */
export class RunMapping {
  readonly #context: AgentContext;
  readonly #runId: string;
  #clock: RunClock | null = null;
  #asking = false;
  #turn = 0;
  #askedAtMs = -Infinity;

  constructor(context: AgentContext, runId: string) {
    this.#context = context;
    this.#runId = runId;
  }

  get clock(): RunClock | null {
    return this.#clock;
  }

  /** One step towards a mapping, or towards a better one. Pokes when there is news. */
  reconcile(start: StartInstant): void {
    const { clock, poke } = this.#context;
    if (this.#clock === null) {
      const heard = this.#hear(start);
      if (heard !== null) {
        this.#clock = new RunClock(heard, clock.nowMs());
        poke();
        return;
      }
    }
    const { leaderId, nodeId } = this.#context.consensus.status();
    const isReference = this.#clock !== null && leaderId === nodeId;
    const due = this.#clock === null || clock.nowMs() - this.#askedAtMs >= resyncEveryMs;
    if (!this.#asking && !isReference && due) void this.#ask();
  }

  /** The instant as the leader gave it, which holds as long as that leader is in that office. */
  #hear(start: StartInstant): StartMeasurement | null {
    const { leaderId, nodeId, term } = this.#context.consensus.status();
    // Deposed before its own entry was committed, it is the only one that can still tell the others.
    if (start.leader === nodeId && this.#context.hasLed(start.term)) return { startMs: start.leaderMs, errorMs: 0 };
    if (leaderId !== start.leader || term !== start.term) return null;
    const offset = this.#context.consensus.clockOffset(start.leader);
    return offset === null ? null : { startMs: start.leaderMs - offset.offsetMs, errorMs: offset.errorMs };
  }

  async #ask(): Promise<void> {
    const { clock, log, poke } = this.#context;
    const to = this.#whomToAsk();
    if (to === null) return;
    this.#asking = true;
    this.#askedAtMs = clock.nowMs();
    try {
      const measured = await this.#measure(to);
      const nowMs = clock.nowMs();
      if (this.#clock === null) {
        this.#clock = new RunClock(measured, nowMs);
        poke();
      } else {
        this.#clock.observe(measured, nowMs);
      }
    } catch (thrown) {
      const { code, message } = TuttiError.from(thrown);
      log.debug({ run: this.#runId, peer: to, code, why: message }, 'asked a node for the run time in vain');
    } finally {
      this.#asking = false;
    }
  }

  /** The leader and the others in turn while nothing is known; the leader alone, as the reference, afterwards. */
  #whomToAsk(): string | null {
    const { nodeId, leaderId } = this.#context.consensus.status();
    if (this.#clock !== null) return leaderId === nodeId ? null : leaderId;
    const connected = this.#context.consensus
      .peers()
      .flatMap((peer) => (peer.state === 'connected' && peer.identity !== null ? [peer.identity.nodeId] : []));
    const candidates = [...new Set([...(leaderId === null ? [] : [leaderId]), ...connected])].filter(
      (id) => id !== nodeId,
    );
    return candidates.length === 0 ? null : candidates[this.#turn++ % candidates.length]!;
  }

  async #measure(to: string): Promise<StartMeasurement> {
    const { clock, consensus } = this.#context;
    const sentMs = clock.nowMs();
    const body = await consensus.request(
      to,
      agentMethods.runTime,
      encodeRunTimeQuestion({ runId: this.#runId }),
      askTimeoutMs,
    );
    const receivedMs = clock.nowMs();
    const answer = decodeRunTimeAnswer(body);
    // The stream's own exchange had many samples to choose the quickest from; without one, this round trip must do.
    const offset = consensus.clockOffset(to);
    const halfMs = (receivedMs - sentMs) / 2;
    if (offset !== null && offset.errorMs <= halfMs) {
      return { startMs: answer.nowMs - offset.offsetMs - answer.runMs, errorMs: offset.errorMs + answer.errorMs };
    }
    return { startMs: sentMs + halfMs - answer.runMs, errorMs: halfMs + answer.errorMs };
  }
}
