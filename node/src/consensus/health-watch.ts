import { electorateOf, hasMajority, majority, neededVotes, votersOf } from '../raft/quorum.ts';
import type { Member, NodeId } from '../raft/types.ts';
import type { PeerStatus } from '../transport/transport.ts';
import type { ConsensusStatus } from './consensus.ts';
import type { ConsensusEvent, Health } from './events.ts';

export interface HealthWatchOptions {
  readonly status: () => ConsensusStatus;
  readonly peers: () => readonly PeerStatus[];
  readonly emit: (event: ConsensusEvent & { readonly kind: 'quorum' | 'health' }) => void;
}

interface Reached {
  readonly has: boolean;
  readonly ids: readonly NodeId[];
  readonly needed: number;
  readonly missing: number;
}

/** Says how this member does, whenever that changes. Looks when it is told to: at each change of what it looks at. */
export class HealthWatch {
  readonly #options: HealthWatchOptions;
  #hasQuorum = false;
  #health: Health | null = null;
  #isDiskStalled = false;

  constructor(options: HealthWatchOptions) {
    this.#options = options;
  }

  /** The disk hangs, or answers again. */
  diskStalled(isStalled: boolean): void {
    this.#isDiskStalled = isStalled;
    this.look();
  }

  /** Something was applied: of interest only to who is catching up. */
  applied(): void {
    if (this.#health === 'recovering') this.look();
  }

  look(): void {
    const { status, peers, emit } = this.#options;
    const now = status();
    const { has, ids, needed, missing } = reachedFrom(now, peers());
    if (has !== this.#hasQuorum) {
      this.#hasQuorum = has;
      emit({ kind: 'quorum', has, reached: ids, needed });
    }
    const [health, reason] = this.#judge(now, missing);
    if (health === this.#health) return;
    this.#health = health;
    emit({ kind: 'health', health, reason });
  }

  #judge(status: ConsensusStatus, missing: number): readonly [Health, string] {
    const { leaderId, appliedIndex, commitIndex } = status;
    if (this.#isDiskStalled) return ['unhealthy', 'the disk hangs'];
    if (leaderId === null) return ['unhealthy', 'no leader is known'];
    const isBehind = appliedIndex < commitIndex && (this.#health === 'unhealthy' || this.#health === 'recovering');
    if (isBehind) return ['recovering', `entries up to ${commitIndex} are being applied`];
    if (missing > 0) return ['degraded', `${missing} of the voters cannot be reached from here`];
    return ['healthy', `${leaderId} leads, and all voters are reached`];
  }
}

/** Voters that are connected under the disk they are bound to, oneself included; before the founding, whoever is connected. */
function reachedFrom({ nodeId, membership, listedSize }: ConsensusStatus, peers: readonly PeerStatus[]): Reached {
  const connected = peers.flatMap(({ state, identity }) =>
    state === 'connected' && identity !== null ? [identity] : [],
  );
  if (membership === null) {
    const ids = [nodeId, ...connected.map((peer) => peer.nodeId)];
    const needed = majority(listedSize);
    return { has: ids.length >= needed, ids, needed, missing: listedSize - ids.length };
  }
  const isReached = ({ id, incarnation }: Member): boolean =>
    id === nodeId || connected.some((peer) => peer.nodeId === id && peer.incarnation === incarnation);
  const electorate = electorateOf(membership);
  const voters = votersOf(electorate);
  const ids = voters.filter(isReached).map(({ id }) => id);
  return {
    ...{ has: hasMajority(electorate, isReached), ids, needed: neededVotes(electorate) },
    missing: voters.length - ids.length + membership.unmet,
  };
}
