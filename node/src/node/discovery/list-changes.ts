import type { ListedMember } from '../../discovery/member-list.ts';
import type { MemberChange } from '../../raft/change.ts';
import { majority } from '../../raft/quorum.ts';
import { changeable, nextAdmission, type Situation } from './admissions.ts';

/** What members say of the list as their machines have it now: the ids in it. Only answers of this moment are in it. */
export type Lists = ReadonlyMap<string, ReadonlySet<string>>;

export interface ListView {
  /** As this node has it; null: it was never read. */
  readonly list: readonly ListedMember[] | null;
  /** This node's own among them, where it was read lately. */
  readonly lists: Lists;
}

/**
 * What a leader does next so that the members become those of the list: at most one change that lets somebody in and one that removes
 * somebody, the first first, so that the cluster does not shrink before it grows. Who comes is admitted by the leader's list alone: it
 * was there to be asked, and answered. Who goes is removed by agreement.
 */
export function nextByList(situation: Situation, { list, lists }: ListView): readonly MemberChange[] {
  if (list === null) return [];
  const at = new Map(list.map(({ id, address }) => [id, address]));
  // A learner that is to go must not become a voter first.
  const peers = situation.peers.filter(({ identity }) => identity === null || at.has(identity.nodeId));
  const met = situation.met.filter(({ nodeId, address }) => at.get(nodeId) === address);
  return [nextAdmission({ ...situation, met, peers }) ?? [], nextRemoval(situation, list, lists) ?? []].flat();
}

/**
 * Who is a member and not in the list, one at a time, voters first. Machines see a change of the list at different moments, and a leader's
 * own may be the oldest there is. So those decide who would stay: a majority of the voters in the leader's list must say now that
 * theirs lacks it, too, and of all who answer nobody may say that theirs has it. What the one that is to go says counts for nothing:
 * nobody tells it (ADR 114). Whether the voters that stay are alive is for the core to judge.
 */
function nextRemoval({ status }: Situation, list: readonly ListedMember[], lists: Lists): MemberChange | null {
  const membership = changeable(status);
  if (membership === null) return null;
  const listed = new Set(list.map(({ id }) => id));
  const voters = membership.voters.map(({ id }) => id);
  const staying = voters.filter((id) => listed.has(id));
  const mayGo = (id: string): boolean => {
    const has = [...lists].filter(([from]) => listed.has(from)).map(([from, ids]) => [from, ids.has(id)] as const);
    if (has.some(([, hasIt]) => hasIt)) return false;
    const agreed = has.filter(([from]) => staying.includes(from)).length;
    return agreed >= majority(staying.length);
  };
  const gone = [...voters, ...membership.learners].find((id) => !listed.has(id) && mayGo(id));
  return gone === undefined ? null : { kind: 'remove', id: gone };
}
