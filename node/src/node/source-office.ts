import type { LeaderContext } from '../coordinator/context.ts';
import type { Reloaded } from '../coordinator/service.ts';
import { backoffMs, patientBackoff } from '../lib/backoff.ts';
import { type ErrorCode, TuttiError } from '../lib/errors.ts';
import type { SourcedPlan } from '../source/source.ts';
import { PlanGiver, type PlanGiverOptions } from './plan-giver.ts';

/** A proposal that did not go through for a moment's reason; there is no hurry. */
const proposeAgainAfterMs = 1_000;

export interface SourceOfficeOptions extends PlanGiverOptions {
  /** Resolves once no member is missing, or it was waited for them long enough. */
  readonly untilComplete: () => Promise<void>;
  /** In [0, 1). */
  readonly random: () => number;
  /** CLUSTER_ON_CONFIG_ERROR=exit: the process is to end with this. Null: what failed is tried again. */
  readonly onConfigError: ((error: TuttiError) => void) | null;
}

/** What is wrong with the source or its plan, and not with this moment of the cluster. */
const configErrors: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'SOURCE_FAILED',
  'CONSUL_FAILED',
  'GCS_FAILED',
  'PLAN_INVALID',
]);

/**
 * The source that all nodes share, in one term of office: reads it, gives what it holds, and follows its changes (ADR 90). It
 * holds nothing a successor would need: which plan became which run, and what is wrong, is in the replicated state.
 */
export class SourceOffice {
  readonly #options: SourceOfficeOptions;
  readonly #giver: PlanGiver;
  readonly #closed = new AbortController();
  /** Attempts, one at a time: by the clock, by a change of the source, by a person. */
  #turn: Promise<unknown> = Promise.resolve();
  /** Resolves when somebody asks: then nobody waits for missing members. */
  #asked = Promise.withResolvers<undefined>();
  #failures = 0;
  #cancelRetry: () => void = () => undefined;
  #endWatch: () => void = () => undefined;

  /** A plan of this source that the cluster has decided about is not read again: not by a new leader either. */
  constructor(options: SourceOfficeOptions) {
    this.#options = options;
    this.#giver = new PlanGiver(options);
    const { context, source } = options;
    const decided = this.#giver.decision();
    if (source.watch !== null) {
      this.#endWatch = source.watch(decided?.submissionId ?? null, {
        onPlan: (plan) => void this.#attempt(() => Promise.resolve(plan)),
        onFailure: (error) => void this.#attempt(() => Promise.reject(error)),
      });
    } else if (decided === undefined || context.state().sourceProblem?.isWaiting === true) this.#fetch();
  }

  get context(): LeaderContext {
    return this.#options.context;
  }

  /** The state has changed. */
  poke(): void {
    const plan = this.#giver.takeWaiting();
    if (plan !== null) void this.#attempt(() => Promise.resolve(plan));
  }

  close(): void {
    this.#closed.abort();
    this.#cancelRetry();
    this.#endWatch();
  }

  /** At once. NOT_LEADER when the office is lost meanwhile. */
  reload(): Promise<Reloaded> {
    this.#asked.resolve(undefined);
    return this.#inTurn(async () => {
      this.#asked = Promise.withResolvers();
      try {
        const plan = await this.#options.source.fetch(this.#closed.signal);
        return await this.#giver.give(plan, true, () => Promise.resolve());
      } catch (thrown) {
        const error = this.#closed.signal.aborted ? noLongerLeads() : TuttiError.from(thrown);
        // Whoever asked hears of it. Later and by itself it is tried again only where the cluster still has no plan.
        if (this.#giver.decision() === undefined) await this.#failed(error, () => this.#fetch());
        else if (configErrors.has(error.code)) await this.#giver.note(error.message);
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
        await this.#giver.give(await read(), false, () => this.#untilComplete());
        this.#failures = 0;
      } catch (thrown) {
        await this.#failed(TuttiError.from(thrown), () => void this.#attempt(read));
      }
    });
  }

  async #untilComplete(): Promise<void> {
    await Promise.race([this.#options.untilComplete(), this.#asked.promise]);
    if (this.#closed.signal.aborted) throw noLongerLeads();
  }

  #inTurn<Result>(step: () => Promise<Result>): Promise<Result> {
    const turn = this.#turn.then(() => {
      this.#cancelRetry();
      return step();
    });
    this.#turn = turn.catch(() => undefined);
    return turn;
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
    await this.#giver.note(message);
    // Once a plan is decided about, a source that is away or empty for a moment keeps nobody from anything.
    const isAttempt = code === 'PLAN_INVALID' || this.#giver.decision() === undefined;
    if (onConfigError !== null && this.#giver.runThatIsOn() === null && isAttempt) return onConfigError(error);
    this.#failures += 1;
    if (source.watch === null) this.#retryAfter(backoffMs(this.#failures, random, patientBackoff), again);
  }

  #retryAfter(ms: number, again: () => void): void {
    const { clock } = this.#options.context;
    this.#cancelRetry();
    if (this.#closed.signal.aborted) return;
    this.#cancelRetry = clock.at(clock.nowMs() + ms, again);
  }
}

const noLongerLeads = (): TuttiError => new TuttiError('NOT_LEADER', 'this node does not lead (any more)');
