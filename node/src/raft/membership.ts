import { invariant } from '../lib/invariant.ts';
import type { Incarnation, Member, Membership, NodeId } from './types.ts';

/** The incarnation a voter is bound to, of either set of a joint membership; null: no voter of this name. */
export function boundIncarnation(membership: Membership, id: NodeId): Incarnation | null {
  const { voters, outgoing } = membership;
  const voter = voters.find((one) => one.id === id) ?? outgoing?.voters.find((one) => one.id === id);
  return voter?.incarnation ?? null;
}

export function isBoundVoter(membership: Membership, member: Member): boolean {
  return boundIncarnation(membership, member.id) === member.incarnation;
}

/** Whether the membership counts on this member, or gives it the log: a voter by its disk, a learner by its name. */
export function names(membership: Membership, member: Member): boolean {
  return isBoundVoter(membership, member) || membership.learners.includes(member.id);
}

/** Voters, those on their way out included, and learners. */
export function memberIds({ voters, outgoing, learners }: Membership): NodeId[] {
  const ids = [...voters, ...(outgoing?.voters ?? [])].map(({ id }) => id);
  return [...new Set([...ids, ...learners])];
}

/** A listed member that was met after the founding takes one of the unmet places; the quorum stays the same. */
export function bind(membership: Membership, member: Member): Membership {
  invariant(membership.unmet > 0, `no unmet place is left for ${member.id}`);
  invariant(boundIncarnation(membership, member.id) === null, `${member.id} is bound already`);
  return { ...membership, voters: [...membership.voters, member], unmet: membership.unmet - 1 };
}

type Founding = Pick<Membership, 'clusterId' | 'voters' | 'unmet'>;

/** As it is at the founding: nobody learns, nobody leaves. */
export function foundedBy(founding: Founding): Membership {
  return { ...founding, learners: [], outgoing: null, addresses: {} };
}

/**
 * The data of a membership entry: JSON, since it is rare, small and read by people who look into a log. What is empty is left
 * out.
 */
export function encodeMembership(membership: Founding & Partial<Membership>): Uint8Array {
  const { clusterId, voters, unmet, learners = [], outgoing = null, addresses = {} } = membership;
  const plain = (members: readonly Member[]): Member[] => members.map(({ id, incarnation }) => ({ id, incarnation }));
  const value = {
    ...{ clusterId, voters: plain(voters), unmet },
    ...(learners.length > 0 && { learners }),
    ...(outgoing !== null && { outgoing: { voters: plain(outgoing.voters), unmet: outgoing.unmet } }),
    ...(Object.keys(addresses).length > 0 && { addresses }),
  };
  return new TextEncoder().encode(JSON.stringify(value));
}

/** A membership entry that does not decode was never written by a leader of ours: the log is not what it claims to be. */
export function decodeMembership(data: Uint8Array): Membership {
  const parsed: unknown = JSON.parse(new TextDecoder().decode(data));
  invariant(isMembership(parsed), 'a membership entry holds something else');
  return { ...foundedBy(parsed), ...parsed };
}

function isMembership(value: unknown): value is Founding & Partial<Membership> {
  const known = ['clusterId', 'voters', 'unmet', 'learners', 'outgoing', 'addresses'];
  const { clusterId, voters, unmet, learners, outgoing, addresses } = fieldsOf(value, known);
  return (
    typeof clusterId === 'string' &&
    isVoterSet({ voters, unmet }) &&
    (learners === undefined || (Array.isArray(learners) && learners.every(isText))) &&
    (outgoing === undefined || isVoterSet(outgoing)) &&
    (addresses === undefined || (isObject(addresses) && Object.values(addresses).every(isText)))
  );
}

function isVoterSet(value: unknown): boolean {
  const { voters, unmet } = fieldsOf(value, ['voters', 'unmet']);
  return Array.isArray(voters) && voters.every(isMember) && Number.isSafeInteger(unmet) && (unmet as number) >= 0;
}

function isMember(value: unknown): boolean {
  const { id, incarnation } = fieldsOf(value, ['id', 'incarnation']);
  return isText(id) && isText(incarnation);
}

function isText(value: unknown): boolean {
  return typeof value === 'string';
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

/** Nothing at all of a value with other fields too: a newer program may count by them, and then this one would count wrong. */
function fieldsOf(value: unknown, known: readonly string[]): Record<string, unknown> {
  if (!isObject(value)) return {};
  return Object.keys(value).every((key) => known.includes(key)) ? (value as Record<string, unknown>) : {};
}
