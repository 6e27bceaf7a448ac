import { describe, expect, it } from 'vitest';
import { applySliceMs } from '../../../node/src/consensus/applier.ts';
import { defaultRaftLimits } from '../../../node/src/consensus/options.ts';
import { maxPendingProposals } from '../../../node/src/consensus/proposals.ts';
import type { RaftInput } from '../../../node/src/raft/core.ts';
import type { Rig } from './twins.ts';
import { ScriptedCore, batch, entry, openRig, roleChanged } from './twins.ts';

const bytes = (text: string): Buffer => Buffer.from(text);

/** A core that leads term 3 and appends whatever is proposed from index 1 on. */
function leaderCore(): ScriptedCore {
  const core = new ScriptedCore();
  core.state = { ...core.state, role: 'leader', term: 3, committedInTerm: true };
  let nextIndex = 1;
  core.respond = (input) => {
    if (input.kind !== 'propose') return {};
    const firstIndex = nextIndex;
    nextIndex += input.data.length;
    return { proposal: { accepted: true, term: 3, firstIndex }, persist: batch(firstIndex) };
  };
  return core;
}

async function openLeader(overrides: Parameters<typeof openRig>[0] = {}): Promise<Rig> {
  const rig = await openRig({ core: leaderCore(), ...overrides });
  rig.step({ events: [roleChanged('leader', 3)] });
  return rig;
}

const proposed = (inputs: readonly RaftInput[]): string[][] =>
  inputs.flatMap((input) => (input.kind === 'propose' ? [input.data.map((data) => Buffer.from(data).toString())] : []));

const outcomeOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    (value) => value,
    (error: unknown) => error,
  );

