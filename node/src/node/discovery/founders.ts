import type { Founding, Located } from '../../discovery/founding.ts';

/** Where to look for the others at first: the founders as they were, anybody who is somewhere else now, and who belongs to a cluster. */
export function contactsOf(
  selfId: string,
  founding: Founding,
  met: readonly Located[],
): Readonly<Record<string, string>> {
  const founders = founding.founders.map(({ id, address }) => [id, address] as const);
  const isFounder = (id: string): boolean => founding.founders.some((founder) => founder.id === id);
  const now = met
    .filter(({ nodeId, clusterId }) => clusterId !== null || isFounder(nodeId))
    .map(({ nodeId, address }) => [nodeId, address] as const);
  return Object.fromEntries([...founders, ...now].filter(([id]) => id !== selfId));
}
