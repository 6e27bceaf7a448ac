import { expect } from 'vitest';
import type { Effects } from '../../../node/src/raft/core.ts';
import { decodeMembership } from '../../../node/src/raft/membership.ts';
import type { Membership } from '../../../node/src/raft/types.ts';
import { Rig } from './rig.ts';
import type { RigOptions } from './rig.ts';

export const n4 = { kind: 'addLearner', id: 'n4', address: 'host4:7000' } as const;

/** n1 leads, has committed in its term, and is connected to all. */
export function leader(options: RigOptions = {}): Rig {
  const rig = new Rig(options);
  const others = (options.voters ?? ['n1', 'n2', 'n3']).filter((id) => id !== 'n1');
  for (const id of others) rig.meet(id);
  if (others.length > 0) rig.lead(others.slice(0, Math.ceil(others.length / 2)));
  else {
    rig.tick();
    rig.persist();
    rig.persist();
  }
  for (const id of others) rig.acknowledge(id, rig.status.lastIndex);
  expect(rig.status).toMatchObject({ role: 'leader', committedInTerm: true });
  return rig;
}

/** All of these, and this node, hold the log to its end. */
export function hold(rig: Rig, ...ids: string[]): Effects[] {
  const { lastIndex } = rig.status;
  const effects = [rig.persist()];
  for (const id of ids) if (rig.status.role === 'leader') effects.push(rig.acknowledge(id, lastIndex));
  return effects;
}

/** n4 is a learner of a cluster of three, and has the log. */
export function withLearner(options: RigOptions = {}): Rig {
  const rig = leader(options);
  rig.change(n4);
  hold(rig, 'n2');
  rig.meet('n4');
  rig.refuse('n4', rig.status.lastIndex - 1, 0, 0);
  rig.acknowledge('n4', rig.status.lastIndex);
  return rig;
}

export function votersOf({ status }: Rig): string[] {
  return status.membership!.voters.map(({ id }) => id);
}

export function appended({ persist }: Effects): Membership[] {
  return (persist?.entries ?? []).filter(({ kind }) => kind === 'membership').map(({ data }) => decodeMembership(data));
}

export const refusal = (effects: Effects): unknown => (effects.change?.accepted === false ? effects.change.code : null);
