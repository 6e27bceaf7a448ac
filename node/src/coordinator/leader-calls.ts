import type { CommandResult } from '../cluster/commands.ts';
import type { Consensus } from '../consensus/consensus.ts';
import type { Clock } from '../lib/clock.ts';
import { TuttiError, type ErrorCode } from '../lib/errors.ts';
import type { LeaderContext } from './context.ts';

/** Several elections and a retry fit; a person at a terminal waits no longer for an answer. */
const serviceDeadlineMs = 10_000;
/** A leader that is alive answers a forwarded call within a commit; past this it is asked anew, or its successor. */
const forwardTimeoutMs = 3_000;
/** Looks again even if no event came: the one that mattered may have been the peer's, not ours. */
const lookAgainMs = 250;

/** Asking twice must be the same as asking once: whatever fails is tried again. */
export interface LeaderCall<Request extends object, Answer> {
  readonly method: string;
  /** A leader that takes longer is asked anew, or its successor; as long as one takes for a commit, where it is not given. */
  readonly forwardTimeoutMs?: number;
  readonly local: (leader: LeaderContext, request: Request) => Promise<Answer> | Answer;
}

export interface LeaderCalls {
  /** Answers the other nodes' calls of this kind. Once for each kind, on every node. */
  register<Request extends object, Answer>(call: LeaderCall<Request, Answer>): void;
  /** Waits for a leader and for what is safe to try again, up to a deadline that names what it waited for. */
  call<Request extends object, Answer>(
    call: LeaderCall<Request, Answer>,
    request: Request,
    asker?: AbortSignal,
  ): Promise<Answer>;
}

/** What only a leader can do, for any node: done here while this node leads, else asked of the leader over the cluster's streams. */
export function createLeaderCalls(options: {
  readonly consensus: Consensus<CommandResult>;
  /** The office of this node while it leads. */
  readonly leading: () => LeaderContext | null;
  readonly clock: Clock;
}): LeaderCalls {
  return new ForwardedCalls(options);
}

class ForwardedCalls implements LeaderCalls {
  readonly #options: Parameters<typeof createLeaderCalls>[0];

  constructor(options: Parameters<typeof createLeaderCalls>[0]) {
    this.#options = options;
  }

  register<Request extends object, Answer>(call: LeaderCall<Request, Answer>): void {
    this.#options.consensus.handle(call.method, async (body) => {
      const request = await Promise.resolve(body).then(fromJson);
      const leader = this.#options.leading();
      if (leader === null) throw new TuttiError('NOT_LEADER', 'this node does not lead (any more)');
      // The bytes come from this very code on a peer that proved who it is; each call checks what it stores.
      return toJson(await call.local(leader, request as Request));
    });
  }

  async call<Request extends object, Answer>(
    call: LeaderCall<Request, Answer>,
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
    call: LeaderCall<Request, Answer>,
    request: Request,
    deadlineMs: number,
  ): Promise<{ readonly value: Answer } | null> {
    const { clock, consensus, leading } = this.#options;
    const leader = leading();
    if (leader !== null) return { value: await call.local(leader, request) };
    const { leaderId, nodeId } = consensus.status();
    if (leaderId === null || leaderId === nodeId) return null;
    const timeoutMs = Math.min(call.forwardTimeoutMs ?? forwardTimeoutMs, deadlineMs - clock.nowMs());
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

/** Retryable, but the caller's business when: a run that is on may be for an hour, and a source has pauses of its own. */
const callersBusiness: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'RUN_IN_PROGRESS',
  'STALE_COMMAND',
  'SOURCE_FAILED',
  'CONSUL_FAILED',
]);

function isWorthAnother({ code, isRetryable }: TuttiError): boolean {
  return !callersBusiness.has(code) && (isRetryable || code === 'OUTCOME_UNKNOWN');
}

const toJson = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
const fromJson = (body: Uint8Array): unknown => JSON.parse(new TextDecoder().decode(body));
