import { describe, expect, it } from 'vitest';
import { timingProfiles } from '../../../node/src/raft/types.ts';
import { MemoryCluster } from './memory-cluster.ts';

const { electionTimeoutMinMs } = timingProfiles.lan;

describe('a leader that hands over', () => {
  it('is followed by whom it names, in much less than an election timeout, and loses nothing', async () => {
    const cluster = await MemoryCluster.open('a', 'b', 'c');
    const first = await cluster.leader();
    await cluster.propose(first, 'x');
    const [target] = cluster.others(first);
    const beganMs = cluster.time.nowMs;
    expect(await cluster.outcome(first.consensus.transferLeadership(target!.id))).toBeUndefined();
    expect(first.consensus.status()).toMatchObject({ role: 'follower', leaderId: target!.id });
    await cluster.leader([target!]);
    expect(cluster.time.nowMs - beganMs).toBeLessThan(electionTimeoutMinMs / 2);
    await cluster.propose(target!, 'y');
    await cluster.allApplied(['x', 'y']);
  });

  it('settles what was proposed before, and is busy for what comes meanwhile', async () => {
    const cluster = await MemoryCluster.open('a', 'b', 'c');
    const first = await cluster.leader();
    const before = first.consensus.propose(Buffer.from('x'));
    // Proposals of one turn are appended at its end.
    cluster.time.runDeferred();
    const transfer = first.consensus.transferLeadership();
    expect(await cluster.propose(first, 'y')).toMatchObject({ code: 'BUSY' });
    expect(await cluster.outcome(transfer)).toBeUndefined();
    expect(await cluster.outcome(before)).toMatchObject({ result: 'X' });
    await cluster.allApplied(['x']);
  });

  it('goes on, and says why, when its target cannot take over', async () => {
    const cluster = await MemoryCluster.open('a', 'b', 'c');
    const first = await cluster.leader();
    const [target] = cluster.others(first);
    let answer!: () => void;
    const hang = new Promise<void>((resolve) => (answer = resolve));
    cluster.syncs.set(target!.id, () => hang);
    await cluster.propose(first, 'x');
    expect(await cluster.outcome(first.consensus.transferLeadership(target!.id))).toMatchObject({
      code: 'TRANSFER_FAILED',
      message: `the leadership was not handed over: ${target!.id} did not take over within an election timeout`,
    });
    expect(await cluster.propose(first, 'y')).toMatchObject({ result: 'Y' });
    answer();
  });

  it('is refused to a second caller, of a follower, and after the end', async () => {
    const cluster = await MemoryCluster.open('a', 'b', 'c');
    const first = await cluster.leader();
    const one = first.consensus.transferLeadership();
    expect(await cluster.outcome(first.consensus.transferLeadership())).toMatchObject({
      message: 'the leadership was not handed over: a transfer is under way',
    });
    expect(await cluster.outcome(one)).toBeUndefined();
    expect(await cluster.outcome(first.consensus.transferLeadership())).toMatchObject({ code: 'TRANSFER_FAILED' });
    await cluster.stop(first);
    expect(await cluster.outcome(first.consensus.transferLeadership())).toMatchObject({ code: 'SHUTTING_DOWN' });
  });

  it('ends waiting when the node ends meanwhile', async () => {
    const cluster = await MemoryCluster.open('a', 'b', 'c');
    const first = await cluster.leader();
    const transfer = cluster.outcome(first.consensus.transferLeadership());
    await cluster.stop(first);
    expect(await transfer).toMatchObject({ code: 'SHUTTING_DOWN' });
  });
});
