import { setTimeout as pause } from 'node:timers/promises';
import { waitFor } from '../../../scripts/lib/wait-for.ts';
import { namesOf } from '../nemesis.ts';
import type { Battlefield, Fault, Nemesis } from '../nemesis.ts';
import type { MemberChange } from '../node-process.ts';

const patienceMs = 60_000;
/** Links may be cut at the same time, so that nobody can change anything. */
const attempts = 20;
const betweenAttemptsMs = 200;

/**
 * One voter, or two by a joint membership, become learners, the leader among them now and then, and voters again. A learner
 * counts for nothing, and every node must know from the same entry on who does.
 */
export const members: Nemesis = {
  kind: 'members change',
  async begin(field: Battlefield): Promise<Fault> {
    const { nodes, random } = field;
    const demoted = random.shuffled(nodes).slice(0, random.pick([1, 2, 2]));
    const changes = demoted.map(({ id }): MemberChange => ({ kind: 'demote', id }));
    const durationMs = random.between(500, 4_000);
    const isMade = await isChanged(field, changes);
    return {
      what: `${namesOf(demoted)} ${isMade ? 'no voter' : 'was to be no voter, but nobody could change it'}`,
      durationMs,
      heal: () => allVote(field),
    };
  },
};

async function isChanged(field: Battlefield, changes: readonly MemberChange[]): Promise<boolean> {
  for (let attempt = 0; attempt < attempts; attempt++) {
    const outcome = await (await field.leader())?.changeMembers(changes);
    if (outcome === 'ok') return true;
    await pause(betweenAttemptsMs);
  }
  return false;
}

/** Whatever became of the change, and of those whose outcome was unknown: resolves when the leader says that all vote. */
async function allVote(field: Battlefield): Promise<void> {
  await waitFor('all to be voters again', patienceMs, async () => {
    const leader = await field.leader();
    const membership = (await leader?.status())?.membership as { learners: readonly string[] } | undefined;
    if (leader === null || membership === undefined) return false;
    if (membership.learners.length === 0) return true;
    await leader.changeMembers(membership.learners.map((id): MemberChange => ({ kind: 'promote', id })));
    return false;
  });
}
