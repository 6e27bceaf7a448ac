import { decodeMembership, names } from '../../node/src/raft/membership.ts';
import { majority, sizeOf } from '../../node/src/raft/quorum.ts';
import type { Entry, Membership, NodeId, VoterSet } from '../../node/src/raft/types.ts';
import type { SimulatedNode } from './node.ts';

export type Require = (holds: boolean, invariantName: string, what: string) => void;

/** What must hold of the memberships a cluster commits, one after the other. */
export class MembershipChecks {
  readonly #listedSize: number;
  readonly #require: Require;
  readonly #committed: { readonly index: number; readonly membership: Membership }[] = [];

  constructor(listedSize: number, require: Require) {
    this.#listedSize = listedSize;
    this.#require = require;
  }

  get current(): Membership | null {
    return this.#committed.at(-1)?.membership ?? null;
  }

  /** How many were committed since the founding. */
  get changes(): number {
    return Math.max(0, this.#committed.length - 1);
  }

  /** Two that follow each other share a voter of each of their majorities (Raft thesis 4.1, 4.3). */
  committed({ index, kind, data }: Entry): void {
    if (kind !== 'membership') return;
    const membership = decodeMembership(data);
    const before = this.#committed.at(-1)?.membership;
    this.#committed.push({ index, membership });
    if (before === undefined) {
      const isWhole = sizeOf(membership) === this.#listedSize && membership.voters.length >= majority(this.#listedSize);
      return this.#require(isWhole, 'founded by the list', `entry ${index} founds a cluster of ${sizeOf(membership)}`);
    }
    this.#require(
      overlaps(before, membership),
      'one change at a time',
      `entry ${index} is too far from the one before`,
    );
    this.#require(membership.voters.length >= majority(sizeOf(membership)), 'a quorum has names', `entry ${index}`);
  }

  /** Whoever is told that it was removed was: a member by one that was committed, and no more by one that cannot be undone. */
  removed({ id, incarnation }: SimulatedNode, index: number): void {
    const by = this.#committed.find((entry) => entry.index === index);
    const isGone = by !== undefined && !names(by.membership, { id, incarnation });
    this.#require(isGone, 'who is told to go was removed', `${id} is told by entry ${index}`);
    const wasThere = this.#committed.some((one) => one.index < index && names(one.membership, { id, incarnation }));
    this.#require(wasThere, 'who is told to go was a member', `${id} is told by entry ${index}`);
  }
}

function overlaps(before: Membership, after: Membership): boolean {
  if (after.outgoing !== null) return before.outgoing === null && differing(before, after.outgoing) === 0;
  return differing(before, after) <= (before.outgoing === null ? 1 : 0);
}

/** Places that only one of the sets has. One that was never met, and now has a name, is the same place. */
function differing(before: VoterSet, after: VoterSet): number {
  const idsOf = ({ voters }: VoterSet): NodeId[] => voters.map(({ id, incarnation }) => `${id}/${incarnation}`);
  const [a, b] = [idsOf(before), idsOf(after)];
  const bound = before.unmet - after.unmet;
  return a.filter((id) => !b.includes(id)).length + b.filter((id) => !a.includes(id)).length - bound;
}
