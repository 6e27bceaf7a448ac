import type { Consensus, ConsensusStatus } from '../../consensus/consensus.ts';
import type { Located } from '../../discovery/founding.ts';
import type { Clock } from '../../lib/clock.ts';
import { TuttiError } from '../../lib/errors.ts';
import type { Log } from '../../lib/log.ts';
import type { MemberChange } from '../../raft/change.ts';
import { boundIncarnation, memberIds } from '../../raft/membership.ts';
import type { Membership } from '../../raft/types.ts';
import type { PeerIdentity, PeerStatus } from '../../transport/transport.ts';

/** A learner that is not there for so long is taken for gone: it never had a vote, and is admitted again when it comes back. */
export const learnerGoneAfterMs = 60_000;
/**
 * Longer than a restart: a voter that is away for a moment keeps its place, whoever comes under its name. Longer than an end, too: who
 * belongs to this cluster and is no member any more may be on its way out.
 */
export const certainAfterMs = 10_000;

export interface Situation {
  readonly status: Pick<ConsensusStatus, 'leading' | 'membership' | 'nodeId'>;
  /** Of this node. */
  readonly isLearner: boolean;
  readonly peers: readonly PeerStatus[];
  readonly met: readonly Located[];
  /** For how long each process among them has been met, by session. */
  readonly metMs: ReadonlyMap<string, number>;
  /** For how long each member that is not connected has been away, as far as this node has seen. */
  readonly awayMs: ReadonlyMap<string, number>;
}

/**
 * What a leader does next for those that discovery has found: one change, or null. Discovery proposes nodes that are in no cluster yet,
 * and those of this one that were removed without hearing of it; whoever is admitted has to pass the handshake, and the log decides. A
 * member has the role that it says itself it has (CLUSTER_ROLE).
 */
export function nextAdmission(situation: Situation): MemberChange | null {
  const { status, peers, met, metMs, awayMs } = situation;
  const membership = changeable(status);
  if (membership === null) return null;
  const connected = connectedMembers(peers);
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
  const ready = membership.learners.find((id) => connected.get(id)?.isLearner === false);
  if (ready !== undefined) return { kind: 'promote', id: ready };
  const isLearner = (id: string): boolean =>
    id === status.nodeId ? situation.isLearner : connected.get(id)?.isLearner === true;
  const retired = membership.voters.find(({ id }) => isLearner(id));
  if (retired !== undefined) return { kind: 'demote', id: retired.id };
  const gone = membership.learners.find((id) => (awayMs.get(id) ?? 0) >= learnerGoneAfterMs);
  return gone === undefined ? null : { kind: 'remove', id: gone };
}

/** The membership, where this node may change it now. */
export function changeable({ leading, membership }: Situation['status']): Membership | null {
  return !leading || membership === null || membership.unmet > 0 || membership.outgoing !== null ? null : membership;
}

export function connectedMembers(peers: readonly PeerStatus[]): ReadonlyMap<string, PeerIdentity> {
  return new Map(
    peers.flatMap(({ state, identity }) =>
      state === 'connected' && identity !== null ? [[identity.nodeId, identity] as const] : [],
    ),
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

export interface AdmissionsOptions {
  readonly consensus: Pick<Consensus<unknown>, 'status' | 'peers' | 'changeMembers'>;
  /** Of this node. */
  readonly isLearner: boolean;
  /** In the order in which they are tried, until one is made. */
  readonly decide: (situation: Situation) => readonly MemberChange[];
  readonly clock: Clock;
  readonly log: Log;
}

/** Makes what `decide` says, one change at a time, while this node leads. */
export class Admissions {
  readonly #options: AdmissionsOptions;
  readonly #awaySince = new Map<string, number>();
  readonly #metSince = new Map<string, number>();
  #met: readonly Located[] = [];
  #isChanging = false;
  /** The last of each change, until one is made. */
  readonly #failures = new Map<string, string>();

  constructor(options: AdmissionsOptions) {
    this.#options = options;
  }

  /** Who answers at the addresses that nothing is known of. */
  found(met: readonly Located[]): void {
    this.#met = met;
    since(
      this.#metSince,
      met.map(({ session }) => session),
      this.#options.clock.nowMs(),
    );
    this.act();
  }

  /** The members or their connections may have changed. */
  act(): void {
    if (this.#isChanging) return;
    const { clock, consensus, decide, isLearner } = this.#options;
    const [status, peers] = [consensus.status(), consensus.peers()];
    const connected = connectedMembers(peers);
    const members = status.membership === null ? [] : memberIds(status.membership);
    const away = members.filter((id) => !connected.has(id));
    const nowMs = clock.nowMs();
    since(this.#awaySince, away, nowMs);
    const awayMs = lasting(this.#awaySince, nowMs);
    const metMs = lasting(this.#metSince, nowMs);
    const changes = decide({ status, isLearner, peers, met: this.#met, metMs, awayMs });
    if (changes.length === 0) return;
    this.#isChanging = true;
    void this.#makeOne(changes).then((isMade) => {
      this.#isChanging = false;
      // The next one waits for nothing.
      if (isMade) this.act();
    });
  }

  /** One that cannot be made now must not keep others from it. Never rejects. */
  async #makeOne(changes: readonly MemberChange[]): Promise<boolean> {
    for (const change of changes) if (await this.#make(change)) return true;
    return false;
  }

  /** Never rejects. */
  async #make(change: MemberChange): Promise<boolean> {
    const { consensus, log } = this.#options;
    try {
      await consensus.changeMembers([change]);
      log.info({ peer: change.id }, said(change));
      this.#failures.clear();
      return true;
    } catch (thrown) {
      const { code, message } = TuttiError.from(thrown);
      if (!passing.includes(code) && message !== this.#failures.get(said(change))) {
        this.#failures.set(said(change), message);
        log.warn({ peer: change.id, code }, `${said(change)}: not done: ${message}`);
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
