import { randomUUID } from 'node:crypto';
import type { SourceDecision } from '../cluster/state.ts';
import { isOver } from '../cluster/transitions.ts';
import type { LeaderContext } from '../coordinator/context.ts';
import { checkPlan, submitAsLeader } from '../coordinator/leader-runs.ts';
import type { Reloaded } from '../coordinator/service.ts';
import { backoffMs } from '../lib/backoff.ts';
import { type ErrorCode, TuttiError } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import type { PlanSource, SourcedPlan } from '../source/source.ts';

/** A proposal that did not go through for a moment's reason; there is no hurry. */
const proposeAgainAfterMs = 1_000;

export interface SourceOfficeOptions {
  readonly source: PlanSource;
  readonly context: LeaderContext;
  /** Resolves once no member is missing, or it was waited for them long enough. */
  readonly untilComplete: () => Promise<void>;
  readonly newRunId: () => string;
  /** CLUSTER_ON_RELOAD: what becomes of a plan that comes while a run is on. */
  readonly onReload: 'refuse' | 'next';
  /** In [0, 1). */
  readonly random: () => number;
  /** CLUSTER_ON_CONFIG_ERROR=exit: the process is to end with this. Null: what failed is tried again. */
  readonly onConfigError: ((error: TuttiError) => void) | null;
  readonly log: Log;
}

const noLongerLeads = (): TuttiError => new TuttiError('NOT_LEADER', 'this node does not lead (any more)');

/** What is wrong with the source or its plan, and not with this moment of the cluster. */
const configErrors: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['SOURCE_FAILED', 'CONSUL_FAILED', 'PLAN_INVALID']);

/**
 * The source that all nodes share, in one term of office: reads it, submits what it holds, and follows its changes (ADR 90). It
 * holds nothing a successor would need: which plan became which run, and what is wrong, is in the replicated state.
 */
export class SourceOffice {
  readonly #options: SourceOfficeOptions;
  readonly #closed = new AbortController();
  /** Attempts, one at a time: by the clock, by a change of the source, by a person. */
  #turn: Promise<unknown> = Promise.resolve();
  #failures = 0;
  /** Waits for the run that is on to end. */
  #waiting: SourcedPlan | null = null;
  #cancelRetry: () => void = () => undefined;
  #endWatch: () => void = () => undefined;

