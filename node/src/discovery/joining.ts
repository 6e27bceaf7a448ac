import type { Founder, Founding, Located } from './founding.ts';
import type { ListedMember } from './member-list.ts';

/** What a node without a log does by its list: it founds with others, waits to be admitted by them, or waits to know. */
export type Joining =
  | { readonly kind: 'found'; readonly founding: Founding }
  | { readonly kind: 'join'; readonly founding: Founding }
  | { readonly kind: 'wait'; readonly reason: string };

export interface JoiningView {
  readonly self: { readonly nodeId: string; readonly isLearner: boolean };
  /** Who founds the cluster: written once, before anybody founds, and the same for all. Null: not known yet. */
  readonly founders: readonly Founder[] | null;
  /** As it is on this machine now. */
  readonly list: readonly ListedMember[];
  /** Who answers at the addresses of the list. */
  readonly met: readonly Located[];
}

/**
 * Whether to found or to join. The list may be another one on every machine and at every moment, so it is never counted by: those who
 * found are the founders, by a majority of them, as with any fixed list (ADR 11). The list only keeps them from it, as long as it has
 * others that may know of a cluster: two founders on new disks must not found again what others have (ADR 114).
 */
export function nextJoining({ self, founders, list, met }: JoiningView): Joining {
  const wait = (reason: string): Joining => ({ kind: 'wait', reason });
  const own = list.find(({ id }) => id === self.nodeId);
  if (own === undefined) return wait(`the list has no "${self.nodeId}": ${list.map(({ id }) => id).join(', ')}`);
  if (own.isLearner !== self.isLearner) {
    const role = (isLearner: boolean): string => (isLearner ? 'a learner' : 'a voter');
    return wait(`the list has this node as ${role(own.isLearner)}, and CLUSTER_ROLE as ${role(self.isLearner)}`);
  }
  if (founders === null) return wait('it is not known yet who founds the cluster');
  const known = met.filter(({ nodeId, address }) => list.some((one) => one.id === nodeId && one.address === address));
  const member = known.find(({ clusterId }) => clusterId !== null);
  if (member !== undefined) return { kind: 'join', founding: { founders, clusterId: member.clusterId } };
  const names = founders.map(({ id }) => id).join(', ');
  if (!founders.some(({ id }) => id === self.nodeId)) {
    return wait(`the cluster is founded by ${names}: waiting for its leader to admit this node`);
  }
  const gone = founders.filter(({ id }) => !list.some((one) => one.id === id && !one.isLearner));
  if (gone.length > 0) {
    const missing = gone.map(({ id }) => id).join(', ');
    return wait(`of ${names}, who found the cluster, the list has no ${missing} as a voter: nobody founds it again`);
  }
  const silent = list.filter(
    ({ id, isLearner }) =>
      !isLearner && !founders.some((founder) => founder.id === id) && !known.some(({ nodeId }) => nodeId === id),
  );
  if (silent.length > 0) {
    const missing = silent.map(({ id }) => id).join(', ');
    return wait(`waiting for ${missing}, who may know of a cluster already: ${names} found one if nobody does`);
  }
  return { kind: 'found', founding: { founders, clusterId: null } };
}
