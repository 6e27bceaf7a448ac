import { describe, expect, it } from 'vitest';
import { foundedBy } from '../../../node/src/raft/membership.ts';
import { TuttiError } from '../../../node/src/lib/errors.ts';
import { silentLog } from '../../../node/src/lib/log.ts';
import { maxInboxInputs } from '../../../node/src/consensus/engine.ts';
import { problemLastsMs } from '../../../node/src/consensus/peer-watch.ts';
import { InvariantViolation } from '../../../node/src/lib/invariant.ts';
import type { RaftEvent } from '../../../node/src/raft/core.ts';
import { emptyHardState } from '../../../node/src/raft/types.ts';
import type { PeerStatus } from '../../../node/src/transport/transport.ts';
import { ManualStore, ScriptedCore, ack, batch, entry, heartbeat, openRig, peer, roleChanged, turn } from './twins.ts';

describe('promises and the disk', () => {
  it('sends what promises nothing at once, while the disk still writes', async () => {
    const { step, transport } = await openRig();
    step({ persist: batch(1), sendNow: [heartbeat(1)], sendAfterPersist: [ack(1)] });
    expect(transport.messages()).toEqual(['heartbeat 1']);
  });

  it('holds a promise until its own batch is durable (E3)', async () => {
    const { step, store, transport } = await openRig();
    step({ persist: batch(1), sendAfterPersist: [ack(1)] });
    step({ persist: batch(2), sendAfterPersist: [ack(2)] });
    await store.finish(1);
    expect(transport.messages()).toEqual(['ack 1']);
    await store.finish(2);
    expect(transport.messages()).toEqual(['ack 1', 'ack 2']);
  });

  it('holds a promise of a step that wrote nothing until every earlier batch is durable', async () => {
    const { step, store, transport } = await openRig();
    step({ persist: batch(1) });
    step({ persist: batch(2) });
    step({ sendAfterPersist: [ack(7)] });
    await store.finish(1);
    expect(transport.messages()).toEqual([]);
    await store.finish(2);
    expect(transport.messages()).toEqual(['ack 7']);
  });

  it('sends a promise at once when nothing is being written', async () => {
    const { step, transport } = await openRig();
    step({ sendAfterPersist: [ack(3)] });
    expect(transport.messages()).toEqual(['ack 3']);
  });

  it('hands batches to the store in order without waiting for the one before', async () => {
    const { step, store } = await openRig();
    for (const ticket of [1, 2, 3]) step({ persist: batch(ticket) });
    expect(store.appended.map(({ ticket }) => ticket)).toEqual([1, 2, 3]);
  });

  it('tells the core what is durable, after the promises that rested on it have left (R10)', async () => {
    const { step, store, core, transport } = await openRig();
    step({ persist: batch(4), sendAfterPersist: [ack(4)] });
    let sentBefore: string[] = [];
    core.respond = (input) => {
      if (input.kind === 'persisted') sentBefore = transport.messages();
      return {};
    };
    expect(core.fedKinds()).not.toContain('persisted');
    await store.finish(4);
    expect(core.inputs.at(-1)).toEqual({ kind: 'persisted', ticket: 4 });
    expect(sentBefore).toEqual(['ack 4']);
  });

  it('keeps the order of effects when a transport answers from within send: no step begins inside another (R11)', async () => {
    const { step, core, transport } = await openRig();
    transport.onSend = () => {
      transport.onSend = () => undefined;
      core.respond = () => ({ sendNow: [heartbeat(9)] });
      transport.handlers.onFrame(peer('b'), { kind: 'raft', message: { ...heartbeat(5), from: 'b', to: 'a' } });
    };
    step({ sendNow: [heartbeat(1), heartbeat(2)] });
    expect(transport.messages()).toEqual(['heartbeat 1', 'heartbeat 2', 'heartbeat 9']);
  });

  it('bounds what a transport delivers from within send', async () => {
    const { step, core, transport } = await openRig();
    transport.onSend = () => {
      transport.onSend = () => undefined;
      for (let round = 0; round < maxInboxInputs + 50; round++) {
        transport.handlers.onFrame(peer('b'), { kind: 'raft', message: { ...heartbeat(round), from: 'b', to: 'a' } });
      }
    };
    const before = core.inputs.length;
    step({ sendNow: [heartbeat(1)] });
    expect(core.inputs.length - before).toBe(1 + maxInboxInputs);
  });
});

