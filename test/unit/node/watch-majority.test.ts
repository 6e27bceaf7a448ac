import { expect, it } from 'vitest';
import { foundedBy } from '../../../node/src/raft/membership.ts';
import type { ConsensusStatus } from '../../../node/src/consensus/consensus.ts';
import { silentLog } from '../../../node/src/lib/log.ts';
import { lastsMs, watchMajority } from '../../../node/src/node/watch-majority.ts';
import { ManualClock } from '../transport/manual-clock.ts';
import { timingProfiles } from '../../../node/src/raft/types.ts';

it('says that no leader can be elected once it has lasted longer than a start of all, and once until it was otherwise', () => {
  const clock = new ManualClock();
  const said: string[] = [];
  const log = { ...silentLog, error: (_fields: object, message: string) => void said.push(message) };
  const membership = foundedBy({
    clusterId: 'c',
    voters: [
      { id: 'a', incarnation: '1' },
      { id: 'b', incarnation: '2' },
    ],
    unmet: 1,
  });
  let leaderId: string | null = null;
  const status = (): ConsensusStatus => ({
    ...{ nodeId: 'a', incarnation: '1', role: 'candidate', term: 1, leaderId, membership },
    ...{ lastIndex: 1, commitIndex: 1, appliedIndex: 1, snapshotIndex: 0, listedSize: 3, leading: false, problems: [] },
    timings: timingProfiles.lan,
  });
  const end = watchMajority({ status, peers: () => [] }, clock, log);

  clock.advance(lastsMs - 1_000);
  expect(said).toEqual([]);
  clock.advance(60_000);
  expect(said).toEqual([expect.stringMatching(/^no leader can be elected: 2 of 3 .* not reached: "b"/)]);
  leaderId = 'a';
  clock.advance(1_000);
  leaderId = null;
  clock.advance(2 * lastsMs);
  expect(said).toHaveLength(2);
  end();
  leaderId = 'a';
  clock.advance(1_000);
  leaderId = null;
  clock.advance(2 * lastsMs);
  expect(said).toHaveLength(2);
});
