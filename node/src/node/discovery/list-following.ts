import type { Consensus } from '../../consensus/consensus.ts';
import type { Identify, Located } from '../../discovery/founding.ts';
import type { MemberList } from '../../discovery/member-list.ts';
import { Neighbours } from '../../discovery/neighbours.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Log } from '../../lib/log.ts';
import { memberIds } from '../../raft/membership.ts';
import { Admissions } from './admissions.ts';
import { nextByList } from './list-changes.ts';
import { ListPoll } from './list-poll.ts';

export interface ListFollowingOptions {
  readonly consensus: Pick<
    Consensus<unknown>,
    'status' | 'peers' | 'subscribe' | 'changeMembers' | 'movePeer' | 'handle' | 'request'
  >;
  readonly list: MemberList;
  /** host:port, where others reach this node. */
  readonly ownAddress: string;
  /** This node wants no vote. */
  readonly isLearner: boolean;
  readonly identify: Identify;
  readonly clock: Clock;
  readonly log: Log;
}

/** A member's part where a list says who the members are to be: what its machine says is told to the leader, and a leader acts by it. */
export class ListFollowing {
  readonly #options: ListFollowingOptions;
  readonly #admissions: Admissions;
  readonly #neighbours: Neighbours;
  readonly #poll: ListPoll;
  readonly #unsubscribe: () => void;

  constructor(options: ListFollowingOptions) {
    this.#options = options;
    const { clock, consensus, identify, isLearner, list, log } = options;
    this.#poll = new ListPoll({ consensus, list, clock, onAnswer: () => this.#admissions.act() });
    this.#admissions = new Admissions({
      ...{ consensus, isLearner, clock, log },
      decide: (situation) => nextByList(situation, { list: list.members(), lists: this.#poll.lists() }),
    });
    this.#neighbours = new Neighbours({
      ...{ clock, identify },
      peers: { addresses: () => list.members()?.map(({ address }) => address) ?? [] },
      explained: () => this.#explained(),
      onMet: (met) => this.#met(met),
    });
    this.#unsubscribe = consensus.subscribe(({ kind }) => {
      if (kind === 'peerUp' || kind === 'leadershipGained' || kind === 'raft') this.#admissions.act();
      if (kind === 'peerDown') this.look();
    });
  }

  /** The list has changed, or who is there. */
  look(): void {
    this.#neighbours.look();
  }

  close(): void {
    this.#unsubscribe();
    this.#neighbours.close();
  }

  /** About once a second. */
  #met(met: readonly Located[]): void {
    const { consensus, list } = this.#options;
    for (const { nodeId, address } of met) consensus.movePeer(nodeId, address);
    const { leading, membership } = consensus.status();
    const listed = list.members();
    const isGone = (id: string): boolean => listed !== null && !listed.some((one) => one.id === id);
    if (leading && membership !== null && memberIds(membership).some(isGone)) this.#poll.ask();
    this.#admissions.found(met);
  }

  #explained(): ReadonlySet<string> {
    const { consensus, ownAddress } = this.#options;
    const connected = consensus.peers().filter(({ state }) => state === 'connected');
    return new Set([ownAddress, ...connected.map(({ address }) => address)]);
  }
}
