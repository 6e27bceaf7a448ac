import { TuttiError } from '../lib/errors.ts';
import type { ErrorCode } from '../lib/errors.ts';
import type { MemberChange } from '../raft/change.ts';
import type { ChangeOutcome, RaftCore, RaftInput } from '../raft/core.ts';
import { decodeMembership } from '../raft/membership.ts';
import type { Entry } from '../raft/types.ts';
import { parseClusterNodes } from '../transport/addresses.ts';
import { notLeader } from './proposals.ts';
import { shuttingDown } from './requests.ts';

interface Asker {
  readonly resolve: () => void;
  readonly reject: (error: TuttiError) => void;
}

interface Begun extends Asker {
  readonly index: number;
  readonly term: number;
  /** It takes a second entry, which this leader, or the next one, appends by itself. */
  readonly isJoint: boolean;
}

const codes: Record<Exclude<(ChangeOutcome & { readonly accepted: false })['code'], 'notLeader'>, ErrorCode> = {
  inProgress: 'CHANGE_IN_PROGRESS',
  notCaughtUp: 'NOT_CAUGHT_UP',
  quorumAtRisk: 'QUORUM_AT_RISK',
  impossible: 'CHANGE_IMPOSSIBLE',
};

/** From a wish to change the members to the moment when the change is committed, and applied here. */
export class MemberChanges {
  readonly #core: Pick<RaftCore, 'status'>;
  readonly #feed: (input: RaftInput) => void;
  /** The core has not said yet what becomes of them; it answers in order. */
  readonly #asked: Asker[] = [];
  #begun: Begun[] = [];
  #stopped = false;

  constructor(core: Pick<RaftCore, 'status'>, feed: (input: RaftInput) => void) {
    this.#core = core;
    this.#feed = feed;
  }

  /**
   * Resolves once all of it is committed. Rejects, with nothing changed, with NOT_LEADER, CHANGE_IN_PROGRESS, NOT_CAUGHT_UP,
   * QUORUM_AT_RISK, CHANGE_IMPOSSIBLE or SHUTTING_DOWN; with OUTCOME_UNKNOWN where it may yet be made.
   */
  change(changes: readonly MemberChange[]): Promise<void> {
    if (this.#stopped) return Promise.reject(shuttingDown());
    const unusable = changes.map(unusableName).find((reason) => reason !== null);
    if (unusable != null) return Promise.reject(refused('CHANGE_IMPOSSIBLE', unusable));
    return new Promise((resolve, reject) => {
      this.#asked.push({ resolve, reject });
      this.#feed({ kind: 'change', changes });
    });
  }

  onOutcome(outcome: ChangeOutcome): void {
    const asker = this.#asked.shift();
    if (asker === undefined) return;
    if (outcome.accepted) {
      const isJoint = this.#core.status().membership?.outgoing != null;
      this.#begun.push({ ...asker, index: outcome.index, term: outcome.term, isJoint });
    } else if (outcome.code === 'notLeader') asker.reject(notLeader(outcome.leaderId));
    else asker.reject(refused(codes[outcome.code], outcome.reason));
  }

  /** An entry was applied here. */
  applied({ index, term, kind, data }: Entry): void {
    if (this.#begun.length === 0 || kind !== 'membership') return;
    const isMade = decodeMembership(data).outgoing === null;
    const reached = this.#begun.filter((one) => one.index <= index);
    this.#begun = this.#begun.filter((one) => one.index > index || (!isMade && one.index < index));
    for (const one of reached) {
      if (one.index === index && one.term !== term) one.reject(unknown(one, `entry ${index} is of another leader`));
      else if (isMade) one.resolve();
      else if (!this.#begun.includes(one)) this.#begun.push(one);
    }
  }

  /** What is committed already will be applied here; the rest is up to another leader. */
  leadershipLost(committedIndex: number, reason: string): void {
    const lost = this.#begun.filter(({ index, isJoint }) => isJoint || index > committedIndex);
    this.#begun = this.#begun.filter((one) => !lost.includes(one));
    for (const one of lost) one.reject(unknown(one, `this node lost the leadership (${reason})`));
  }

  stop(): void {
    this.#stopped = true;
    for (const one of this.#begun) one.reject(unknown(one, 'this node is shutting down'));
    for (const asker of this.#asked) asker.reject(shuttingDown());
    this.#begun = [];
    this.#asked.length = 0;
  }
}

/** What goes into the log is dialled by every member, now and at each start: it is checked before. */
function unusableName(change: MemberChange): string | null {
  if (change.kind !== 'addLearner') return null;
  try {
    parseClusterNodes(`${change.id}=${change.address}`, 'the new node');
    return change.address.includes(',') ? 'one node has one address' : null;
  } catch (error) {
    return TuttiError.from(error).message;
  }
}

function refused(code: ErrorCode, reason: string): TuttiError {
  return new TuttiError(code, `the members stay as they are: ${reason}`);
}

function unknown({ index }: Begun, why: string): TuttiError {
  return new TuttiError('OUTCOME_UNKNOWN', `the change of members at index ${index} may or may not be made: ${why}`);
}

/** Of a node that is no member any more, by this entry of the log. */
export function removed(index: number): TuttiError {
  return new TuttiError('REMOVED', `this node was removed from its cluster, by entry ${index} of the log`);
}
