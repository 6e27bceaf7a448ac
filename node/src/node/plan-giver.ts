import { randomUUID } from 'node:crypto';
import type { SourceDecision } from '../cluster/state.ts';
import { isOver } from '../cluster/transitions.ts';
import type { LeaderContext } from '../coordinator/context.ts';
import { changeLoadAsLeader, checkPlan, submitAsLeader } from '../coordinator/leader-runs.ts';
import type { Reloaded } from '../coordinator/service.ts';
import { TuttiError } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import type { PlanSource, SourcedPlan } from '../source/source.ts';

export interface PlanGiverOptions {
  readonly source: PlanSource;
  readonly context: LeaderContext;
  readonly newRunId: () => string;
  /** CLUSTER_ON_RELOAD: what becomes of a plan that comes while a run is on, and differs from it in more than its load. */
  readonly onReload: 'refuse' | 'next';
  readonly log: Log;
}

/** Makes a run of a plan of the source that all nodes share, or tells the cluster why there is none (ADR 90). */
export class PlanGiver {
  readonly #options: PlanGiverOptions;
  #waiting: SourcedPlan | null = null;

  constructor(options: PlanGiverOptions) {
    this.#options = options;
  }

  /** What the cluster has decided about a plan of this source: about this one, or the last. */
  decision(submissionId?: string): SourceDecision | undefined {
    const { context, source } = this.#options;
    return context
      .state()
      .sources.find(
        (each) => each.source === source.kind && (submissionId === undefined || each.submissionId === submissionId),
      );
  }

  runThatIsOn(): string | null {
    const { run } = this.#options.context.state();
    return run === null || isOver(run.phase) ? null : run.id;
  }

  /** The plan that waited for a run to end, once that has; null: there is none, or it has not. */
  takeWaiting(): SourcedPlan | null {
    const plan = this.#waiting;
    if (plan === null || this.runThatIsOn() !== null) return null;
    this.#waiting = null;
    return plan;
  }

  /**
   * The first answer about a plan stands (ADR 83), unless a person asks again after it was refused. `untilReady` is waited for
   * before a run is begun. Rejects with PLAN_INVALID, or as a submission does.
   */
  async give(plan: SourcedPlan, isAsked: boolean, untilReady: () => Promise<void>): Promise<Reloaded> {
    const { context, log, newRunId, onReload, source } = this.#options;
    const { submissionId, text: planText } = plan;
    checkPlan(planText, source.name);
    this.#waiting = null;
    const decided = this.decision(submissionId);
    if (decided !== undefined && (decided.runId !== null || !isAsked)) {
      await this.note(null);
      return { ...nothingNew, runId: decided.runId ?? '' };
    }
    const asFirst = { planText, submissionId, fileName: source.name, source: source.kind };
    // Under an id of its own where it was refused before: under that one it gets the same answer for good.
    const again = { planText, submissionId: `${submissionId}+${randomUUID()}`, fileName: source.name };
    const submission = decided === undefined ? asFirst : again;
    const changed = await changeLoadAsLeader(context, submission);
    if (changed !== null) {
      log.info(
        { run: changed.runId, submission: submissionId },
        'the run goes on with the load of the plan that changed',
      );
      return { ...nothingNew, runId: changed.runId, changed: true };
    }
    const waitsFor = this.runThatIsOn();
    if (onReload === 'next' && waitsFor !== null) {
      this.#waiting = plan;
      await this.note(`the plan waits until run ${waitsFor} has ended (CLUSTER_ON_RELOAD=next)`, true);
      return { ...nothingNew, waitsFor };
    }
    if (waitsFor === null) await untilReady();
    const submitted = await submitAsLeader(context, submission, newRunId());
    const { runId, created } = submitted;
    const what = created ? 'submitted the plan of its source' : 'it is this run already';
    log.info({ run: runId, submission: submissionId }, what);
    return { ...nothingNew, ...submitted };
  }

  /** Tells every node, and says it aloud once. That it could not be told is no failure: the next attempt tells it again. */
  async note(reason: string | null, isWaiting = false): Promise<void> {
    const { context, log, source } = this.#options;
    if ((context.state().sourceProblem?.reason ?? null) === reason) return;
    if (isWaiting) log.info({ source: source.name }, reason ?? '');
    else if (reason !== null) log.error({ source: source.name }, `no plan can be run from the source: ${reason}`);
    try {
      await context.propose({ kind: 'noteSource', source: source.kind, reason, isWaiting });
    } catch (thrown) {
      const why = TuttiError.from(thrown).message;
      log.debug({ why }, 'what is wrong with the source could not be told to all nodes yet');
    }
  }
}

const nothingNew: Reloaded = { runId: '', created: false, missing: [], waitsFor: null, changed: false };
