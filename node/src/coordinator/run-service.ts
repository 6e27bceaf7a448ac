import type { CommandResult } from '../cluster/commands.ts';
import type { ClusterState } from '../cluster/state.ts';
import type { Consensus } from '../consensus/consensus.ts';
import type { Clock } from '../lib/clock.ts';
import { TuttiError } from '../lib/errors.ts';
import type { RunReport } from '../results/report.ts';
import type { LeaderContext } from './context.ts';
import { checkPlan, progressOf, reportOf, stopAsLeader, submitAsLeader, type Submission } from './leader-runs.ts';
import type { RunProgress, RunService, StopRequest, Submitted } from './service.ts';

/** Several elections and a retry fit; a person at a terminal waits no longer for an answer. */
const serviceDeadlineMs = 10_000;
/** A leader that is alive answers a forwarded call within a commit; past this it is asked anew, or its successor. */
const forwardTimeoutMs = 3_000;
/** Looks again even if no event came: the one that mattered may have been the peer's, not ours. */
const lookAgainMs = 250;

export interface RunServiceOptions {
  readonly consensus: Consensus<CommandResult>;
  /** The office of this node while it leads. */
  readonly leading: () => LeaderContext | null;
  readonly state: () => ClusterState;
  readonly runMs: (runId: string) => number | null;
  readonly clock: Clock;
  /** A new id; unique for ever. */
  readonly newRunId: () => string;
}

/** What any node offers about runs: done here while this node leads, else asked of the leader over the cluster's streams. */
export function createRunService(options: RunServiceOptions): RunService {
  const service = new ForwardingRunService(options);
  service.register();
  return service;
}

/** Asking twice is the same as asking once: a submission has its id, a stop names its run. So whatever fails is tried again. */
interface Call<Request, Answer> {
  readonly method: string;
  readonly local: (leader: LeaderContext, request: Request) => Promise<Answer> | Answer;
}

class ForwardingRunService implements RunService {
  readonly #options: RunServiceOptions;
  readonly #submit: Call<Submission, Submitted>;
  readonly #stop: Call<{ readonly tenant: string | null; readonly runId: string }, { readonly runId: string }>;
  readonly #progress: Call<object, RunProgress>;
  readonly #report: Call<object, RunReport>;

  constructor(options: RunServiceOptions) {
    this.#options = options;
    const { newRunId, runMs } = options;
    this.#submit = {
      method: 'run.submit',
      local: (leader, submission) => submitAsLeader(leader, submission, newRunId()),
    };
    this.#stop = { method: 'run.stop', local: stopAsLeader };
    this.#progress = { method: 'run.progress', local: (leader) => progressOf(leader, runMs) };
    this.#report = { method: 'run.report', local: reportOf };
  }

  register(): void {
    for (const call of [this.#submit, this.#stop, this.#progress, this.#report]) {
      this.#options.consensus.handle(call.method, async (body) => {
        const request = await Promise.resolve(body).then(fromJson);
        const leader = this.#options.leading();
        if (leader === null) throw new TuttiError('NOT_LEADER', 'this node does not lead (any more)');
        // The bytes come from this very code on a peer that proved who it is; each call checks what it stores.
        return toJson(await call.local(leader, request as never));
      });
    }
  }

  async submit(submission: Submission, asker?: AbortSignal): Promise<Submitted> {
    checkPlan(submission.planText, submission.fileName);
    return this.#call(this.#submit, submission, asker);
  }

  async stop({ tenant, runId }: StopRequest, asker?: AbortSignal): Promise<{ readonly runId: string }> {
    return this.#call(this.#stop, { tenant, runId: runId ?? (await this.#runThatIsOn(asker)) }, asker);
  }

  /** Named before it is stopped: a stop that is repeated must not end the run after it. */
  async #runThatIsOn(asker: AbortSignal | undefined): Promise<string> {
    const { runId, state } = await this.#call(this.#progress, {}, asker);
    if (state === 'finished' || state === 'aborted') throw new TuttiError('RUN_NOT_FOUND', 'no run is on');
    return runId;
  }

  progress(): Promise<RunProgress> {
    return this.#call(this.#progress, {});
  }

  report(): Promise<RunReport> {
    return this.#call(this.#report, {});
  }

  /** Waits for a leader and for what is safe to try again, up to a deadline that names what it waited for. */
  async #call<Request extends object, Answer>(
    call: Call<Request, Answer>,
    request: Request,
    asker?: AbortSignal,
  ): Promise<Answer> {
    const { clock } = this.#options;
    const deadlineMs = clock.nowMs() + serviceDeadlineMs;
    let last: TuttiError | null = null;
    while (clock.nowMs() < deadlineMs) {
      if (asker?.aborted === true) throw new TuttiError('TIMEOUT', `${call.method}: whoever asked has gone; not done`);
      try {
        const answer = await this.#tryOnce(call, request, deadlineMs);
        if (answer !== null) return answer.value;
      } catch (thrown) {
        last = TuttiError.from(thrown);
        if (!isWorthAnother(last)) throw last;
      }
      await this.#change(deadlineMs);
    }
    const why = last === null ? 'no node leads' : last.message;
    throw new TuttiError('NO_LEADER', `no leader answered within ${serviceDeadlineMs} ms: ${why}`);
  }

  async #tryOnce<Request extends object, Answer>(
    call: Call<Request, Answer>,
    request: Request,
    deadlineMs: number,
  ): Promise<{ readonly value: Answer } | null> {
    const { clock, consensus, leading } = this.#options;
    const leader = leading();
    if (leader !== null) return { value: await call.local(leader, request) };
    const { leaderId, nodeId } = consensus.status();
    if (leaderId === null || leaderId === nodeId) return null;
    const timeoutMs = Math.min(forwardTimeoutMs, deadlineMs - clock.nowMs());
    const body = await consensus.request(leaderId, call.method, toJson(request), timeoutMs);
    return { value: fromJson(body) as Answer };
  }

  /** Until something happened in the cluster, or a moment has passed. */
  #change(deadlineMs: number): Promise<void> {
    const { clock, consensus } = this.#options;
    return new Promise((resolve) => {
      const done = (): void => {
        cancel();
        unsubscribe();
        resolve();
      };
      const cancel = clock.at(Math.min(deadlineMs, clock.nowMs() + lookAgainMs), done);
      const unsubscribe = consensus.subscribe((event) => {
        if (event.kind !== 'applied') done();
      });
    });
  }
}

/** A run in progress is the caller's business. */
function isWorthAnother({ code, isRetryable }: TuttiError): boolean {
  if (code === 'RUN_IN_PROGRESS' || code === 'STALE_COMMAND') return false;
  return isRetryable || code === 'OUTCOME_UNKNOWN';
}

const toJson = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
const fromJson = (body: Uint8Array): unknown => JSON.parse(new TextDecoder().decode(body));