describe('what must stop the node', () => {
  it('a failed write is fatal: no further word leaves, everything closes (W5, L11)', async () => {
    const { step, store, transport, events, consensus } = await openRig();
    step({ persist: batch(1), sendAfterPersist: [ack(1)] });
    await store.fail(1, new TuttiError('DISK_FAILED', 'no space left'));
    expect(events.at(-1)).toMatchObject({ kind: 'fatal', error: { code: 'DISK_FAILED' } });
    step({ sendNow: [heartbeat(2)] });
    expect(transport.messages()).toEqual([]);
    await turn();
    expect([transport.closed, store.closed]).toEqual([true, true]);
    await expect(consensus.propose(Buffer.from('x'))).rejects.toMatchObject({ code: 'SHUTTING_DOWN' });
  });

  it('a broken invariant of the core is fatal and reaches even a late subscriber', async () => {
    const { core, transport, consensus } = await openRig();
    core.respond = () => {
      throw new InvariantViolation('two leaders');
    };
    transport.handlers.onPeerUp(peer('b'));
    const late: unknown[] = [];
    consensus.subscribe((event) => late.push(event));
    expect(late).toMatchObject([{ kind: 'fatal', error: { message: 'invariant violated: two leaders' } }]);
  });

  it('an observer that throws is fatal, and the other observers are told', async () => {
    const { consensus, step, events } = await openRig();
    consensus.subscribe(() => {
      throw new Error('bug');
    });
    step({ events: [{ kind: 'leaderChanged', leaderId: 'b', term: 2 }] });
    expect(events.map(({ kind }) => kind)).toEqual(['raft', 'fatal']);
  });

  it('a commit that skips an entry is fatal', async () => {
    const { step, events } = await openRig();
    step({ committed: [entry(2, 'x')] });
    expect(events).toMatchObject([{ kind: 'fatal', error: { name: 'InvariantViolation' } }]);
  });
});

describe('a disk that hangs', () => {
  it('is told once it has taken longer than an election timeout, and once it answers', async () => {
    const lines: string[] = [];
    const note = (_fields: object, message: string): void => void lines.push(message);
    const { step, time, store } = await openRig({ log: { ...silentLog, warn: note, error: note } });
    step({ persist: batch(1) });
    time.nowMs += 299;
    step({});
    expect(lines).toEqual([]);
    time.nowMs += 2;
    step({});
    step({});
    await store.finish(1);
    step({});
    expect(lines).toEqual(['the disk hangs: this node does not lead until it answers', 'the disk answers again']);
  });

  it('a follower goes on answering heartbeats, and promises nothing', async () => {
    const { step, time, transport } = await openRig();
    step({ persist: batch(1) });
    time.nowMs += 301;
    step({ sendNow: [heartbeat(1)], sendAfterPersist: [ack(1)] });
    expect(transport.messages()).toEqual(['heartbeat 1']);
  });
});

describe('the timer', () => {
  it("ticks at the core's deadline, not before", async () => {
    const { core, time, step } = await openRig();
    core.deadline = time.nowMs + 50;
    step({});
    const before = core.inputs.length;
    time.advance(49);
    time.runDeferred();
    expect(core.inputs.length).toBe(before);
    time.advance(1);
    time.runDeferred();
    expect(core.inputs.at(-1)).toEqual({ kind: 'tick' });
  });

  it('looks again instead of ticking when the deadline moved away meanwhile, and leaves one timer', async () => {
    const { core, time, step } = await openRig();
    core.deadline = time.nowMs + 50;
    step({});
    core.deadline = time.nowMs + 100;
    step({});
    const before = core.inputs.length;
    time.advance(50);
    time.runDeferred();
    expect(core.inputs.length).toBe(before);
    expect(time.timersMs).toEqual([time.nowMs + 50]);
  });

  it('reads what came in during a stall of the process before it ticks (H5)', async () => {
    const { core, time, step } = await openRig();
    core.deadline = time.nowMs + 50;
    step({});
    time.advance(5_000);
    // The heartbeat that lay in the socket is read in the same turn, and moves the deadline.
    core.deadline = time.nowMs + 150;
    step({});
    time.runDeferred();
    expect(core.fedKinds().filter((kind) => kind === 'tick')).toHaveLength(1);
    expect(time.timersMs).toEqual([time.nowMs + 150]);
  });

  it('survives a core that waits for ever', async () => {
    const core = new ScriptedCore();
    core.deadline = Infinity;
    const { time } = await openRig({ core });
    expect(time.timersMs).toHaveLength(1);
    expect(time.timersMs[0]! - time.nowMs).toBeLessThan(2 ** 31);
  });

  it('is gone after close', async () => {
    const { time, consensus } = await openRig();
    await consensus.close();
    await turn();
    expect(time.timersMs).toEqual([]);
    expect(time.deferredCount).toBe(0);
  });
});