  /** A plan of this source that the cluster has decided about is not read again: not by a new leader either. */
  constructor(options: SourceOfficeOptions) {
    this.#options = options;
    const { watch } = options.source;
    if (watch !== null) {
      this.#endWatch = watch(this.#decision()?.submissionId ?? null, {
        onPlan: (plan) => void this.#attempt(() => Promise.resolve(plan)),
        onFailure: (error) => void this.#attempt(() => Promise.reject(error)),
      });
    } else if (this.#decision() === undefined || options.context.state().sourceProblem?.isWaiting === true) {
      this.#fetch();
    }
  }

  get context(): LeaderContext {
    return this.#options.context;
  }

  /** The state has changed. */
  poke(): void {
    const plan = this.#waiting;
    if (plan === null || this.#runThatIsOn() !== null) return;
    this.#waiting = null;
    void this.#attempt(() => Promise.resolve(plan));
  }

  close(): void {
    this.#closed.abort();
    this.#cancelRetry();
    this.#endWatch();
  }

  /** NOT_LEADER when the office is lost meanwhile. */
  reload(): Promise<Reloaded> {
    const { source } = this.#options;
    return this.#inTurn(async () => {
      try {
        return await this.#submit(await source.fetch(this.#closed.signal), true);
      } catch (thrown) {
        const error = this.#closed.signal.aborted ? noLongerLeads() : TuttiError.from(thrown);
        // Whoever asked hears of it. Later and by itself it is tried again only where the cluster still has no plan.
        if (this.#decision() === undefined) await this.#failed(error, () => this.#fetch());
        else if (configErrors.has(error.code)) await this.#note(error.message);
        throw error;
      }
    });
  }

  #fetch(): void {
    void this.#attempt(() => this.#options.source.fetch(this.#closed.signal));
  }

  /** Never rejects. What fails is tried again after a pause, but for what a watched source will tell anew by itself. */
  #attempt(read: () => Promise<SourcedPlan>): Promise<void> {
    return this.#inTurn(async () => {
      try {
        await this.#submit(await read(), false);
      } catch (thrown) {
        await this.#failed(TuttiError.from(thrown), () => void this.#attempt(read));
      }
    });
  }

  #inTurn<Result>(step: () => Promise<Result>): Promise<Result> {
    const turn = this.#turn.then(() => {
      this.#cancelRetry();
      return step();
    });
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  /** The first answer about a plan stands (ADR 83), unless a person asks again after it was refused. */
  async #submit(plan: SourcedPlan, isAsked: boolean): Promise<Reloaded> {
    const { context, log, newRunId, onReload, source, untilComplete } = this.#options;
    const { submissionId, text: planText } = plan;
    checkPlan(planText, source.name);
    this.#waiting = null;
    const decided = this.#decision(submissionId);
    if (decided !== undefined && (decided.runId !== null || !isAsked)) {
      await this.#note(null);
      return { runId: decided.runId ?? '', created: false, missing: [], waitsFor: null };
    }
    const waitsFor = this.#runThatIsOn();
    if (onReload === 'next' && waitsFor !== null) {
      this.#waiting = plan;
      await this.#note(`the plan waits until run ${waitsFor} has ended (CLUSTER_ON_RELOAD=next)`, true);
      return { runId: '', created: false, missing: [], waitsFor };
    }
    const isRefused = decided !== undefined;
    if (!isAsked) await untilComplete();
    if (this.#closed.signal.aborted) throw noLongerLeads();
    const submission = isRefused
      ? { planText, submissionId: `${submissionId}+${randomUUID()}`, fileName: source.name }
      : { planText, submissionId, fileName: source.name, source: source.kind };
    const submitted = await submitAsLeader(context, submission, newRunId());
    this.#failures = 0;
    const { runId, created } = submitted;
    log.info(
      { run: runId, source: source.name },
      created ? 'submitted the plan of its source' : 'it is this run already',
    );
    return { ...submitted, waitsFor: null };
  }

  async #failed(error: TuttiError, again: () => void): Promise<void> {
    if (this.#closed.signal.aborted) return;
    const { log, onConfigError, random, source } = this.#options;
    const { code, message } = error;
    if (code === 'RUN_IN_PROGRESS') {
      // The replicated state has it, for all nodes to tell, and no time will change it.
      log.error({ source: source.name }, `the plan was not run, and will not be by itself: ${message}`);
      return;
    }
    if (!configErrors.has(code)) {
      log.debug({ source: source.name, code, why: message }, 'the plan could not be submitted yet; trying again');
      this.#retryAfter(proposeAgainAfterMs, again);
      return;
    }
    await this.#note(message);
    // Once a plan is decided about, a source that is away or empty for a moment keeps nobody from anything.
    const isAttempt = code === 'PLAN_INVALID' || this.#decision() === undefined;
    if (onConfigError !== null && this.#runThatIsOn() === null && isAttempt) return onConfigError(error);
    this.#failures += 1;
    if (source.watch === null) this.#retryAfter(backoffMs(this.#failures, random), again);
  }

  #retryAfter(ms: number, again: () => void): void {
    const { clock } = this.#options.context;
    this.#cancelRetry();
    if (this.#closed.signal.aborted) return;
    this.#cancelRetry = clock.at(clock.nowMs() + ms, again);
  }

  #runThatIsOn(): string | null {
    const { run } = this.#options.context.state();
    return run === null || isOver(run.phase) ? null : run.id;
  }

  #decision(submissionId?: string): SourceDecision | undefined {
    const { context, source } = this.#options;
    return context
      .state()
      .sources.find(
        (each) => each.source === source.kind && (submissionId === undefined || each.submissionId === submissionId),
      );
  }

  /** Tells every node, and says it aloud once. That it could not be told is no failure: the next attempt tells it again. */
  async #note(reason: string | null, isWaiting = false): Promise<void> {
    const { context, log, source } = this.#options;
    if ((context.state().sourceProblem?.reason ?? null) === reason) return;
    if (isWaiting) log.info({ source: source.name }, reason ?? '');
    else if (reason !== null) log.error({ source: source.name }, `no plan can be run from the source: ${reason}`);
    await context.propose({ kind: 'noteSource', source: source.kind, reason, isWaiting }).catch((thrown: unknown) => {
      log.debug(
        { why: TuttiError.from(thrown).message },
        'what is wrong with the source could not be told to all nodes yet',
      );
    });
  }
}
