import type { Consensus, ConsensusStatus } from '../../consensus/consensus.ts';
import type { Located } from '../../discovery/founding.ts';
import type { Clock } from '../../lib/clock.ts';
import { TuttiError } from '../../lib/errors.ts';
import type { Log } from '../../lib/log.ts';
import type { MemberChange } from '../../raft/change.ts';
import { boundIncarnation, memberIds } from '../../raft/membership.ts';
import type { PeerStatus } from '../../transport/transport.ts';

/** A learner that is not there for so long is taken for gone: it never had a vote, and is admitted again when it comes back. */
export const learnerGoneAfterMs = 60_000;
/**
 * Longer than a restart: a voter that is away for a moment keeps its place, whoever comes under its name. Longer than an end, too: who
 * belongs to this cluster and is no member any more may be on its way out.
 */
export const certainAfterMs = 10_000;

export interface Situation {
  readonly status: Pick<ConsensusStatus, 'leading' | 'membership' | 'nodeId'>;
  readonly peers: readonly PeerStatus[];
  readonly met: readonly Located[];
  /** For how long each process among them has been met, by session. */
  readonly metMs: ReadonlyMap<string, number>;
  /** For how long each member that is not connected has been away, as far as this node has seen. */
  readonly awayMs: ReadonlyMap<string, number>;
}

/**
 * What a leader does next for those that discovery has found: one change, or null. Discovery proposes nodes that are in no cluster yet,
 * and those of this one that were removed without hearing of it; whoever is admitted has to pass the handshake, and the log decides.
 */
export function nextAdmission({ status, peers, met, metMs, awayMs }: Situation): MemberChange | null {
  const { leading, membership } = status;
  if (!leading || membership === null || membership.unmet > 0 || membership.outgoing !== null) return null;
  const connected = connectedIds(peers);
  const newcomers = met.filter(({ clusterId, nodeId, session }) => {
    if (nodeId === status.nodeId) return false;
    const isFormer = clusterId === membership.clusterId && (metMs.get(session) ?? 0) >= certainAfterMs;
    return clusterId === null || isFormer;
  });
  for (const { nodeId: id, incarnation, address } of newcomers) {
    if (membership.learners.includes(id)) continue;
    const bound = boundIncarnation(membership, id);
    if (bound === null) return { kind: 'addLearner', id, address };
    // It lost its disk: it is not that member any more, and what it had promised belongs to nobody.
    if (bound !== incarnation && (awayMs.get(id) ?? 0) >= certainAfterMs) return { kind: 'remove', id };
  }
  const ready = membership.learners.find((id) => connected.has(id));
  if (ready !== undefined) return { kind: 'promote', id: ready };
  const gone = membership.learners.find((id) => (awayMs.get(id) ?? 0) >= learnerGoneAfterMs);
  return gone === undefined ? null : { kind: 'remove', id: gone };
}

function connectedIds(peers: readonly PeerStatus[]): ReadonlySet<string> {
  return new Set(
    peers.flatMap(({ state, identity }) => (state === 'connected' && identity !== null ? [identity.nodeId] : [])),
  );
}

/** Nothing is amiss: it is tried again at the next look. */
const passing: readonly string[] = [
  'NOT_LEADER',
  'CHANGE_IN_PROGRESS',
  'NOT_CAUGHT_UP',
  'QUORUM_AT_RISK',
  'SHUTTING_DOWN',
];

/** Admits and promotes, one change at a time, while this node leads. */
export class Admissions {
  readonly #consensus: Pick<Consensus<unknown>, 'status' | 'peers' | 'changeMembers'>;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #awaySince = new Map<string, number>();
  readonly #metSince = new Map<string, number>();
  #met: readonly Located[] = [];
  #isChanging = false;
  #failure = '';

  constructor(consensus: Pick<Consensus<unknown>, 'status' | 'peers' | 'changeMembers'>, clock: Clock, log: Log) {
    this.#consensus = consensus;
    this.#clock = clock;
    this.#log = log;
  }

  /** Who answers at the addresses that nothing is known of. */
  found(met: readonly Located[]): void {
    this.#met = met;
    since(
      this.#metSince,
      met.map(({ session }) => session),
      this.#clock.nowMs(),
    );
    this.act();
  }

  /** The members or their connections may have changed. */
  act(): void {
    if (this.#isChanging) return;
    const [status, peers] = [this.#consensus.status(), this.#consensus.peers()];
    const connected = connectedIds(peers);
    const members = status.membership === null ? [] : memberIds(status.membership);
    const away = members.filter((id) => !connected.has(id));
    const nowMs = this.#clock.nowMs();
    since(this.#awaySince, away, nowMs);
    const awayMs = lasting(this.#awaySince, nowMs);
    const metMs = lasting(this.#metSince, nowMs);
    const change = nextAdmission({ status, peers, met: this.#met, metMs, awayMs });
    if (change === null) return;
    this.#isChanging = true;
    void this.#make(change).then((isMade) => {
      this.#isChanging = false;
      // The next one waits for nothing.
      if (isMade) this.act();
    });
  }

  /** Never rejects. */
  async #make(change: MemberChange): Promise<boolean> {
    try {
      await this.#consensus.changeMembers([change]);
      this.#log.info({ peer: change.id }, said(change));
      this.#failure = '';
      return true;
    } catch (thrown) {
      const { code, message } = TuttiError.from(thrown);
      if (!passing.includes(code) && message !== this.#failure) {
        this.#failure = message;
        this.#log.warn({ peer: change.id, code }, `${said(change)}: not done: ${message}`);
      }
      return false;
    }
  }
}

/** Notes when each of `now` began, and forgets the others. */
function since(known: Map<string, number>, now: readonly string[], nowMs: number): void {
  for (const key of [...known.keys()]) if (!now.includes(key)) known.delete(key);
  for (const key of now) if (!known.has(key)) known.set(key, nowMs);
}

function lasting(since: ReadonlyMap<string, number>, nowMs: number): ReadonlyMap<string, number> {
  return new Map([...since].map(([key, sinceMs]) => [key, nowMs - sinceMs]));
}

function said(change: MemberChange): string {
  switch (change.kind) {
    case 'addLearner':
      return `"${change.id}" at ${change.address} joins as a learner`;
    case 'promote':
      return `"${change.id}" has the log and becomes a voter`;
    case 'demote':
      return `"${change.id}" becomes a learner`;
    case 'remove':
      return `"${change.id}" is no member any more`;
  }
}
