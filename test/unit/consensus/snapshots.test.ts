import { describe, expect, it } from 'vitest';
import { CHUNK_BYTES, defaultSnapshotPolicy } from '../../../node/src/consensus/snapshots/policy.ts';
import type { SnapshotPolicy } from '../../../node/src/consensus/snapshots/policy.ts';
import type { PeerFrame } from '../../../node/src/transport/transport.ts';
import { encodeMembership } from '../../../node/src/raft/membership.ts';
import { MemoryDisk } from '../../../node/src/storage/memory/memory-log-store.ts';
import { diskFailed } from '../../../node/src/storage/disk-errors.ts';
import { errno } from '../storage/simulated-disk.ts';
import { MemoryCluster } from './memory-cluster.ts';
import type { MemoryMember } from './memory-cluster.ts';
import { Recorder } from './twins.ts';

const onRequest: SnapshotPolicy = { ...defaultSnapshotPolicy, intervalMs: 1e9, logBytes: 1e12 };

const trio = (policy = onRequest): Promise<MemoryCluster> => MemoryCluster.openWith({ policy }, 'a', 'b', 'c');

async function write(cluster: MemoryCluster, member: MemoryMember, ...texts: string[]): Promise<void> {
  for (const text of texts) expect(await cluster.propose(member, text)).toMatchObject({ result: text.toUpperCase() });
}

/** A follower that is away while the others write, and compact what they wrote. */
async function leftBehind(cluster: MemoryCluster, padding = 0): Promise<{ leader: MemoryMember; away: MemoryMember }> {
  const leader = await cluster.leader();
  await write(cluster, leader, 'one');
  await cluster.allApplied(['one']);
  const [away] = cluster.others(leader) as [MemoryMember];
  cluster.isolate(away.id);
  await write(cluster, leader, 'two', 'three');
  for (const member of cluster.members.values()) member.machine.padding = padding;
  await cluster.outcome(leader.consensus.snapshot());
  return { leader, away };
}

/** A restore that takes until it is let through. */
function slowRestore({ machine }: MemoryMember): { readonly isRestoring: () => boolean; readonly open: () => void } {
  let isRestoring = false;
  let open: () => void = () => undefined;
  const gate = new Promise<void>((resolve) => (open = resolve));
  machine.gate = () => {
    isRestoring = true;
    return gate;
  };
  return { isRestoring: () => isRestoring, open };
}

const lastOf = ({ machine }: MemoryMember): string => machine.applied.join();