describe('a proposal', () => {
  it('resolves with what apply returned, once it is committed and applied here', async () => {
    const { consensus, time, step, machine } = await openLeader();
    const promise = consensus.propose(bytes('x'));
    time.runDeferred();
    step({ committed: [entry(1, 'x', 3)] });
    await expect(promise).resolves.toEqual({ index: 1, result: 'X' });
    expect(machine.applied).toEqual(['x']);
  });

  it('shares one input of the core with all others of the same turn', async () => {
    const { consensus, time, core, step } = await openLeader();
    const all = Promise.all(['x', 'y', 'z'].map((text) => consensus.propose(bytes(text))));
    expect(proposed(core.inputs)).toEqual([]);
    time.runDeferred();
    expect(proposed(core.inputs)).toEqual([['x', 'y', 'z']]);
    step({ committed: [entry(1, 'x', 3), entry(2, 'y', 3), entry(3, 'z', 3)] });
    await expect(all).resolves.toEqual([
      { index: 1, result: 'X' },
      { index: 2, result: 'Y' },
      { index: 3, result: 'Z' },
    ]);
  });

  describe('that comes while another is neither durable here nor committed', () => {
    async function oneUnderWay(): Promise<Rig & { readonly next: Promise<unknown> }> {
      const rig = await openLeader();
      void outcomeOf(rig.consensus.propose(bytes('x')));
      rig.time.runDeferred();
      const next = outcomeOf(Promise.all(['y', 'z'].map((text) => rig.consensus.propose(bytes(text)))));
      rig.time.runDeferred();
      expect(proposed(rig.core.inputs)).toEqual([['x']]);
      return { ...rig, next };
    }

    it('waits with all others until the disk has it', async () => {
      const { core, store } = await oneUnderWay();
      await store.finish(1);
      expect(proposed(core.inputs)).toEqual([['x'], ['y', 'z']]);
    });

    it('or until it is committed without this disk', async () => {
      const { core, step } = await oneUnderWay();
      step({ committed: [entry(1, 'x', 3)] });
      expect(proposed(core.inputs)).toEqual([['x'], ['y', 'z']]);
    });

    it('or until the leadership is lost: then it was not appended', async () => {
      const { core, step, next } = await oneUnderWay();
      core.respond = () => ({ proposal: { accepted: false, reason: 'notLeader', leaderId: 'b' } });
      step({ events: [roleChanged('follower', 4, 'b is in term 4')] });
      expect(await next).toMatchObject({ code: 'NOT_LEADER' });
    });

    it('or until this member ends', async () => {
      const { consensus, next } = await oneUnderWay();
      void consensus.close();
      expect(await next).toMatchObject({ code: 'SHUTTING_DOWN' });
    });
  });

  it('is split into inputs of at most one append message; a larger one goes alone (H1)', async () => {
    const limits = { ...defaultRaftLimits, maxAppendBytes: 4 };
    const { consensus, time, core } = await openLeader({ limits });
    for (const text of ['ab', 'cd', 'e', 'too long', 'f']) void outcomeOf(consensus.propose(bytes(text)));
    time.runDeferred();
    expect(proposed(core.inputs)).toEqual([['ab', 'cd'], ['e'], ['too long'], ['f']]);
  });

  it('whose place another entry took has an unknown outcome', async () => {
    const { consensus, time, step } = await openLeader();
    const promise = consensus.propose(bytes('x'));
    time.runDeferred();
    step({ committed: [entry(1, 'of another leader', 4)] });
    await expect(promise).rejects.toMatchObject({ code: 'OUTCOME_UNKNOWN' });
  });

  it('has an unknown outcome when the leadership is lost, unless it is committed already (H3)', async () => {
    const { consensus, time, step } = await openLeader();
    const committed = consensus.propose(bytes('x'));
    const appended = consensus.propose(bytes('y'));
    time.runDeferred();
    step({ committed: [entry(1, 'x', 3)], events: [roleChanged('follower', 4, 'b is in term 4')] });
    await expect(committed).resolves.toEqual({ index: 1, result: 'X' });
    await expect(appended).rejects.toMatchObject({
      code: 'OUTCOME_UNKNOWN',
      message: expect.stringContaining('b is in term 4') as string,
    });
  });

  it('to a node that does not lead is refused and names the leader', async () => {
    const { consensus, time, core } = await openRig();
    core.respond = () => ({ proposal: { accepted: false, reason: 'notLeader', leaderId: 'b' } });
    const promise = outcomeOf(consensus.propose(bytes('x')));
    time.runDeferred();
    expect(await promise).toMatchObject({ code: 'NOT_LEADER', message: expect.stringContaining('"b"') as string });
  });

  it('to a leader that has committed nothing in its term is refused for now', async () => {
    const { consensus, time, core } = await openRig();
    core.respond = () => ({ proposal: { accepted: false, reason: 'notReady', leaderId: 'a' } });
    const promise = outcomeOf(consensus.propose(bytes('x')));
    time.runDeferred();
    expect(await promise).toMatchObject({ code: 'BUSY' });
  });

  it.each([
    ['busy', 'BUSY'],
    ['tooLarge', 'TOO_LARGE'],
  ] as const)('that the core refuses as %s is %s', async (reason, code) => {
    const { consensus, time, core } = await openRig();
    core.respond = () => ({ proposal: { accepted: false, reason, leaderId: null } });
    const promise = outcomeOf(consensus.propose(bytes('x')));
    time.runDeferred();
    expect(await promise).toMatchObject({ code });
  });

  it('that is too large is refused alone, without its neighbours', async () => {
    const limits = { ...defaultRaftLimits, maxProposalBytes: 3 };
    const { consensus, time, core } = await openLeader({ limits });
    void outcomeOf(consensus.propose(bytes('abc')));
    expect(await outcomeOf(consensus.propose(bytes('abcd')))).toMatchObject({ code: 'TOO_LARGE' });
    time.runDeferred();
    expect(proposed(core.inputs)).toEqual([['abc']]);
  });

  it('beyond the bounds on number and bytes is refused as busy', async () => {
    const { consensus } = await openLeader({ limits: { ...defaultRaftLimits, maxUncommittedBytes: 10 } });
    void outcomeOf(consensus.propose(Buffer.alloc(8)));
    expect(await outcomeOf(consensus.propose(Buffer.alloc(3)))).toMatchObject({ code: 'BUSY' });
    const other = await openLeader();
    for (let count = 0; count < maxPendingProposals; count++) void outcomeOf(other.consensus.propose(bytes('x')));
    other.time.runDeferred();
    expect(await outcomeOf(other.consensus.propose(bytes('x')))).toMatchObject({ code: 'BUSY' });
  });

  it('is unknown at shutdown when it was appended, and undone when it was not (H3)', async () => {
    const { consensus, time } = await openLeader();
    const appended = outcomeOf(consensus.propose(bytes('x')));
    time.runDeferred();
    const waiting = outcomeOf(consensus.propose(bytes('y')));
    await consensus.close();
    expect(await appended).toMatchObject({ code: 'OUTCOME_UNKNOWN' });
    expect(await waiting).toMatchObject({ code: 'SHUTTING_DOWN' });
    expect(await outcomeOf(consensus.propose(bytes('z')))).toMatchObject({ code: 'SHUTTING_DOWN' });
  });
});