describe('peers', () => {
  it('binds a refusal of the core to the connection and keeps it as a problem', async () => {
    const { step, transport, consensus, events } = await openRig();
    transport.statuses = [statusOf('b', '10.0.0.2:7000')];
    step({ events: [{ kind: 'peerRefused', id: 'b', reason: 'another disk' }] });
    expect(transport.refusals).toEqual(['b: another disk']);
    expect(consensus.status().problems).toEqual([{ address: '10.0.0.2:7000', reason: 'another disk' }]);
    expect(events.map(({ kind }) => kind)).toEqual(['problem', 'raft']);
  });

  it('keeps a refusal once when the transport reports it in its own words', async () => {
    const { step, transport, consensus } = await openRig();
    transport.refuse = () => transport.handlers.onMismatch({ address: 'h:1', reason: 'node "a" refuses node "b"' });
    step({ events: [{ kind: 'peerRefused', id: 'b', reason: 'another disk' }] });
    expect(consensus.status().problems).toEqual([{ address: 'h:1', reason: 'node "a" refuses node "b"' }]);
  });

  it('a refused peer that tries again every two seconds is logged once', async () => {
    const lines: string[] = [];
    const line = (_fields: object, message: string): void => void lines.push(message);
    const { core, transport, consensus } = await openRig({ log: { ...silentLog, warn: line, error: line } });
    transport.statuses = [statusOf('b', 'h:1')];
    transport.refuse = () => transport.handlers.onPeerDown(peer('b'), 'refused');
    const refused: RaftEvent = { kind: 'peerRefused', id: 'b', reason: 'another disk' };
    core.respond = ({ kind }) => (kind === 'peerUp' ? { events: [refused] } : {});
    for (let attempt = 0; attempt < 3; attempt++) transport.handlers.onPeerUp(peer('b'));
    expect(lines).toEqual(['b may not take part: another disk', 'problem with the peer at h:1: another disk']);
    expect(consensus.status().problems).toEqual([{ address: 'h:1', reason: 'another disk' }]);
  });

  it('a problem is over once its peer takes part, and another peer’s is not', async () => {
    const { transport, consensus } = await openRig();
    for (const address of ['h:1', 'h:2']) transport.handlers.onMismatch({ address, reason: 'another id' });
    transport.statuses = [statusOf('b', 'h:1')];
    transport.handlers.onPeerUp(peer('b'));
    expect(consensus.status().problems).toEqual([{ address: 'h:2', reason: 'another id' }]);
  });

  it('a problem that is not met again for fifteen seconds is over, though its peer never came', async () => {
    const { transport, consensus, time } = await openRig();
    const stranger = { address: '127.0.0.1', reason: 'not in the list' };
    transport.handlers.onMismatch(stranger);
    time.advance(problemLastsMs - 1);
    expect(consensus.status().problems).toEqual([stranger]);
    transport.handlers.onMismatchAgain(stranger);
    time.advance(problemLastsMs - 1);
    expect(consensus.status().problems).toEqual([stranger]);
    time.advance(1);
    expect(consensus.status().problems).toEqual([]);
  });

  it('keeps one problem of a place, the one that was met last, and tells each as an event once', async () => {
    const { transport, consensus, events } = await openRig();
    for (const reason of ['another id', 'another secret']) transport.handlers.onMismatch({ address: 'h:1', reason });
    expect(consensus.status().problems).toEqual([{ address: 'h:1', reason: 'another secret' }]);
    transport.handlers.onMismatchAgain({ address: 'h:1', reason: 'another id' });
    expect(consensus.status().problems).toEqual([{ address: 'h:1', reason: 'another id' }]);
    expect(events.map(({ kind }) => kind)).toEqual(['problem', 'problem']);
  });

  it('what the streams to a connected peer noticed lasts as long as they do', async () => {
    const { transport, consensus, time } = await openRig();
    const noticed = { address: 'h:1', reason: 'another address' };
    transport.statuses = [{ ...statusOf('b', 'h:1'), problem: noticed.reason }];
    transport.handlers.onMismatch(noticed);
    time.advance(10 * problemLastsMs);
    expect(consensus.status().problems).toEqual([noticed]);
    transport.statuses = [{ ...statusOf('b', 'h:1'), state: 'connecting', problem: 'lost: closed' }];
    expect(consensus.status().problems).toEqual([]);
  });

  it('keeps the newest twenty problems, each once', async () => {
    const { transport, consensus } = await openRig();
    for (let port = 1; port <= 25; port++) transport.handlers.onMismatch({ address: `h:${port}`, reason: 'foreign' });
    transport.handlers.onMismatch({ address: 'h:10', reason: 'foreign' });
    const { problems } = consensus.status();
    expect(problems).toHaveLength(20);
    expect(problems.map(({ address }) => address).slice(-2)).toEqual(['h:25', 'h:10']);
    expect(new Set(problems.map(({ address }) => address)).size).toBe(20);
  });

  it('does not hear a message that claims another sender than its connection proved', async () => {
    const { core, transport, consensus } = await openRig();
    const before = core.inputs.length;
    transport.handlers.onFrame(peer('b'), { kind: 'raft', message: { ...heartbeat(1), from: 'c', to: 'a' } });
    expect(core.inputs.length).toBe(before);
    expect(consensus.status().problems[0]?.reason).toContain('"b" sent a message from "c"');
  });

  it('takes a peer that came back as another process for lost and met anew', async () => {
    const { core, transport, events } = await openRig();
    transport.handlers.onPeerUp(peer('b', 'first'));
    transport.handlers.onPeerUp(peer('b', 'second'));
    transport.handlers.onPeerDown(peer('b', 'first'), 'late news');
    expect(core.fedKinds().slice(-3)).toEqual(['peerUp', 'peerDown', 'peerUp']);
    expect(events.map(({ kind }) => kind)).toEqual(['peerUp', 'peerDown', 'peerUp']);
  });

  it('tells the core that a process has ended, unless another one has taken its name meanwhile', async () => {
    const { core, transport } = await openRig();
    transport.handlers.onPeerUp(peer('b', 'first'));
    transport.handlers.onPeerDown(peer('b', 'first'), 'reset');
    transport.handlers.onPeerEnded(peer('b', 'first'));
    expect(core.fedKinds().slice(-2)).toEqual(['peerDown', 'peerEnded']);
    transport.handlers.onPeerUp(peer('b', 'second'));
    transport.handlers.onPeerEnded(peer('b', 'first'));
    expect(core.fedKinds().at(-1)).toBe('peerUp');
  });
});