describe('snapshots of a member', () => {
  it('are what a start goes on from, with the log behind them, and nothing is applied twice (H2)', async () => {
    const cluster = await MemoryCluster.openWith({ policy: onRequest }, 'a');
    const leader = await cluster.leader();
    await write(cluster, leader, 'one', 'two');
    const { index } = (await cluster.outcome(leader.consensus.snapshot())) as { index: number };
    expect(leader.consensus.status()).toMatchObject({ snapshotIndex: index, appliedIndex: index });
    await write(cluster, leader, 'three');
    await cluster.stop(leader);
    expect(cluster.disks.get('a')!.base.index).toBe(index);
    const again = await cluster.start('a');
    expect(lastOf(again)).toBe('one,two');
    await cluster.leader();
    await cluster.time.until('the rest', () => lastOf(again) === 'one,two,three');
    expect(again.consensus.status().membership?.clusterId).toBe('founded-by-a');
  });

  it('are taken once enough entries are outstanding, when it is time to look', async () => {
    const cluster = await MemoryCluster.openWith({ policy: { ...onRequest, intervalMs: 10_000, entries: 5 } }, 'a');
    const leader = await cluster.leader();
    await write(cluster, leader, 'one');
    await cluster.time.until('the first look', () => cluster.time.nowMs > 12_000, 20_000);
    expect(leader.machine.snapshots).toBe(0);
    await write(cluster, leader, 'two', 'three', 'four');
    await cluster.time.until('a snapshot', () => leader.consensus.status().snapshotIndex > 0, 20_000);
    await cluster.time.until('two more looks', () => cluster.time.nowMs > 42_000, 40_000);
    expect(leader.machine.snapshots).toBe(1);
  });

  it('are taken at once when the log has grown by enough bytes', async () => {
    const cluster = await MemoryCluster.openWith({ policy: { ...onRequest, logBytes: 3_000 } }, 'a');
    const leader = await cluster.leader();
    await write(cluster, leader, 'x'.repeat(1_000));
    expect(leader.machine.snapshots).toBe(0);
    await write(cluster, leader, 'x'.repeat(1_000), 'x'.repeat(1_000));
    await cluster.time.until('a snapshot', () => leader.consensus.status().snapshotIndex > 0);
    expect(leader.machine.snapshots).toBe(1);
    await write(cluster, leader, 'x'.repeat(1_000), 'x'.repeat(1_000));
    expect(leader.machine.snapshots).toBe(1);
    await write(cluster, leader, 'x'.repeat(1_000));
    await cluster.time.until('the next one', () => leader.machine.snapshots === 2);
  });

  it('are the same in bytes on all members at the same index, and not taken again without news', async () => {
    const cluster = await trio();
    await write(cluster, await cluster.leader(), 'one', 'two');
    await cluster.allApplied(['one', 'two']);
    for (const { consensus } of cluster.members.values()) {
      await cluster.outcome(consensus.snapshot());
      await cluster.outcome(consensus.snapshot());
    }
    const files = [...cluster.snapshotFiles.values()];
    expect(files.map((of) => of.length)).toEqual([1, 1, 1]);
    expect(new Set(files.map(([newest]) => newest!.stored.checksum)).size).toBe(1);
  });

  it('are of the moment they were asked for, though commands are applied while they are written', async () => {
    const cluster = await MemoryCluster.openWith({ policy: onRequest }, 'a');
    const leader = await cluster.leader();
    await write(cluster, leader, 'one');
    leader.machine.snapshot = function* (this: Recorder) {
      const texts = [...this.applied];
      yield Buffer.from('[');
      yield Buffer.from(`${JSON.stringify(texts).slice(1)}\n`);
    } as unknown as Recorder['snapshot'];
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    cluster.syncs.set('a', () => held);
    const taken = cluster.outcome(leader.consensus.snapshot());
    const writing = cluster.outcome(leader.consensus.propose(Buffer.from('two')));
    cluster.syncs.delete('a');
    release();
    await Promise.all([taken, writing]);
    await cluster.stop(leader);
    const again = await cluster.start('a');
    expect(lastOf(again)).toBe('one');
    await cluster.time.until('the rest', () => lastOf(again) === 'one,two');
  });

  it('that the state machine cannot give are reported, and nothing is let go', async () => {
    const cluster = await MemoryCluster.openWith({ policy: onRequest }, 'a');
    const leader = await cluster.leader();
    await write(cluster, leader, 'one');
    leader.machine.snapshot = () => {
      throw new Error('no memory');
    };
    expect(await cluster.outcome(leader.consensus.snapshot())).toMatchObject({ message: 'no memory' });
    expect(leader.consensus.status().snapshotIndex).toBe(0);
    await write(cluster, leader, 'two');
  });

  it('are refused by name where the state machine has none, and their log where it cannot restore', async () => {
    const cluster = await MemoryCluster.open('a');
    const leader = await cluster.leader();
    expect(await cluster.outcome(leader.consensus.snapshot())).toMatchObject({ code: 'SETTINGS_INVALID' });
    await cluster.stop(leader);
    Object.assign(cluster.disks.get('a')!, { base: { index: 9, term: 1 }, entries: [] });
    await expect(cluster.start('a')).rejects.toMatchObject({ code: 'SETTINGS_INVALID' });
  });

  it('must be there where the log begins behind one (W9)', async () => {
    const cluster = await MemoryCluster.openWith({ policy: onRequest }, 'a');
    const leader = await cluster.leader();
    await write(cluster, leader, 'one');
    await cluster.outcome(leader.consensus.snapshot());
    await cluster.stop(leader);
    cluster.snapshotFiles.get('a')!.length = 0;
    await expect(cluster.start('a')).rejects.toMatchObject({ code: 'SNAPSHOT_DAMAGED' });
  });
});