describe('applying', () => {
  it('gives the state machine commands alone, in order, and reports the index they reach', async () => {
    const { step, machine, events, consensus } = await openRig();
    step({ committed: [entry(1), entry(2, 'x'), { ...entry(3, 'm'), kind: 'membership' }, entry(4, 'y')] });
    expect(machine.applied).toEqual(['x', 'y']);
    expect(events).toEqual([{ kind: 'applied', index: 4 }]);
    expect(consensus.status().appliedIndex).toBe(4);
  });

  it('a long replay gives way to the event loop: heartbeats are stepped between slices', async () => {
    const rig = await openRig();
    const { step, machine, time, core } = rig;
    const apply = machine.apply.bind(machine);
    machine.apply = (command) => {
      time.nowMs += 1;
      return apply(command);
    };
    const count = 3 * applySliceMs;
    step({ committed: Array.from({ length: count }, (_, at) => entry(at + 1, `${at}`)) });
    expect(machine.applied).toHaveLength(applySliceMs);
    const before = core.inputs.length;
    step({});
    expect(core.inputs.length).toBe(before + 1);
    expect(machine.applied).toHaveLength(applySliceMs);
    time.runDeferred();
    time.runDeferred();
    expect(machine.applied).toEqual(Array.from({ length: count }, (_, at) => `${at}`));
    expect(rig.events.map((event) => event.kind === 'applied' && event.index)).toEqual([5, 10, 15]);
  });

  it('what is committed from within an observer is applied in a later turn, in order', async () => {
    const { step, machine, consensus, time } = await openRig();
    let nested = false;
    consensus.subscribe(
      () => {
        if (nested) return;
        nested = true;
        step({ committed: [entry(2, 'second')] });
      },
      ({ kind }) => kind === 'applied',
    );
    step({ committed: [entry(1, 'first')] });
    expect(machine.applied).toEqual(['first']);
    time.runDeferred();
    expect(machine.applied).toEqual(['first', 'second']);
  });

  it('nothing more is applied or reported after close, not even the rest of a slice', async () => {
    const { step, machine, time, consensus, events } = await openRig();
    const apply = machine.apply.bind(machine);
    machine.apply = (command) => {
      time.nowMs += applySliceMs;
      return apply(command);
    };
    step({ committed: [entry(1, 'x'), entry(2, 'y')] });
    await consensus.close();
    time.runDeferred();
    expect(machine.applied).toEqual(['x']);
    expect(events).toEqual([{ kind: 'applied', index: 1 }]);
    expect(time.deferredCount).toBe(0);

    const leader = await openLeader();
    leader.consensus.subscribe((event) => {
      if (event.kind === 'leadershipGained') void leader.consensus.close();
    });
    leader.step({ committed: [entry(1, 'x', 3), entry(2, 'y', 3)] });
    expect(leader.machine.applied).toEqual(['x']);
    expect(leader.events.filter(({ kind }) => kind === 'applied')).toEqual([]);
  });

  it('a state machine that throws is fatal', async () => {
    const { step, machine, events } = await openRig();
    machine.apply = () => {
      throw new Error('cannot apply');
    };
    step({ committed: [entry(1, 'x')] });
    expect(events).toMatchObject([{ kind: 'fatal', error: { message: 'cannot apply' } }]);
  });
});
