import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Consensus, ConsensusStatus, StateMachine } from '../../../node/src/consensus/consensus.ts';
import { encodeCommand, encodeOpen } from '../../../node/src/consensus/sessions/envelope.ts';
import type { Session } from '../../../node/src/consensus/sessions/session.ts';
import { Sessions } from '../../../node/src/consensus/sessions/sessions.ts';
import type { ResultForm } from '../../../node/src/consensus/sessions/table-form.ts';
import { defaultSessionLimits } from '../../../node/src/consensus/sessions/table.ts';
import { defaultSnapshotPolicy } from '../../../node/src/consensus/snapshots/policy.ts';
import { MemoryCluster } from './memory-cluster.ts';

const text: ResultForm<string> = {
  encode: (result) => Buffer.from(result),
  decode: (bytes) => Buffer.from(bytes).toString(),
};

/** Remembers its commands; the result tells when the command ran, so that a second run would give another one. */
class Journal implements StateMachine<string> {
  lines: string[] = [];

  apply(command: Uint8Array): string {
    return `${Buffer.from(command).toString()} as line ${this.lines.push(Buffer.from(command).toString())}`;
  }

  /** Its first piece is empty, and the others come later. */
  *snapshot(): Iterable<Uint8Array> {
    const lines = [...this.lines];
    yield new Uint8Array(0);
    for (const line of lines) yield Buffer.from(`${line}\n`);
  }

  restore(snapshot: Uint8Array): void {
    this.lines = Buffer.from(snapshot).toString().split('\n').slice(0, -1);
  }
}

class Replica {
  readonly journal = new Journal();
  readonly sessions = new Sessions<string>(this.journal, { maxSessions: 3, maxPending: 3 }, text);

  static async from(snapshot: Uint8Array): Promise<Replica> {
    const replica = new Replica();
    await replica.sessions.restore!(snapshot);
    return replica;
  }

  get snapshot(): Uint8Array {
    return Buffer.concat([...this.sessions.snapshot!()]);
  }
}

const step = fc.oneof(
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('open' as const) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('restart' as const) }) },
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('command' as const),
      session: fc.nat({ max: 4 }),
      sequence: fc.integer({ min: 1, max: 6 }),
      answered: fc.nat({ max: 2 }),
    }),
  },
);

it('a replica that starts from snapshots at any time answers as one that has applied the whole log, and no command runs twice', async () => {
  const isLikeTheOther = fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
    const whole = new Replica();
    let restarted = new Replica();
    const opened: number[] = [];
    for (const [at, one] of steps.entries()) {
      const index = at + 1;
      if (one.kind === 'restart') {
        restarted = await Replica.from(restarted.snapshot);
        continue;
      }
      if (one.kind === 'open') opened.push(index);
      const session = one.kind === 'open' ? 0 : (opened.at(-1 - one.session) ?? 0);
      const data =
        one.kind === 'open'
          ? encodeOpen(index.toString(16).padStart(32, '0'))
          : encodeCommand(session, one.sequence, one.answered + 1, Buffer.from(`${session}/${one.sequence}`));
      const [left, right] = [whole, restarted].map(({ sessions }) => sessions.apply(data, { index, term: 1 }));
      expect(right).toEqual(left);
    }
    expect(restarted.journal.lines).toEqual(whole.journal.lines);
    expect(new Set(whole.journal.lines).size).toBe(whole.journal.lines.length);
    // Also what will expire next is the same: the order of the sessions is in the bytes.
    expect(restarted.snapshot).toEqual(whole.snapshot);
  });
  await fc.assert(isLikeTheOther, { numRuns: 300 });
});

