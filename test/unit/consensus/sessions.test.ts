import { describe, expect, it } from 'vitest';
import type { Session } from '../../../node/src/consensus/sessions/session.ts';
import { decodeEnvelope, encodeCommand } from '../../../node/src/consensus/sessions/envelope.ts';
import { Sessions } from '../../../node/src/consensus/sessions/sessions.ts';
import { defaultSessionLimits, SessionTable } from '../../../node/src/consensus/sessions/table.ts';
import type { SessionLimits } from '../../../node/src/consensus/sessions/table.ts';
import type { StateMachine } from '../../../node/src/consensus/consensus.ts';
import type { MemoryMember } from './memory-cluster.ts';
import { MemoryCluster } from './memory-cluster.ts';

describe('the table of sessions', () => {
  const table = (limits: Partial<SessionLimits> = {}): SessionTable<number> =>
    new SessionTable({ ...defaultSessionLimits, ...limits });
  let applied = 0;
  const count = (): number => ++applied;

  it('applies a command once, in whichever order several come, and answers each copy with the first result', () => {
    const sessions = table();
    sessions.open(7);
    const second = sessions.run(7, 2, 1, count);
    const first = sessions.run(7, 1, 1, count);
    expect(sessions.run(7, 2, 1, count)).toEqual(second);
    expect(sessions.run(7, 1, 1, count)).toEqual(first);
    expect(second).not.toEqual(first);
  });

  it('forgets answers that nobody waits for, and does not apply such a command again', () => {
    const sessions = table({ maxPending: 2 });
    sessions.open(7);
    for (let sequence = 1; sequence <= 5; sequence += 1) sessions.run(7, sequence, sequence, count);
    const before = applied;
    expect(sessions.run(7, 3, 3, count)).toEqual({ kind: 'abandoned' });
    expect(applied).toBe(before);
  });

  it('is bounded in sessions, of which the one unused for longest goes, and in answers', () => {
    const sessions = table({ maxSessions: 2, maxPending: 1 });
    sessions.open(1);
    sessions.open(2);
    sessions.run(1, 1, 1, count);
    sessions.open(3);
    expect(sessions.size).toBe(2);
    const before = applied;
    expect(sessions.run(2, 1, 1, count)).toEqual({ kind: 'expired' });
    expect(sessions.run(1, 2, 1, count)).toEqual({ kind: 'tooMany' });
    expect(applied).toBe(before);
    expect(sessions.run(1, 2, 2, count)).toMatchObject({ kind: 'done' });
  });
});

it('what a session puts around a command is read back, and nothing else is taken for it', () => {
  const command = Buffer.from('x');
  const envelope = { kind: 'command', session: 2 ** 50, sequence: 3, firstPending: 2 };
  expect(decodeEnvelope(encodeCommand(2 ** 50, 3, 2, command))).toMatchObject(envelope);
  for (const other of ['', 'x', '\u0002short', '\u0001neither']) expect(decodeEnvelope(Buffer.from(other))).toBeNull();
});

interface Client {
  readonly cluster: MemoryCluster;
  readonly machines: Map<string, Sessions<string>>;
  readonly session: (member: MemoryMember, timeoutMs?: number) => Promise<Session<string>>;
}

async function open(limits?: SessionLimits): Promise<Client> {
  const machines = new Map<string, Sessions<string>>();
  const cluster = await MemoryCluster.openWith(
    {
      around: (recorder, id) => {
        const sessions = new Sessions<string>(recorder, limits);
        machines.set(id, sessions);
        return sessions as unknown as StateMachine<string>;
      },
    },
    ...['a', 'b', 'c'],
  );
  for (const { id, consensus } of cluster.members.values()) machines.get(id)!.serve(consensus);
  const session = async ({ id, consensus }: MemoryMember, timeoutMs = 4_000): Promise<Session<string>> => {
    const opening = machines.get(id)!.open(consensus, { clock: cluster.time.clock, timeoutMs });
    return (await cluster.outcome(opening)) as Session<string>;
  };
  return { cluster, machines, session };
}

const bytes = (text: string): Buffer => Buffer.from(text);

