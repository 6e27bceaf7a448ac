import {
  agentMethods,
  decodeRunTimeQuestion,
  encodeRunTimeAnswer,
  type RunTimeAnswer,
} from '../cluster/agent-messages.ts';
import { slotOf, type Run } from '../cluster/state.ts';
import { isOver } from '../cluster/transitions.ts';
import { TuttiError } from '../lib/errors.ts';
import type { AgentContext } from './context.ts';
import { LocalRun } from './local-run.ts';

/** Retries and resends are due in steps of this; state changes are looked at when they come. */
const lookEveryMs = 250;

/**
 * A node that ends waits so long for the cluster to take its stripe over (within a horizon), and what it measured. Whoever stops
 * it loses patience soon after.
 */
const endPatienceMs = 4_500;

/** The part of every node that carries out the run locally, whoever leads. */
export interface Agent {
  /** The run time on this node's clock; null while it has no mapping (or there is no such run here). */
  runMs(runId: string): number | null;
  /**
   * Of a process that is to end: gives its stripe back, fires it up to where the others take over, and hands in what it measured.
   * Resolves when the cluster has it all, or will not have it in time.
   */
  end(): Promise<void>;
  close(): Promise<void>;
}

type AgentOptions = Omit<AgentContext, 'poke' | 'hasLed'>;

/** Watches the replicated state and carries out what it says about this node (design, "The way of a plan" 3 to 5). */
export function createAgent(options: AgentOptions): Agent {
  return new StateFollowingAgent(options);
}

class StateFollowingAgent implements Agent {
  readonly #context: AgentContext;
  readonly #unsubscribe: () => void;
  readonly #closing = new Set<Promise<void>>();
  #local: LocalRun | null = null;
  /** A number for each time this process was elected. */
  readonly #ledTerms = new Set<number>();
  #isPoked = false;
  #isClosed = false;
  /** Set while this process ends. */
  #onHandedIn: (() => void) | null = null;
  #isEnding = false;
  /** The consensus is at its end: nobody will hear of anything. */
  #isFatal = false;
  #cancelLook: (() => void) | null = null;

  constructor(options: AgentOptions) {
    this.#context = { ...options, hasLed: (term) => this.#ledTerms.has(term), poke: () => this.#poke() };
    options.consensus.handle(agentMethods.runTime, (body) => this.#answerRunTime(body));
    this.#unsubscribe = options.consensus.subscribe((event) => {
      if (event.kind === 'leadershipGained') this.#ledTerms.add(event.term);
      if (event.kind === 'fatal') this.#isFatal = true;
      this.#poke();
    });
    this.#poke();
  }

  runMs(runId: string): number | null {
    if (this.#local?.runId !== runId) return null;
    return this.#local.mapping.clock?.runMs(this.#context.clock.nowMs()) ?? null;
  }

  async end(): Promise<void> {
    this.#isEnding = true;
    if (this.#local?.end() !== true || this.#isFatal) return;
    const { clock, log } = this.#context;
    const { runId } = this.#local;
    log.info({ run: runId }, 'hands its part of the run over before it ends');
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const cancel = clock.at(clock.nowMs() + endPatienceMs, () => {
      log.warn({ run: runId }, 'ends though the cluster does not have all it measured');
      resolve(undefined);
    });
    this.#onHandedIn = () => resolve(undefined);
    this.#poke();
    await promise;
    cancel();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#unsubscribe();
    this.#cancelLook?.();
    this.#retire();
    await Promise.all(this.#closing);
  }

  /** Once per turn of the loop, however many entries were applied in it: a long replay is looked at as a whole. */
  #poke(): void {
    if (this.#isPoked || this.#isClosed) return;
    this.#isPoked = true;
    queueMicrotask(() => {
      this.#isPoked = false;
      if (!this.#isClosed) this.#look();
    });
  }

  #look(): void {
    const { run } = this.#context.state();
    if (run === null || isOver(run.phase) || this.#local?.runId !== run.id) this.#retire();
    if (run !== null && !isOver(run.phase)) {
      if (this.#local === null && !this.#isEnding && this.#concernsUs(run))
        this.#local = new LocalRun(this.#context, run.id);
      this.#local?.reconcile(run);
    }
    if (run === null || this.#isFatal || this.#local?.isHandedIn(run) !== false) this.#onHandedIn?.();
    this.#cancelLook?.();
    this.#cancelLook = null;
    if (this.#local === null) return;
    const { clock } = this.#context;
    this.#cancelLook = clock.at(clock.nowMs() + lookEveryMs, () => this.#poke());
  }

  /** Expected from the start, or late: a run is on that this process has no part in yet, and a leader says so. */
  #concernsUs(run: Run): boolean {
    const slot = slotOf(this.#context.self);
    if (run.phase.name === 'preparing' || run.phase.name === 'ready') {
      return run.expected.some((agent) => slotOf(agent) === slot);
    }
    const { leaderId, appliedIndex, commitIndex } = this.#context.consensus.status();
    return run.phase.name !== 'draining' && leaderId !== null && appliedIndex === commitIndex;
  }

  #retire(): void {
    if (this.#local === null) return;
    const { runId } = this.#local;
    const closing: Promise<void> = this.#local.close().then(
      () => void this.#closing.delete(closing),
      (thrown: unknown) => {
        this.#closing.delete(closing);
        const { message } = TuttiError.from(thrown);
        this.#context.log.error({ run: runId, why: message }, 'generators did not end in order');
      },
    );
    this.#closing.add(closing);
    this.#local = null;
  }

  async #answerRunTime(body: Uint8Array): Promise<Uint8Array> {
    const { runId } = await Promise.resolve(body).then(decodeRunTimeQuestion);
    const nowMs = this.#context.clock.nowMs();
    const runClock = this.#local?.runId === runId ? this.#local.mapping.clock : null;
    if (runClock === null) throw new TuttiError('RUN_NOT_FOUND', `this node does not know the run time of ${runId}`);
    const answer: RunTimeAnswer = { nowMs, runMs: runClock.runMs(nowMs), errorMs: runClock.errorMs(nowMs) };
    return encodeRunTimeAnswer(answer);
  }
}
