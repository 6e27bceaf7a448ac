import { describe, expect, it } from 'vitest';
import type { Effects } from '../../../node/src/raft/core.ts';
import { encodeMembership, foundedBy } from '../../../node/src/raft/membership.ts';
import type { Entry, Membership } from '../../../node/src/raft/types.ts';
import { openRig, peer, roleChanged, ScriptedCore, turn } from './twins.ts';
import type { Rig } from './twins.ts';

const trio = foundedBy({ clusterId: 'c', voters: ['a', 'b', 'c'].map((id) => ({ id, incarnation: '1' })), unmet: 0 });
const withD: Membership = { ...trio, learners: ['d'], addresses: { d: 'host-d:7000' } };
const joint: Membership = { ...trio, outgoing: { voters: trio.voters, unmet: 0 } };

const entryOf = (index: number, membership: Membership, term = 1): Entry => ({
  ...{ index, term, kind: 'membership', data: encodeMembership(membership) },
});

/** A leader that takes every change, as entry 2 of term 1. */
async function leader(membership = trio): Promise<Rig> {
  const core = new ScriptedCore();
  core.state = { ...core.state, role: 'leader', membership };
  core.respond = (input): Partial<Effects> =>
    input.kind === 'change' ? { change: { accepted: true, term: 1, index: 2 } } : {};
  const rig = await openRig({ core });
  rig.step({ events: [roleChanged('leader', 1)], committed: [entryOf(1, trio)] });
  return rig;
}

/** What became of it, once all that needs no time has happened; null: nothing yet. */
async function codeOf(promise: Promise<void>): Promise<string | null> {
  let code: string | null = null;
  promise.then(
    () => (code = 'made'),
    (error: unknown) => (code = (error as { code: string }).code),
  );
  for (let turns = 0; turns < 3; turns += 1) await turn();
  return code;
}

describe('a change of members', () => {
  it('is made when its entry is applied, and not before', async () => {
    const { consensus, step, core } = await leader();
    const change = consensus.addNode('d', 'host-d:7000');
    expect(core.inputs.at(-1)).toEqual({
      kind: 'change',
      changes: [{ kind: 'addLearner', id: 'd', address: 'host-d:7000' }],
    });
    expect(await codeOf(change)).toBeNull();
    step({ committed: [entryOf(2, withD)] });
    expect(await codeOf(change)).toBe('made');
  });

  it('by way of a joint membership is made when that is left', async () => {
    const { consensus, step } = await leader(joint);
    const change = consensus.changeMembers([
      { kind: 'demote', id: 'b' },
      { kind: 'promote', id: 'd' },
    ]);
    step({ committed: [entryOf(2, joint)] });
    expect(await codeOf(change)).toBeNull();
    step({ committed: [entryOf(3, trio)] });
    expect(await codeOf(change)).toBe('made');
  });

  it.each([
    ['inProgress', 'CHANGE_IN_PROGRESS'],
    ['notCaughtUp', 'NOT_CAUGHT_UP'],
    ['quorumAtRisk', 'QUORUM_AT_RISK'],
    ['impossible', 'CHANGE_IMPOSSIBLE'],
    ['notLeader', 'NOT_LEADER'],
  ] as const)('that the core refuses as %s is refused as %s, saying why', async (code, expected) => {
    const core = new ScriptedCore();
    core.respond = (input): Partial<Effects> =>
      input.kind === 'change' ? { change: { accepted: false, code, reason: 'the reason', leaderId: 'b' } } : {};
    const { consensus } = await openRig({ core });
    await expect(consensus.promote('d')).rejects.toMatchObject({
      code: expected,
      message: expect.stringMatching(/the reason|"b" does/) as string,
    });
  });

  it.each(['nonsense:port', '', 'h:1,x=h:2', '::1'])(
    'is refused with the address "%s", before it comes into the log',
    async (at) => {
      const { consensus, core } = await leader();
      const inputs = core.inputs.length;
      await expect(consensus.addNode('d', at)).rejects.toMatchObject({ code: 'CHANGE_IMPOSSIBLE' });
      expect(core.inputs).toHaveLength(inputs);
    },
  );

  it('H3: is unknown when the leadership is lost before it is committed, or another entry took its place', async () => {
    const lost = await leader();
    const change = lost.consensus.removeNode('c');
    lost.step({ events: [roleChanged('follower', 2)] });
    expect(await codeOf(change)).toBe('OUTCOME_UNKNOWN');

    const replaced = await leader();
    const other = replaced.consensus.removeNode('c');
    replaced.step({ committed: [entryOf(2, trio, 2)] });
    expect(await codeOf(other)).toBe('OUTCOME_UNKNOWN');
  });

  it('H3: is ended by the end of this member', async () => {
    const { consensus } = await leader();
    const change = consensus.demote('b');
    const ended = codeOf(change);
    void consensus.close();
    expect(await ended).toBe('OUTCOME_UNKNOWN');
    expect(await codeOf(consensus.demote('b'))).toBe('SHUTTING_DOWN');
  });
});

describe('the transport', () => {
  const changed = (membership: Membership): Partial<Effects> => ({
    events: [{ kind: 'membershipChanged', membership, index: 2 }],
  });

  it('reaches who was added, from the moment the entry is here, and from the start where the log has it', async () => {
    const rig = await leader();
    rig.step(changed(withD));
    expect([...rig.transport.added]).toEqual([['d', 'host-d:7000']]);
    const restarted = await leader(withD);
    expect([...restarted.transport.added]).toEqual([['d', 'host-d:7000']]);
  });

  it('drops who was removed once its connection ends, since over it, it learns that it was', async () => {
    const { step, transport } = await leader(withD);
    transport.handlers.onPeerUp(peer('d'));
    step(changed(trio));
    expect(transport.added.size).toBe(1);
    transport.handlers.onPeerDown(peer('d'), 'closed');
    expect(transport.added.size).toBe(0);
  });

  it('drops who was added by an entry that gave way to another leader, and follows who comes back elsewhere', async () => {
    const { step, transport } = await leader();
    step(changed(withD));
    step(changed(trio));
    expect(transport.added.size).toBe(0);
    step(changed({ ...withD, addresses: { d: 'elsewhere:7000' } }));
    expect([...transport.added]).toEqual([['d', 'elsewhere:7000']]);
    transport.handlers.onPeerUp(peer('d'));
    step(changed({ ...withD, addresses: { d: 'back:7000' } }));
    expect([...transport.added]).toEqual([['d', 'back:7000']]);
  });
});

it('a member that was removed says so, and ends', async () => {
  const { step, events, consensus } = await leader();
  step({ events: [{ kind: 'removed', index: 7, term: 1 }] });
  expect(events).toContainEqual({ kind: 'raft', event: { kind: 'removed', index: 7, term: 1 } });
  const fatal = events.find((event) => event.kind === 'fatal');
  expect(fatal).toMatchObject({ error: { code: 'REMOVED', isFatal: true } });
  await expect(consensus.propose(Buffer.from('x'))).rejects.toMatchObject({ code: 'SHUTTING_DOWN' });
});