describe('a session', () => {
  it('is opened on any member, and its commands are applied once, with their results', async () => {
    const { cluster, session } = await open();
    const leader = await cluster.leader();
    const [follower] = cluster.others(leader);
    const one = await session(follower!);
    expect(await cluster.outcome(one.apply(bytes('x')))).toBe('X');
    // Its own write is applied where it was made.
    expect(follower!.machine.applied).toEqual(['x']);
    expect(await cluster.outcome(Promise.all(['y', 'z'].map((text) => one.apply(bytes(text)))))).toEqual(['Y', 'Z']);
    await cluster.allApplied(['x', 'y', 'z']);
  });

  it('is not harmed by copies of its commands that come late, from wherever', async () => {
    const { cluster, session } = await open();
    const leader = await cluster.leader();
    const one = await session(leader);
    for (const text of ['x', 'y']) expect(await cluster.outcome(one.apply(bytes(text)))).toBe(text.toUpperCase());
    for (const sequence of [1, 2, 2]) {
      await cluster.outcome(leader.consensus.propose(encodeCommand(one.id, sequence, 1, bytes('again'))));
    }
    expect(await cluster.outcome(one.apply(bytes('z')))).toBe('Z');
    await cluster.allApplied(['x', 'y', 'z']);
  });

  it('repeats what a lost leader may or may not have committed, and it takes effect once', async () => {
    const { cluster, session } = await open();
    const first = await cluster.leader();
    const [follower] = cluster.others(first);
    const one = await session(follower!);
    const expected: string[] = [];
    for (let round = 0; round < 6; round += 1) {
      const leader = await cluster.leader();
      const text = `w${round}`;
      const applied = one.apply(bytes(text));
      cluster.time.runDeferred();
      // The leader vanishes at another moment of the exchange in each round.
      cluster.time.advance(round);
      const isMine = leader === follower;
      if (!isMine) cluster.isolate(leader.id);
      expect(await cluster.outcome(applied)).toBe(text.toUpperCase());
      expected.push(text);
      if (!isMine) cluster.rejoin(leader.id);
      await cluster.allApplied(expected);
    }
  });

  it('that is cut off ends as unknown, or as refused where nothing can have happened', async () => {
    const { cluster, session } = await open();
    const leader = await cluster.leader();
    const [follower] = cluster.others(leader);
    const one = await session(leader, 1_500);
    const two = await session(follower!, 500);
    cluster.isolate(leader.id);
    expect(await cluster.outcome(one.apply(bytes('x')))).toMatchObject({ code: 'OUTCOME_UNKNOWN' });
    cluster.rejoin(leader.id);
    await cluster.leader();
    cluster.isolate(follower!.id);
    await cluster.time.until('no leader', () => follower!.consensus.status().leaderId === null);
    expect(await cluster.outcome(two.apply(bytes('y')))).toMatchObject({ code: 'NO_LEADER' });
  });

  it('refuses at once what comes while one waits for its answer since as many commands as are remembered', async () => {
    const { cluster, session } = await open({ maxSessions: 2, maxPending: 3 });
    const one = await session(await cluster.leader());
    const first = ['a', 'b', 'c'].map((text) => one.apply(bytes(text)));
    await expect(one.apply(bytes('d'))).rejects.toMatchObject({ code: 'BUSY' });
    expect(await cluster.outcome(Promise.all(first))).toEqual(['A', 'B', 'C']);
    // Nothing of it was sent, so no copy of it can run later.
    expect(await cluster.outcome(one.apply(bytes('e')))).toBe('E');
    await cluster.allApplied(['a', 'b', 'c', 'e']);
  });

  it('ends with its member, and says that nobody knows', async () => {
    const { cluster, session } = await open();
    const leader = await cluster.leader();
    const one = await session(leader, 60_000);
    cluster.isolate(leader.id);
    const pending = cluster.outcome(one.apply(bytes('x')));
    cluster.time.runDeferred();
    await cluster.stop(leader);
    expect(await pending).toMatchObject({ code: 'OUTCOME_UNKNOWN' });
  });

  it('says so too where its member ends with the command on its way to the leader', async () => {
    const { cluster, session } = await open();
    const leader = await cluster.leader();
    const [follower] = cluster.others(leader);
    const one = await session(follower!, 60_000);
    const { lastIndex } = leader.consensus.status();
    const pending = cluster.outcome(one.apply(bytes('x')));
    await cluster.time.until('the leader to have it', () => leader.consensus.status().lastIndex > lastIndex);
    expect(follower!.machine.applied).toEqual([]);
    await cluster.stop(follower!);
    expect(await pending).toMatchObject({ code: 'OUTCOME_UNKNOWN' });
    await cluster.allApplied(['x']);
  });

  it('expires when too many others came after it, on every member alike', async () => {
    const { cluster, session } = await open({ maxSessions: 2, maxPending: 4 });
    const leader = await cluster.leader();
    const [follower] = cluster.others(leader);
    const [oldest, , newest] = [await session(leader), await session(follower!), await session(follower!)];
    expect(await cluster.outcome(oldest.apply(bytes('x')))).toMatchObject({ code: 'SESSION_EXPIRED' });
    expect(await cluster.outcome(newest.apply(bytes('y')))).toBe('Y');
    await cluster.allApplied(['y']);
  });
});
