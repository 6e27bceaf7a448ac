import { invariant } from '../lib/invariant.ts';
import type { Entry, Incarnation, Member, Membership, NodeId, SnapshotMetadata } from './types.ts';

/** The incarnation a voter is bound to; null: no voter of this name. */
export function boundIncarnation(membership: Membership, id: NodeId): Incarnation | null {
  return membership.voters.find((voter) => voter.id === id)?.incarnation ?? null;
}

export function isBoundVoter(membership: Membership, member: Member): boolean {
  return boundIncarnation(membership, member.id) === member.incarnation;
}

/** A listed member that was met after the founding takes one of the unmet places; the quorum stays the same. */
export function bind(membership: Membership, member: Member): Membership {
  invariant(membership.unmet > 0, `no unmet place is left for ${member.id}`);
  invariant(boundIncarnation(membership, member.id) === null, `${member.id} is bound already`);
  return { ...membership, voters: [...membership.voters, member], unmet: membership.unmet - 1 };
}

/** The data of a membership entry: JSON, since it is rare, small and read by people who look into a log. */
export function encodeMembership(membership: Membership): Uint8Array {
  const { clusterId, voters, unmet } = membership;
  return new TextEncoder().encode(
    JSON.stringify({ clusterId, voters: voters.map(({ id, incarnation }) => ({ id, incarnation })), unmet }),
  );
}

/** A membership entry that does not decode was never written by a leader of ours: the log is not what it claims to be. */
export function decodeMembership(data: Uint8Array): Membership {
  const parsed: unknown = JSON.parse(new TextDecoder().decode(data));
  invariant(isMembership(parsed), 'a membership entry holds something else');
  return parsed;
}

function isMembership(value: unknown): value is Membership {
  const { clusterId, voters, unmet } = fieldsOf(value, ['clusterId', 'voters', 'unmet']);
  const isCount = Number.isSafeInteger(unmet) && (unmet as number) >= 0;
  return typeof clusterId === 'string' && Array.isArray(voters) && voters.every(isMember) && isCount;
}

function isMember(value: unknown): boolean {
  const { id, incarnation } = fieldsOf(value, ['id', 'incarnation']);
  return typeof id === 'string' && typeof incarnation === 'string';
}

/** Nothing at all of a value with other fields too: a newer program may count by them, and then this one would count wrong. */
function fieldsOf(value: unknown, known: readonly string[]): Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return {};
  return Object.keys(value).every((key) => known.includes(key)) ? (value as Record<string, unknown>) : {};
}

/**
 * The memberships in the log, in order. The newest one counts from the moment it is appended, committed or not, and the one
 * before it counts again when it is truncated (Raft thesis 4.1; raft.md M2, M8). What a snapshot knows replaces what was before it.
 */
export class MembershipHistory {
  readonly #entries: { readonly index: number; readonly membership: Membership }[] = [];

  /** Of a log whose beginning is in `snapshot`; `entries` are those behind it. */
  static recovered(snapshot: SnapshotMetadata | null, entries: readonly Entry[]): MembershipHistory {
    const history = new MembershipHistory();
    if (snapshot !== null) history.reset(snapshot);
    history.append(entries.filter(({ index }) => index > (snapshot?.index ?? 0)));
    return history;
  }

  get current(): Membership | null {
    return this.#entries.at(-1)?.membership ?? null;
  }

  /** Index of the entry that holds the current membership; 0 before the founding. */
  get index(): number {
    return this.#entries.at(-1)?.index ?? 0;
  }

  /** Returns whether one of the entries changed the membership. */
  append(entries: readonly Entry[]): boolean {
    const before = this.index;
    for (const { kind, index, data } of entries) {
      if (kind === 'membership') this.#entries.push({ index, membership: decodeMembership(data) });
    }
    return this.index !== before;
  }

  /** The newest one that the log held at `index`; null before the founding. */
  at(index: number): { readonly index: number; readonly membership: Membership } | null {
    return this.#entries.findLast((entry) => entry.index <= index) ?? null;
  }

  /** The snapshot's is the only one that is known now (raft.md S10). */
  reset({ membership, membershipIndex }: SnapshotMetadata): boolean {
    const isNews = this.index !== membershipIndex;
    this.#entries.splice(0, Infinity, { index: membershipIndex, membership });
    return isNews;
  }

  /** Forgets those that a newer one has replaced for good, since `index` is committed. */
  compact(index: number): void {
    const replaced = this.#entries.findLastIndex((entry) => entry.index <= index);
    if (replaced > 0) this.#entries.splice(0, replaced);
  }

  truncateFrom(index: number): boolean {
    const before = this.index;
    while (this.index >= index && this.#entries.length > 0) this.#entries.pop();
    return this.index !== before;
  }
}
