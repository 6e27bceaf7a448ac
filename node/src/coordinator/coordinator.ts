import { agentMethods, decodeAcknowledge, decodeInterval } from '../cluster/agent-messages.ts';
import { encodeCommand } from '../cluster/codec.ts';
import type { CommandBody, CommandResult } from '../cluster/commands.ts';
import { slotOf, type AgentRef, type ClusterState } from '../cluster/state.ts';
import { isOver } from '../cluster/transitions.ts';
import type { Consensus } from '../consensus/consensus.ts';
import type { Clock } from '../lib/clock.ts';
import { TuttiError } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import { sameShape } from '../results/encoding.ts';
import { readySlots, type LeaderContext } from './context.ts';
import { Office } from './office.ts';
import { Presence } from './presence.ts';
import { memberNames, whenComplete } from './roll-call.ts';
import { horizonLengthMs, membersPatienceMs } from './timings.ts';

export interface CoordinatorOptions {
  readonly consensus: Consensus<CommandResult>;
  readonly self: AgentRef;
  readonly state: () => ClusterState;
  /** The run time as this node's agent knows it. */
  readonly runMs: (runId: string) => number | null;
  readonly clock: Clock;
  /** Wall clock, for labels. */
  readonly unixMs: () => number;
  readonly log: Log;
  /** All attempts at preparing a run together. */
  readonly configTimeoutMs: number;
  readonly electionTimeoutMaxMs: () => number;
  /** An error that is a bug of ours: the process must end. */
  readonly onBug: (error: unknown) => void;
}

/** On every node: opens an office while this one leads, and answers the agents that report to it. */
export class Coordinator {
  readonly #options: CoordinatorOptions;
  readonly #presence: Presence;
  readonly #unsubscribe: () => void;
  #office: Office | null = null;

  constructor(options: CoordinatorOptions) {
    this.#options = options;
    const { clock, consensus, self } = options;
    this.#presence = new Presence(consensus, self, clock);
    consensus.handle(agentMethods.acknowledge, (body) => this.#acknowledge(body));
    consensus.handle(agentMethods.interval, (body) => this.#takeInterval(body));
    this.#unsubscribe = consensus.subscribe(() => this.#follow());
    this.#follow();
  }

  /** Of the leader; null on any other node. */
  get leading(): LeaderContext | null {
    this.#follow();
    return this.#office?.context ?? null;
  }

  get presence(): Presence {
    return this.#presence;
  }

  close(): void {
    this.#unsubscribe();
    this.#presence.close();
    this.#office?.close();
    this.#office = null;
  }

  /** Level-triggered: what counts is whether this node leads now and in which term, not which events came. */
  #follow(): void {
    const { leading, term } = this.#options.consensus.status();
    if (this.#office !== null && (!leading || this.#office.context.term !== term)) {
      this.#office.close();
      this.#office = null;
    }
    if (leading && this.#office === null) {
      this.#office = new Office(this.#contextOf(term), this.#options.onBug);
      return;
    }
    this.#office?.poke();
  }

  #contextOf(term: number): LeaderContext {
    const { clock, configTimeoutMs, consensus, electionTimeoutMaxMs, log, runMs, self, state, unixMs } = this.#options;
    let tail: Promise<unknown> = Promise.resolve();
    const completeByMs = clock.nowMs() + membersPatienceMs;
    return {
      self,
      term,
      state,
      presence: this.#presence,
      members: () => {
        const members = memberNames(consensus.status());
        return this.#presence.connected().filter(({ node }) => node === self.node || members.includes(node));
      },
      untilComplete: () => new Promise((resolve) => void whenComplete(consensus, clock, completeByMs, resolve)),
      propose: async (body: CommandBody) => (await consensus.propose(encodeCommand({ term, ...body }))).result,
      exclusively: (step) => {
        const turn = tail.then(step);
        tail = turn.catch(() => undefined);
        return turn;
      },
      runMs,
      slowestRoundTripMs: () =>
        Math.max(0, ...this.#presence.connected().map(({ node }) => consensus.clockOffset(node)?.roundTripMs ?? 0)),
      clock,
      unixMs,
      log,
      configTimeoutMs,
      horizonLengthMs: horizonLengthMs(electionTimeoutMaxMs()),
    };
  }

  #officeOrRefuse(): Office {
    this.#follow();
    if (this.#office !== null) return this.#office;
    const { leaderId } = this.#options.consensus.status();
    throw new TuttiError('NOT_LEADER', `this node does not lead; the leader is ${leaderId ?? 'not known yet'}`);
  }

  async #acknowledge(body: Uint8Array): Promise<Uint8Array> {
    const { runId, acknowledgement } = await Promise.resolve(body).then(decodeAcknowledge);
    const { context } = this.#officeOrRefuse();
    const result = await context.propose({ kind: 'acknowledge', runId, acknowledgement });
    if (!result.ok) throw new TuttiError(result.code, result.message);
    return new Uint8Array();
  }

  async #takeInterval(body: Uint8Array): Promise<Uint8Array> {
    const message = await Promise.resolve(body).then(decodeInterval);
    const office = this.#officeOrRefuse();
    const { run } = this.#options.state();
    if (run?.id !== message.runId || isOver(run.phase)) {
      throw new TuttiError('RUN_NOT_FOUND', `run ${message.runId} is not on`);
    }
    const slot = slotOf(message.agent);
    // One interval that the reducer refuses would block everybody's batch: it is refused here, to the one who sent it.
    if (!readySlots(run).includes(slot)) throw new TuttiError('STALE_COMMAND', `${slot} has not acknowledged the run`);
    if (!message.cuts.every((cut) => sameShape(cut.measurements, run.plan))) {
      throw new TuttiError('INTERNAL', `the measurements of ${slot} do not have the shape of the plan`);
    }
    if (!office.collector.take(message, this.#options.clock.nowMs())) {
      throw new TuttiError('BUSY', 'too many intervals of this node wait to be counted');
    }
    office.poke();
    return new Uint8Array();
  }
}
