import { describe, expect, it } from 'vitest';
import { Random } from '../../simulation/random.ts';
import { Rig, sent, timings } from './rig.ts';

/** The cases of etcd-io/raft raft_paper_test.go, by their names there, each on a section of the Raft paper. */
describe('Raft paper', () => {
  it.each(['follower', 'candidate', 'leader'] as const)(
    '5.1 %sUpdateTermFromMessage: a higher term makes a follower of that term',
    (role) => {
      const rig = new Rig();
      if (role === 'candidate') rig.campaign();
      if (role === 'leader') rig.lead();
      expect(rig.status.role).toBe(role);
      rig.append('n2', 7, [1, 1], []);
      expect(rig.status).toMatchObject({ role: 'follower', term: 7, leaderId: 'n2', votedFor: null });
    },
  );

  it('5.1 RejectStaleTermMessage: an append of an older term is refused with the newer one', () => {
    const rig = new Rig({ term: 3 });
    const effects = rig.append('n2', 2, [1, 1], [2]);
    expect(sent(effects, 'appendResponse')).toMatchObject([{ success: false, term: 3 }]);
    expect(rig.status).toMatchObject({ lastIndex: 1, leaderId: null });
  });

  it('5.2 StartAsFollower', () => {
    expect(new Rig().status.role).toBe('follower');
  });

  it('5.2 LeaderBcastBeat: a leader sends heartbeats to all at each interval', () => {
    const rig = new Rig();
    rig.lead();
    const startedMs = rig.nowMs;
    for (const round of [1, 2, 3]) {
      const beats = sent(rig.tick(), 'heartbeat');
      expect(rig.nowMs).toBe(startedMs + round * timings.heartbeatMs);
      expect(beats.map(({ to, round: number }) => [to, number])).toEqual([
        ['n2', round],
        ['n3', round],
      ]);
    }
  });

  it('5.2 FollowerStartElection: a silent leader is followed by a campaign in the next term', () => {
    const rig = new Rig();
    const asked = sent(rig.tick(), 'voteRequest');
    expect(asked).toMatchObject([
      { to: 'n2', term: 2, preVote: true },
      { to: 'n3', term: 2, preVote: true },
    ]);
    const requests = sent(rig.grant('n2', true), 'voteRequest');
    expect(rig.status).toMatchObject({ role: 'candidate', term: 2, votedFor: 'n1' });
    expect(requests).toMatchObject([
      { to: 'n2', term: 2, preVote: false },
      { to: 'n3', term: 2, preVote: false },
    ]);
  });

  it('5.2 CandidateStartNewElection: an election without an end is followed by another one', () => {
    const rig = new Rig();
    rig.campaign();
    rig.tick();
    expect(rig.status).toMatchObject({ role: 'preCandidate', term: 2 });
    rig.grant('n3', true);
    expect(rig.status).toMatchObject({ role: 'candidate', term: 3 });
  });

  it.each([
    { size: 1, votes: 0, elected: true },
    { size: 3, votes: 0, elected: false },
    { size: 3, votes: 1, elected: true },
    { size: 5, votes: 1, elected: false },
    { size: 5, votes: 2, elected: true },
    { size: 5, votes: 4, elected: true },
  ])(
    '5.2 LeaderElectionInOneRoundRPC: of $size voters, own vote and $votes more: $elected',
    ({ size, votes, elected }) => {
      const voters = Array.from({ length: size }, (_, at) => `n${at + 1}`);
      const rig = new Rig({ voters });
      rig.campaign(voters.slice(1));
      for (const id of voters.slice(1, 1 + votes)) rig.grant(id, false);
      expect(rig.status.role === 'leader').toBe(elected);
    },
  );

  it.each([
    { votedFor: null, candidate: 'n2', granted: true },
    { votedFor: 'n2', candidate: 'n2', granted: true },
    { votedFor: 'n3', candidate: 'n2', granted: false },
  ])('5.2 FollowerVote: voted for $votedFor, asked by $candidate: $granted', ({ votedFor, candidate, granted }) => {
    const rig = new Rig({ term: 2, votedFor });
    expect(sent(rig.voteRequest(candidate, 2, [1, 1]), 'voteResponse')).toMatchObject([{ granted }]);
  });

  it.each([2, 3])('5.2 CandidateFallback: a leader of term %i ends the candidacy', (term) => {
    const rig = new Rig();
    rig.campaign();
    rig.heartbeat('n3', term);
    expect(rig.status).toMatchObject({ role: 'follower', term, leaderId: 'n3' });
  });

  it.each(['Follower', 'Candidate'])('5.2 %sElectionTimeoutRandomized: uniform over the range', (role) => {
    const random = new Random(1, role);
    const waits = Array.from({ length: 300 }, () => {
      const rig = new Rig({ random: random.next });
      if (role === 'Candidate') rig.campaign();
      return rig.core.deadlineMs() - rig.nowMs;
    });
    const { electionTimeoutMinMs, electionTimeoutMaxMs } = timings;
    expect(Math.min(...waits)).toBeGreaterThanOrEqual(electionTimeoutMinMs);
    expect(Math.max(...waits)).toBeLessThan(electionTimeoutMaxMs);
    expect(Math.max(...waits) - Math.min(...waits)).toBeGreaterThan(
      0.9 * (electionTimeoutMaxMs - electionTimeoutMinMs),
    );
  });

  it.each(['Followers', 'Candidates'])(
    '5.2 %sElectionTimeoutNonconflict: two of five seldom time out together',
    (role) => {
      const random = new Random(2, role);
      let conflicts = 0;
      for (let round = 0; round < 500; round += 1) {
        const deadlines = Array.from({ length: 5 }, () => {
          const rig = new Rig({ random: random.next });
          if (role === 'Candidates') rig.campaign();
          return rig.core.deadlineMs() - rig.nowMs;
        }).sort((a, b) => a - b);
        // Within a round trip of a data centre, the second one would campaign before it hears of the first.
        if (deadlines[1]! - deadlines[0]! < 1) conflicts += 1;
      }
      expect(conflicts / 500).toBeLessThan(0.1);
    },
  );

  it('5.3 LeaderStartReplication: a proposal goes to all with the place before it', () => {
    const rig = new Rig();
    rig.lead();
    for (const id of ['n2', 'n3']) rig.acknowledge(id, 2);
    const effects = rig.propose('some data');
    expect(effects.proposal).toEqual({ accepted: true, term: 2, firstIndex: 3 });
    expect(effects.persist?.entries).toMatchObject([{ index: 3, term: 2 }]);
    const expected = { prevLogIndex: 2, prevLogTerm: 2, commitIndex: 2, entries: [{ index: 3, term: 2 }] };
    expect(sent(effects, 'appendRequest')).toMatchObject([
      { to: 'n2', ...expected },
      { to: 'n3', ...expected },
    ]);
  });

  it('5.3 LeaderCommitEntry: what a quorum holds is committed, handed out and told', () => {
    const rig = new Rig();
    rig.lead();
    rig.acknowledge('n2', 2);
    rig.acknowledge('n3', 2);
    rig.propose('some data');
    rig.persist();
    const effects = rig.acknowledge('n3', 3);
    expect(effects.committed).toMatchObject([{ index: 3 }]);
    expect(sent(rig.tick(), 'appendRequest')).toMatchObject([
      { to: 'n2', commitIndex: 3 },
      { to: 'n3', commitIndex: 3 },
    ]);
  });

  it.each([
    { size: 1, acks: 0, commits: true },
    { size: 3, acks: 0, commits: false },
    { size: 3, acks: 1, commits: true },
    { size: 5, acks: 1, commits: false },
    { size: 5, acks: 2, commits: true },
  ])(
    '5.3 LeaderAcknowledgeCommit: $acks of $size acknowledge besides the leader: $commits',
    ({ size, acks, commits }) => {
      const voters = Array.from({ length: size }, (_, at) => `n${at + 1}`);
      const rig = new Rig({ voters });
      if (size === 1) {
        rig.tick();
        rig.persist();
        rig.persist();
      } else rig.lead(voters.slice(1));
      for (const id of voters.slice(1, 1 + acks)) rig.acknowledge(id, 2);
      expect(rig.status.commitIndex).toBe(commits ? 2 : 0);
    },
  );

  it.each([[[1]], [[1, 1, 2]], [[1, 2]]])(
    '5.3 LeaderCommitPrecedingEntries: with its own entry a leader commits %j',
    (log) => {
      const rig = new Rig({ log, term: 2 });
      rig.lead();
      const effects = rig.acknowledge('n2', log.length + 1);
      expect(effects.committed.map(({ index, term }) => [index, term])).toEqual(
        [...log, 3].map((term, at) => [at + 1, term]),
      );
    },
  );

  it.each([[[2]], [[2, 2]]])(
    '5.3 FollowerCommitEntry: a follower hands out what the leader committed (%j)',
    (terms) => {
      const rig = new Rig({ term: 2 });
      const effects = rig.append('n2', 2, [1, 1], terms, 1 + terms.length);
      expect(effects.committed.map(({ index }) => index)).toEqual([1, 2, 3].slice(0, 1 + terms.length));
    },
  );

  it.each([
    { prev: [0, 0], success: true },
    { prev: [1, 1], success: true },
    { prev: [2, 2], success: true },
    { prev: [1, 2], success: false },
    { prev: [2, 1], success: false },
    { prev: [3, 3], success: false },
  ] as const)('5.3 FollowerCheckMsgApp: after $prev an append is accepted: $success', ({ prev, success }) => {
    const rig = new Rig({ log: [1, 2] });
    const [index] = prev;
    expect(sent(rig.append('n2', 2, prev, []), 'appendResponse')).toMatchObject([{ success, index }]);
  });

  it.each([
    { prev: [2, 2], terms: [3], log: [1, 2, 3], written: 1 },
    { prev: [1, 1], terms: [3, 4], log: [1, 3, 4], written: 2 },
    { prev: [1, 1], terms: [2], log: [1, 2], written: 0 },
    { prev: [1, 1], terms: [3], log: [1, 3], written: 1 },
  ] as const)('5.3 FollowerAppendEntries: after $prev, $terms makes $log', ({ prev, terms, log, written }) => {
    const rig = new Rig({ log: [1, 2] });
    const effects = rig.append('n2', 4, prev, terms);
    expect(rig.status.lastIndex).toBe(log.length);
    expect(effects.persist?.entries.map(({ term }) => term) ?? []).toEqual(log.slice(log.length - written));
  });

  it.each([
    { name: 'a', follower: [1, 1, 1, 4, 4, 5, 5, 6, 6] },
    { name: 'b', follower: [1, 1, 1, 4] },
    { name: 'c', follower: [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 6] },
    { name: 'd', follower: [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 7, 7] },
    { name: 'e', follower: [1, 1, 1, 4, 4, 4, 4] },
    { name: 'f', follower: [1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3] },
  ])('5.3 LeaderSyncFollowerLog, figure 7 ($name): the follower gets the log of the leader', ({ follower }) => {
    const leaderLog = [1, 1, 1, 4, 4, 5, 5, 6, 6, 6];
    const leader = new Rig({ log: leaderLog, term: 8 });
    const other = new Rig({ id: 'n2', log: follower, term: 8 });
    let waiting = sent(leader.lead(['n3']), 'appendRequest').filter(({ to }) => to === 'n2');
    for (let round = 0; waiting.length > 0; round += 1) {
      expect(round).toBeLessThan(10);
      const answers = waiting.flatMap((message) => sent(other.receive(message), 'appendResponse'));
      waiting = answers
        .flatMap((message) => sent(leader.receive(message), 'appendRequest'))
        .filter(({ to }) => to === 'n2');
    }
    expect(other.status.lastIndex).toBe(leaderLog.length + 1);
    expect(leader.status.peers.find(({ id }) => id === 'n2')?.matchIndex).toBe(leaderLog.length + 1);
  });

  it.each([
    { log: [1], last: [1, 1] },
    { log: [1, 2], last: [2, 2] },
  ])('5.4.1 VoteRequest: names the end of the log $last', ({ log, last }) => {
    const rig = new Rig({ log });
    const requests = sent(rig.campaign(), 'voteRequest');
    expect(requests.map(({ to }) => to)).toEqual(['n2', 'n3']);
    for (const { lastLogIndex, lastLogTerm } of requests) expect([lastLogIndex, lastLogTerm]).toEqual(last);
  });

  it.each([
    { log: [1], last: [1, 1], granted: true },
    { log: [1], last: [2, 1], granted: true },
    { log: [1, 1], last: [1, 1], granted: false },
    { log: [1], last: [1, 2], granted: true },
    { log: [1], last: [2, 2], granted: true },
    { log: [1, 1], last: [1, 2], granted: true },
    { log: [2], last: [1, 1], granted: false },
    { log: [2], last: [2, 1], granted: false },
    { log: [2, 2], last: [1, 1], granted: false },
  ] as const)('5.4.1 Voter (E2): log $log, candidate ends at $last: $granted', ({ log, last, granted }) => {
    const rig = new Rig({ log });
    expect(sent(rig.voteRequest('n2', 3, last), 'voteResponse')).toMatchObject([{ granted }]);
  });

  it('5.4.2 LeaderOnlyCommitsLogFromCurrentTerm (R1, figure 8): older entries wait for one of its own', () => {
    const rig = new Rig({ log: [1, 2], term: 3 });
    rig.lead();
    expect(rig.acknowledge('n2', 1).committed).toEqual([]);
    expect(rig.acknowledge('n2', 2).committed).toEqual([]);
    expect(rig.acknowledge('n3', 2).committed).toEqual([]);
    expect(rig.acknowledge('n2', 3).committed.map(({ index }) => index)).toEqual([1, 2, 3]);
  });
});
