import { problemOfSource } from '../cluster/sources.ts';
import type { CommandResult } from '../cluster/commands.ts';
import type { ClusterState } from '../cluster/state.ts';
import type { Consensus } from '../consensus/consensus.ts';
import type { LeaderCall } from '../coordinator/leader-calls.ts';
import { whenComplete } from '../coordinator/roll-call.ts';
import type { Reloaded } from '../coordinator/service.ts';
import type { Clock } from '../lib/clock.ts';
import { TuttiError } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import type { NodeRuntime } from '../runtime/node-runtime.ts';
import type { PlanSource } from '../source/source.ts';
import type { PlanDelivery, PlanProblem } from './plan-delivery.ts';
import { SourceOffice } from './source-office.ts';

/** Reading the source, and a new leader's wait for missing members. */
const reloadTimeoutMs = 10_000;

export interface SharedPlanOptions {
  readonly source: PlanSource;
  readonly consensus: Pick<Consensus<CommandResult>, 'subscribe' | 'peers' | 'status'>;
  readonly runtime: Pick<NodeRuntime, 'leading' | 'calls'>;
  readonly state: () => ClusterState;
  readonly newRunId: () => string;
  readonly clock: Clock;
  readonly random: () => number;
  /**
   * CLUSTER_CONFIG_TIMEOUT_SECS: how long a leader waits for the whole list before it goes on with the members that are there,
   * and how long a node that is given no plan keeps quiet about it.
   */
  readonly patienceMs: number;
  /** CLUSTER_ON_RELOAD. */
  readonly onReload: 'refuse' | 'next';
  /** Null: retry. */
  readonly onConfigError: ((error: TuttiError) => void) | null;
  readonly log: Log;
}

/** The plan of a source that all nodes share, on every node: while this one leads it reads the source, else it waits (ADR 90). */
export function createSharedPlan(options: SharedPlanOptions): PlanDelivery {
  return new SharedPlan(options);
}

class SharedPlan implements PlanDelivery {
  readonly #options: SharedPlanOptions;
  readonly #reload: LeaderCall<object, Reloaded>;
  readonly #unsubscribe: () => void;
  #office: SourceOffice | null = null;
  #cancelWait: (() => void) | null = null;

  constructor(options: SharedPlanOptions) {
    this.#options = options;
    this.#reload = {
      method: 'source.reload',
      forwardTimeoutMs: reloadTimeoutMs,
      local: () => this.#asLeader().reload(),
    };
    options.runtime.calls.register(this.#reload);
    this.#unsubscribe = options.consensus.subscribe(() => this.#follow());
    this.#follow();
  }

  problem(): PlanProblem | null {
    const { source, state } = this.#options;
    const reason = problemOfSource(state(), source.kind);
    return reason === null ? null : { address: source.name, reason };
  }

  reload(asker?: AbortSignal): Promise<Reloaded> {
    return this.#options.runtime.calls.call(this.#reload, {}, asker);
  }

  close(): void {
    this.#unsubscribe();
    this.#office?.close();
    this.#office = null;
    this.#cancelWait?.();
  }

  /** Level-triggered, like the coordinator: what counts is whether this node leads now, and in which term. */
  #follow(): void {
    const context = this.#options.runtime.leading();
    if (this.#office !== null && this.#office.context !== context) {
      this.#office.close();
      this.#office = null;
    }
    if (context !== null && this.#office === null) {
      const { clock, consensus, patienceMs } = this.#options;
      const completeByMs = clock.nowMs() + patienceMs;
      this.#office = new SourceOffice({
        ...this.#options,
        context,
        untilComplete: () =>
          new Promise((resolve) => void whenComplete(consensus, clock, completeByMs, () => resolve())),
      });
    }
    this.#office?.poke();
    this.#watchForPlan();
  }

  #asLeader(): SourceOffice {
    this.#follow();
    if (this.#office === null) throw new TuttiError('NOT_LEADER', 'this node does not lead (any more)');
    return this.#office;
  }

  /** A follower that has a leader and is given no plan says so once, with the reason where there is one. */
  #watchForPlan(): void {
    const { clock, consensus, patienceMs, state } = this.#options;
    const { leaderId, nodeId } = consensus.status();
    const isWaiting = leaderId !== null && leaderId !== nodeId && state().run === null && state().sources.length === 0;
    if (!isWaiting) {
      this.#cancelWait?.();
      this.#cancelWait = null;
      return;
    }
    this.#cancelWait ??= clock.at(clock.nowMs() + patienceMs, () => this.#warn());
  }

  #warn(): void {
    const { consensus, log, patienceMs, source, state } = this.#options;
    const leader = consensus.status().leaderId ?? 'nobody';
    const why = problemOfSource(state(), source.kind) ?? 'it has not said why';
    log.warn(
      { leader, source: source.name },
      `the leader ${leader} has given this node no plan for ${Math.round(patienceMs / 1000)} s: ${why}`,
    );
  }
}