describe('the cluster id a node claims (ADR 0040)', () => {
  const membership = foundedBy({ clusterId: 'c9', voters: [], unmet: 0 });

  it('is none while the founding entry is only appended, and known once it is committed', async () => {
    const { step, core, identity } = await openRig();
    core.state = { ...core.state, membership };
    step({ events: [{ kind: 'membershipChanged', membership, index: 1 }] });
    expect(identity().clusterId).toBeNull();
    step({ committed: [{ index: 1, term: 1, kind: 'membership', data: new Uint8Array() }] });
    expect(identity().clusterId).toBe('c9');
  });

  it('is none after a restart whose log holds no command yet', async () => {
    const core = new ScriptedCore();
    core.state = { ...core.state, membership };
    const store = new ManualStore();
    store.recovered = {
      hardState: { ...emptyHardState, term: 1 },
      base: { index: 0, term: 0 },
      entries: [entry(1), entry(2)],
    };
    const { identity } = await openRig({ core, store });
    expect(identity().clusterId).toBeNull();
  });

  it('is known from the start when the recovered log holds a command', async () => {
    const core = new ScriptedCore();
    core.state = { ...core.state, membership };
    const store = new ManualStore();
    store.recovered = {
      hardState: { ...emptyHardState, term: 1 },
      base: { index: 0, term: 0 },
      entries: [entry(1), entry(2, 'x')],
    };
    const { identity } = await openRig({ core, store });
    expect(identity()).toMatchObject({ clusterId: 'c9', nodeId: 'a', listedSize: 3 });
  });
});

describe('leadership', () => {
  it('counts once an entry of the own term is applied, and ends with its reason', async () => {
    const { step, events, consensus } = await openRig();
    step({ events: [roleChanged('leader', 3)] });
    step({ committed: [entry(1, 'of an earlier leader', 2)] });
    expect(consensus.status().leading).toBe(false);
    step({ committed: [entry(2, null, 3)] });
    expect(consensus.status().leading).toBe(true);
    step({ events: [roleChanged('follower', 4, 'b is in term 4')] });
    expect(consensus.status().leading).toBe(false);
    expect(events.filter(({ kind }) => kind.startsWith('leadership'))).toEqual([
      { kind: 'leadershipGained', term: 3 },
      { kind: 'leadershipLost', term: 3, reason: 'b is in term 4' },
    ]);
  });

  it('that was never announced does not end either', async () => {
    const { step, events } = await openRig();
    step({ events: [roleChanged('leader', 3)] });
    step({ events: [roleChanged('follower', 4)] });
    step({ committed: [entry(1, null, 3)] });
    expect(events.filter(({ kind }) => kind.startsWith('leadership'))).toEqual([]);
  });
});

function statusOf(id: string, address: string): PeerStatus {
  return { address, expectedId: id, identity: peer(id), state: 'connected', problem: null, lastHeardMs: 1 };
}