describe('a member that lacks what is gone from the log', () => {
  it('is brought up by a snapshot while writes go on (S3, S6)', async () => {
    const cluster = await trio();
    const { leader, away } = await leftBehind(cluster);
    cluster.rejoin(away.id);
    await write(cluster, leader, 'four', 'five');
    await cluster.allApplied(['one', 'two', 'three', 'four', 'five']);
    expect(away.machine.restores).toBe(1);
    expect(away.events).toContainEqual(
      expect.objectContaining({
        kind: 'raft',
        event: expect.objectContaining({ kind: 'snapshotInstalled', isStale: false }) as object,
      }),
    );
    await cluster.stop(away);
    const again = await cluster.start(away.id);
    await cluster.allApplied(['one', 'two', 'three', 'four', 'five']);
    expect(again.machine.restores).toBe(1);
  });

  it('gets the rest after a broken connection, not all of it again (S4)', async () => {
    const cluster = await trio();
    const { leader, away } = await leftBehind(cluster, 40 * CHUNK_BYTES);
    let bytes = 0;
    let breaksAt = 20 * CHUNK_BYTES;
    cluster.onSend = (_from, to, frame) => {
      if (frame.kind !== 'snapshotChunk' || to !== away.id) return true;
      bytes += frame.data.length;
      return frame.offset < breaksAt;
    };
    cluster.rejoin(away.id);
    await cluster.time.until('half of it', () => bytes > breaksAt);
    cluster.isolate(away.id);
    breaksAt = Infinity;
    cluster.rejoin(away.id);
    await cluster.time.until('the state', () => lastOf(away) === lastOf(leader));
    expect(bytes).toBeLessThan(60 * CHUNK_BYTES);
    expect(away.machine.restores).toBe(1);
  });

  it('that is restarted in the middle gets it from the beginning (S4)', async () => {
    const cluster = await trio();
    const { leader, away } = await leftBehind(cluster, 40 * CHUNK_BYTES);
    let chunks = 0;
    cluster.onSend = (_from, _to, frame) => frame.kind !== 'snapshotChunk' || (chunks += 1) !== 20;
    cluster.rejoin(away.id);
    await cluster.time.until('half of it', () => chunks >= 20);
    await cluster.stop(away);
    const again = await cluster.start(away.id);
    await cluster.time.until('the state', () => lastOf(again) === lastOf(leader));
  });

  it('goes on with what was committed meanwhile, and applies nothing that the snapshot holds (S7)', async () => {
    const cluster = await trio();
    const { leader, away } = await leftBehind(cluster);
    const { isRestoring, open } = slowRestore(away);
    cluster.rejoin(away.id);
    await cluster.time.until('the restore', isRestoring);
    await write(cluster, leader, 'four');
    let looked = '';
    const reading = away.consensus.read(() => (looked = lastOf(away)));
    await cluster.time.until('a second of restoring', () => cluster.time.nowMs % 1_000 > 900);
    expect(looked).toBe('');
    open();
    await cluster.outcome(reading);
    expect(looked).toBe('one,two,three,four');
    await cluster.allApplied(['one', 'two', 'three', 'four']);
  });

  it('gives up nothing before the state machine has taken it (S9)', async () => {
    const cluster = await trio();
    const { away } = await leftBehind(cluster);
    away.machine.gate = () => Promise.reject(new Error('cannot read that'));
    cluster.rejoin(away.id);
    await cluster.time.until('the end of the member', () => away.events.some(({ kind }) => kind === 'fatal'));
    expect(cluster.disks.get(away.id)!.base.index).toBe(0);
    expect(cluster.snapshotFiles.get(away.id)).toEqual([]);
    cluster.members.delete(away.id);
    const again = await cluster.start(away.id);
    await cluster.time.until('the state', () => lastOf(again) === 'one,two,three');
  });

  it('takes no piece that was damaged on its way for the truth, and gets it anew', async () => {
    const cluster = await trio();
    const { leader, away } = await leftBehind(cluster);
    let damaged = false;
    cluster.onSend = (_from, _to, frame) => {
      if (frame.kind !== 'snapshotChunk' || frame.data.length < 30 || damaged) return true;
      damaged = true;
      (frame as { data: Uint8Array }).data = Uint8Array.from(frame.data, (byte, at) => (at === 20 ? byte ^ 1 : byte));
      return true;
    };
    cluster.rejoin(away.id);
    await cluster.time.until('the state', () => lastOf(away) === lastOf(leader), 20_000);
    expect([damaged, away.machine.restores]).toEqual([true, 1]);
  });

  it('that has no room for it says so, stays behind, and is asked again slowly until there is room (W8)', async () => {
    const cluster = await trio();
    const { leader, away } = await leftBehind(cluster);
    cluster.snapshotSyncs.set(away.id, () =>
      Promise.reject(diskFailed('/snapshots/1', errno('ENOSPC', '/snapshots/1'))),
    );
    const refusals: string[] = [];
    cluster.onSend = (_from, _to, frame) => {
      if (frame.kind === 'snapshotAck' && frame.refusal !== null) refusals.push(frame.refusal);
      return true;
    };
    cluster.rejoin(away.id);
    await cluster.time.until('a refusal', () => refusals.length > 0);
    const untilMs = cluster.time.nowMs + 25_000;
    await cluster.time.until('a while', () => cluster.time.nowMs > untilMs, 30_000);
    expect(new Set(refusals)).toEqual(new Set(['its disk is full']));
    expect(refusals.length).toBeLessThan(5);
    expect(away.events.filter(({ kind }) => kind === 'fatal')).toEqual([]);
    cluster.snapshotSyncs.delete(away.id);
    await cluster.time.until('the state', () => lastOf(away) === lastOf(leader), 20_000);
  });

  it('that would have founded a cluster of its own, and lost, takes the one of the cluster that was founded', async () => {
    const cluster = await MemoryCluster.openWith({ policy: onRequest, listedSize: 3 }, 'a', 'b');
    const leader = await cluster.leader();
    await write(cluster, leader, 'one', 'two');
    await cluster.outcome(leader.consensus.snapshot());
    const disk = new MemoryDisk();
    const voters = ['a', 'c'].map((id) => ({ id, incarnation: `disk-of-${id}` }));
    const founding = encodeMembership({ clusterId: 'founded-by-c', voters, unmet: 1 });
    disk.entries.push({ index: 1, term: 1, kind: 'membership', data: founding });
    cluster.disks.set('c', disk);
    const late = await cluster.start('c');
    await cluster.time.until('the state', () => lastOf(late) === 'one,two', 20_000);
    expect(late.machine.restores).toBe(1);
    expect(late.consensus.status().membership?.clusterId).toBe(leader.consensus.status().membership?.clusterId);
  });

  it('takes none of another cluster, whoever sends it (M13)', async () => {
    const other = await MemoryCluster.openWith({ policy: onRequest, proposedClusterId: 'another' }, 'z');
    const stranger = await other.leader();
    await write(other, stranger, ...'strange things that were never said here'.split(' '));
    await other.outcome(stranger.consensus.snapshot());
    const cluster = await trio();
    const { leader, away } = await leftBehind(cluster);
    const files = cluster.snapshotFiles.get(leader.id)!;
    const own = files.splice(0, Infinity, ...other.snapshotFiles.get('z')!);
    let chunks = 0;
    cluster.onSend = (_from, _to, frame) => {
      if (frame.kind === 'snapshotChunk' && frame.data.length > 0) chunks += 1;
      return true;
    };
    cluster.rejoin(away.id);
    await cluster.time.until('it to be sent, and sent again', () => chunks > 1, 20_000);
    expect([away.machine.restores, lastOf(away)]).toEqual([0, 'one']);
    files.splice(0, Infinity, ...own);
    cluster.isolate(away.id);
    cluster.rejoin(away.id);
    await cluster.time.until('the state', () => lastOf(away) === lastOf(leader), 20_000);
  });

  it('does not disturb the cluster, however slow it is sent and restored (S11)', async () => {
    const cluster = await trio({ ...onRequest, maxBytesPerSecond: 10 * CHUNK_BYTES });
    const { leader, away } = await leftBehind(cluster, 40 * CHUNK_BYTES);
    const { term } = leader.consensus.status();
    const { isRestoring, open } = slowRestore(away);
    const beganMs = cluster.time.nowMs;
    cluster.rejoin(away.id);
    let longestMs = 0;
    let heartbeatMs = beganMs;
    cluster.onSend = (from, to, frame: PeerFrame) => {
      if (from !== leader.id || to !== away.id || frame.kind !== 'raft' || frame.message.kind !== 'heartbeat')
        return true;
      longestMs = Math.max(longestMs, cluster.time.nowMs - heartbeatMs);
      heartbeatMs = cluster.time.nowMs;
      return true;
    };
    await cluster.time.until('the restore', isRestoring, 20_000);
    const sentMs = cluster.time.nowMs;
    expect(sentMs - beganMs).toBeGreaterThan(3_500);
    await cluster.time.until('a long restore', () => cluster.time.nowMs > sentMs + 3_000);
    await write(cluster, leader, 'four');
    open();
    await cluster.time.until('the state', () => lastOf(away) === 'one,two,three,four');
    expect(longestMs).toBeLessThan(60);
    expect([...cluster.members.values()].map(({ consensus }) => consensus.status().term)).toEqual([term, term, term]);
  });

  it('leaves a proposal of its own open as unknown when the snapshot holds it (H3)', async () => {
    const cluster = await trio();
    const first = await cluster.leader();
    await write(cluster, first, 'one');
    cluster.isolate(first.id);
    const lost = cluster.outcome(first.consensus.propose(Buffer.from('lost')));
    const second = await cluster.leader(cluster.others(first));
    await write(cluster, second, 'two');
    await cluster.outcome(second.consensus.snapshot());
    cluster.rejoin(first.id);
    expect(await lost).toMatchObject({ code: 'OUTCOME_UNKNOWN' });
    await cluster.time.until('the state', () => lastOf(first) === 'one,two');
  });

  it('says so to the leader when its state machine cannot take one', async () => {
    const cluster = await trio();
    const { away } = await leftBehind(cluster);
    await cluster.stop(away);
    cluster.policy = null;
    const refusals: string[] = [];
    cluster.onSend = (_from, _to, frame) => {
      if (frame.kind === 'snapshotAck' && frame.refusal !== null) refusals.push(frame.refusal);
      return true;
    };
    await cluster.start(away.id);
    cluster.rejoin(away.id);
    await cluster.time.until('a refusal', () => refusals.length > 0);
    const atMs = cluster.time.nowMs;
    await cluster.time.until('another one', () => refusals.length > 1, 20_000);
    expect(refusals[0]).toContain('no restore');
    expect(cluster.time.nowMs - atMs).toBeGreaterThan(9_000);
  });

  it('is named when it cannot take one', async () => {
    const cluster = await MemoryCluster.openWith({ policy: onRequest }, 'a');
    const machine = new Recorder();
    Object.assign(machine, { restore: undefined });
    await cluster.stop(cluster.members.get('a')!);
    await expect(cluster.start('a', machine)).rejects.toMatchObject({ code: 'SETTINGS_INVALID' });
  });
});