describe('snapshots of a machine behind sessions', () => {
  it('are of one moment, though commands go on while the later pieces are asked for', async () => {
    const replica = new Replica();
    replica.sessions.apply(encodeOpen('0'.repeat(32)), { index: 1, term: 1 });
    const apply = (sequence: number): unknown =>
      replica.sessions.apply(encodeCommand(1, sequence, 1, Buffer.from(`c${sequence}`)), {
        index: 1 + sequence,
        term: 1,
      });
    apply(1);
    const pieces = replica.sessions.snapshot!()[Symbol.iterator]();
    const first = pieces.next().value as Uint8Array;
    apply(2);
    const rest = [...{ [Symbol.iterator]: () => pieces }];
    const restored = await Replica.from(Buffer.concat([first, ...rest]));
    expect(restored.journal.lines).toEqual(['c1']);
    const again = encodeCommand(1, 2, 1, Buffer.from('c2'));
    expect(restored.sessions.apply(again, { index: 3, term: 1 })).toEqual({ kind: 'done', result: 'c2 as line 2' });
  });

  it('are there with a form for results, and refused for a machine that has none itself', () => {
    const bare: StateMachine<string> = { apply: () => '' };
    expect(() => new Sessions(bare, defaultSessionLimits, text)).toThrow(/the state machine has none/);
    expect(new Sessions(new Journal()).snapshot).toBeUndefined();
  });

  it('answer a client whose command was committed, and is not sent again', async () => {
    const [member, leader] = [new Replica(), new Replica()];
    const log: Uint8Array[] = [];
    const request = (_to: string, _method: string, body: Uint8Array): Promise<Uint8Array> => {
      leader.sessions.apply(body, { index: log.push(body), term: 1 });
      if (log.length === 1) member.sessions.apply(body, { index: 1, term: 1 });
      return Promise.resolve(new Uint8Array(0));
    };
    const status = (): ConsensusStatus => ({ leaderId: 'another' }) as Partial<ConsensusStatus> as ConsensusStatus;
    const consensus: Partial<Consensus<unknown>> = { request, status, subscribe: () => () => undefined };
    const session = await member.sessions.open(consensus as Consensus<unknown>, { timeoutMs: 5_000 });
    const pending = session.apply(Buffer.from('x'));
    await member.sessions.restore!(leader.snapshot);
    expect(await pending).toBe('x as line 1');
    expect(log).toHaveLength(2);
  });

  it('leave it unknown to a client whose session was forgotten in what they skip: its command may have run before', async () => {
    const [member, leader] = [new Replica(), new Replica()];
    let index = 0;
    const request = (_to: string, _method: string, body: Uint8Array): Promise<Uint8Array> => {
      leader.sessions.apply(body, { index: ++index, term: 1 });
      if (index === 1) member.sessions.apply(body, { index, term: 1 });
      return Promise.resolve(new Uint8Array(0));
    };
    const status = (): ConsensusStatus => ({ leaderId: 'another' }) as Partial<ConsensusStatus> as ConsensusStatus;
    const consensus: Partial<Consensus<unknown>> = { request, status, subscribe: () => () => undefined };
    const session = await member.sessions.open(consensus as Consensus<unknown>, { timeoutMs: 5_000 });
    const pending = session.apply(Buffer.from('x'));
    for (let other = 1; other <= 3; other += 1) {
      leader.sessions.apply(encodeOpen(`${other}`.repeat(32)), { index: ++index, term: 1 });
    }
    await member.sessions.restore!(leader.snapshot);
    expect(member.journal.lines).toEqual(['x']);
    // A copy that comes later says that the session has expired, which says nothing of the first.
    member.sessions.apply(encodeCommand(session.id, 1, 1, Buffer.from('x')), { index: ++index, term: 1 });
    await expect(pending).rejects.toMatchObject({ code: 'OUTCOME_UNKNOWN' });
    const next = session.apply(Buffer.from('y'));
    member.sessions.apply(encodeCommand(session.id, 2, 2, Buffer.from('y')), { index: ++index, term: 1 });
    await expect(next).rejects.toMatchObject({ code: 'SESSION_EXPIRED' });
  });

  it('end the wait of a client whose member got the state, with its command in it, instead of the log', async () => {
    const machines = new Map<string, Sessions<string>>();
    const policy = { ...defaultSnapshotPolicy, intervalMs: 1e9, logBytes: 1e12 };
    const around = (recorder: StateMachine<string>, id: string): StateMachine<string> => {
      machines.set(id, new Sessions(recorder, defaultSessionLimits, text));
      return machines.get(id) as unknown as StateMachine<string>;
    };
    const cluster = await MemoryCluster.openWith({ policy, around }, 'a', 'b', 'c');
    for (const { id, consensus } of cluster.members.values()) machines.get(id)!.serve(consensus);
    const leader = await cluster.leader();
    await cluster.time.until('all met', () => leader.consensus.status().membership?.unmet === 0);
    const [member] = cluster.others(leader);
    const { clock } = cluster.time;
    const opening = machines.get(member!.id)!.open(member!.consensus, { clock, timeoutMs: 60_000 });
    const session = (await cluster.outcome(opening)) as Session<string>;
    const lastIndex = (): number => leader.consensus.status().lastIndex;
    const before = lastIndex();
    const pending = session.apply(Buffer.from('x'));
    // The leader has it, and the member is cut off before it gets it back.
    await cluster.time.until('the leader has it', () => lastIndex() > before);
    cluster.isolate(member!.id);
    await cluster.time.until('it is applied by the leader', () => leader.machine.applied.includes('x'));
    expect(member!.machine.applied).toEqual([]);
    expect(member!.consensus.status().lastIndex).toBe(before);
    await cluster.outcome(leader.consensus.snapshot());
    cluster.rejoin(member!.id);
    expect(await cluster.outcome(pending)).toBe('X');
    const isRestored = (): boolean => member!.events.some(({ names }) => names.includes('snapshot.restored'));
    await cluster.time.until('it came by a snapshot', isRestored);
    expect(member!.machine.applied).toEqual(['x']);
  });
});
