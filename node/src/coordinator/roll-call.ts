import type { Consensus, ConsensusStatus } from '../consensus/consensus.ts';
import type { Clock } from '../lib/clock.ts';

/** Listed members that cannot take part in a run yet: not connected, or not admitted. By id where it is known, else by address. */
export function missingMembers(consensus: Pick<Consensus<unknown>, 'peers' | 'status'>): readonly string[] {
  const members = memberNames(consensus.status());
  return consensus
    .peers()
    .filter(({ identity, state }) => state !== 'connected' || identity === null || !members.includes(identity.nodeId))
    .map(({ address, expectedId, identity }) => identity?.nodeId ?? expectedId ?? address);
}

/** Voters and learners: both generate load. */
export function memberNames({ membership }: Pick<ConsensusStatus, 'membership'>): readonly string[] {
  return [...(membership?.voters.map(({ id }) => id) ?? []), ...(membership?.learners ?? [])];
}

/** Calls back once, with who is missing: as soon as nobody is, or at `untilMs`. The returned function gives it up. */
export function whenComplete(
  consensus: Pick<Consensus<unknown>, 'peers' | 'status' | 'subscribe'>,
  clock: Clock,
  untilMs: number,
  callback: (missing: readonly string[]) => void,
): () => void {
  const isComplete = (): boolean => missingMembers(consensus).length === 0;
  if (isComplete()) {
    callback([]);
    return () => undefined;
  }
  const giveUp = (): void => {
    cancel();
    unsubscribe();
  };
  const end = (): void => {
    giveUp();
    callback(missingMembers(consensus));
  };
  const cancel = clock.at(untilMs, end);
  const unsubscribe = consensus.subscribe(() => {
    if (isComplete()) end();
  });
  return giveUp;
}
