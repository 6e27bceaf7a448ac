import { describe, expect, it } from 'vitest';
import { initialState } from '../../../node/src/cluster/reducer.ts';
import type { ConsensusStatus } from '../../../node/src/consensus/consensus.ts';
import { createBackend } from '../../../node/src/node/backend.ts';
import { timingProfiles } from '../../../node/src/raft/types.ts';

type Membership = NonNullable<ConsensusStatus['membership']>;

async function membersIn(membership: Membership | null): Promise<string | undefined> {
  const status: ConsensusStatus = {
    ...{ nodeId: 'a', incarnation: '01', timings: timingProfiles.lan, role: 'follower', term: 1, leaderId: null },
    ...{ membership, listedSize: 3, leading: false, problems: [] },
    ...{ lastIndex: 1, commitIndex: 1, appliedIndex: 1, snapshotIndex: 0 },
  };
  const backend = createBackend({
    consensus: { status: () => status, peers: () => [] } as never,
    runtime: { runs: null } as never,
    ...{ state: () => initialState, region: 'eu', delivery: null },
  });
  return /^tutti_cluster_members\{.*\} (\d+)$/m.exec((await backend.metrics()).text)?.[1];
}

describe('the members that Prometheus is told of', () => {
  const member = (id: string): Membership['voters'][number] => ({ id, incarnation: `${id}1` });
  const membership: Membership = {
    ...{ clusterId: 'c', voters: [member('a'), member('b')], learners: ['c'], outgoing: null, unmet: 0, addresses: {} },
  };

  it('are voters and learners, each once while they change', async () => {
    expect(await membersIn(membership)).toBe('3');
    const outgoing = { voters: [member('b'), member('d')], unmet: 0 };
    expect(await membersIn({ ...membership, outgoing })).toBe('4');
  });

  it('and who is on the list and was never met, since it is missing, too', async () => {
    expect(await membersIn({ ...membership, unmet: 1 })).toBe('4');
  });

  it('are none before there is a cluster', async () => {
    expect(await membersIn(null)).toBe('0');
  });
});
