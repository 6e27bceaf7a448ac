import { randomUUID } from 'node:crypto';
import type { CommandResult } from '../cluster/commands.ts';
import type { ClusterState, SourceDecision } from '../cluster/state.ts';
import type { Consensus } from '../consensus/consensus.ts';
import { checkPlan } from '../coordinator/leader-runs.ts';
import { whenComplete } from '../coordinator/roll-call.ts';
import type { Reloaded, RunService } from '../coordinator/service.ts';
import type { Clock } from '../lib/clock.ts';
import { TuttiError } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import type { PlanSource, SourcedPlan } from '../source/source.ts';
import type { PlanDelivery, PlanProblem } from './plan-delivery.ts';

/** The service has looked for a leader for ten seconds by then; there is no hurry. */
const tryAgainAfterMs = 1_000;

export interface FilePlanOptions {
  readonly source: PlanSource;
  /** The file as it was at the start of this node, judged already. */
  readonly plan: SourcedPlan;
  readonly consensus: Pick<Consensus<CommandResult>, 'subscribe' | 'peers' | 'status'>;
  readonly runs: Pick<RunService, 'submit'>;
  readonly state: () => ClusterState;
  readonly clock: Clock;
  /** How long the node waits for the whole list, once a leader is known, before it goes on with the members that are there. */
  readonly waitForMembersMs: number;
  readonly log: Log;
}

/** A plan that is missing or wrong is as bad as any other setting: SETTINGS_INVALID or PLAN_INVALID. */
export async function readPlan(source: PlanSource): Promise<SourcedPlan> {
  const plan = await source.fetch(new AbortController().signal);
  checkPlan(plan.text, source.name);
  return plan;
}

/**
 * CLUSTER_CONFIG_SOURCE=file: each node gives its plan once, at its own start, as soon as a leader is known and every listed
 * member is connected or the wait is over. What the cluster answers stands for that content (ADR 83), so neither an election
 * nor the end of another run begins load that nobody asked for just then.
 */
export function submitFromFile(options: FilePlanOptions): PlanDelivery {
  return new SubmittedFile(options);
}

class SubmittedFile implements PlanDelivery {
  readonly #options: FilePlanOptions;
  readonly #source: string;
  /** As it was at the start of this node, or at the last reload. */
  #plan: SourcedPlan;
  #stop: () => void = () => undefined;
  #closed = false;
  /** Why it is not settled yet, or never will be by itself. */
  #failure: string | null = null;

  constructor(options: FilePlanOptions) {
    this.#options = options;
    this.#plan = options.plan;
    this.#source = `file of ${options.consensus.status().nodeId}`;
    this.#stop = options.consensus.subscribe(() => this.#begin());
    this.#begin();
  }

  problem(): PlanProblem | null {
    const address = this.#options.source.name;
    const refusal = this.#decision()?.refusal ?? null;
    if (refusal !== null) return { address, reason: notRun(refusal) };
    return this.#failure === null ? null : { address, reason: this.#failure };
  }

  async reload(asker?: AbortSignal): Promise<Reloaded> {
    const { runs, source } = this.#options;
    this.#plan = await readPlan(source);
    this.#stop();
    const { submissionId, text: planText } = this.#plan;
    // One that was refused gets no other answer under its own id; here a person asks for it.
    const isRefused = this.#decision()?.runId === null;
    const submission = isRefused
      ? { planText, submissionId: `${submissionId}+${randomUUID()}`, fileName: source.name }
      : { planText, submissionId, fileName: source.name, source: this.#source };
    const submitted = await runs.submit(submission, asker);
    this.#failure = null;
    return { ...submitted, waitsFor: null, changed: false };
  }

  close(): void {
    this.#closed = true;
    this.#stop();
  }

  #decision(): SourceDecision | undefined {
    return this.#options
      .state()
      .sources.find(({ source, submissionId }) => source === this.#source && submissionId === this.#plan.submissionId);
  }

  /** Asked anew: it may have been closed while something was awaited. */
  #isClosed(): boolean {
    return this.#closed;
  }

  #begin(): void {
    const { clock, consensus, waitForMembersMs } = this.#options;
    if (this.#isClosed() || consensus.status().leaderId === null) return;
    this.#stop();
    this.#stop = whenComplete(consensus, clock, clock.nowMs() + waitForMembersMs, () => void this.#submit());
  }

  async #submit(): Promise<void> {
    if (this.#isClosed()) return;
    const { clock, log, runs, source } = this.#options;
    const path = source.name;
    const { submissionId, text: planText } = this.#plan;
    try {
      const { runId, created } = await runs.submit({ planText, submissionId, source: this.#source, fileName: path });
      this.#failure = null;
      log.info({ path, run: runId }, created ? 'the plan file was submitted' : 'the plan file is this run already');
    } catch (thrown) {
      const { code, isRetryable, message } = TuttiError.from(thrown);
      const isOpen = code !== 'RUN_IN_PROGRESS' && (isRetryable || code === 'OUTCOME_UNKNOWN');
      const reason = isOpen ? `the plan in this file could not be submitted yet: ${message}` : notRun(message);
      if (reason !== this.#failure && !this.#isClosed()) log.error({ path, code }, `${path}: ${reason}`);
      // Of what the cluster has decided, its replicated state tells.
      this.#failure = code === 'RUN_IN_PROGRESS' ? null : reason;
      if (isOpen && !this.#isClosed()) {
        this.#stop = clock.at(clock.nowMs() + tryAgainAfterMs, () => void this.#submit());
      }
    }
  }
}

function notRun(why: string): string {
  return `the plan in this file was not run, and will not be by itself: ${why}. Submit it (POST /config), or ask for it at this node (tutti reload)`;
}
