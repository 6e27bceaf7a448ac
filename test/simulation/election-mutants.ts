import type { RaftCore, RaftOptions } from '../../node/src/raft/core.ts';
import { createRaft } from '../../node/src/raft/raft.ts';
import { mapMessage, wrap } from './mutant.ts';
import type { Mutant } from './mutant.ts';
import { earlyLosses, shortReigns } from './mutant-focus.ts';

/** raft.md E2: votes go to any log. */
function ignoresTheLogOfCandidates(options: RaftOptions): RaftCore {
  const longest = { lastLogTerm: Number.MAX_SAFE_INTEGER, lastLogIndex: Number.MAX_SAFE_INTEGER };
  return wrap(createRaft(options), {
    before: (input) =>
      mapMessage(input, (message) => (message.kind === 'voteRequest' ? { ...message, ...longest } : message)),
  });
}

/** raft.md E2: the longer log wins, whatever its terms. */
function comparesLogsByLength(options: RaftOptions): RaftCore {
  const core = createRaft(options);
  return wrap(core, {
    before: (input) =>
      mapMessage(input, (message) => {
        if (message.kind !== 'voteRequest') return message;
        const isLonger = message.lastLogIndex >= core.status().lastIndex;
        return { ...message, lastLogTerm: isLonger ? Number.MAX_SAFE_INTEGER : 0 };
      }),
  });
}

/** raft.md E3, figure 2: the vote is not part of what a restart recovers. */
function forgetsItsVoteAtRestart(options: RaftOptions): RaftCore {
  return createRaft({ ...options, hardState: { ...options.hardState, votedFor: null } });
}

/** raft.md M14, ADR 0011: a restart forgets that the cluster is founded. */
function forgetsTheFoundingAtRestart(options: RaftOptions): RaftCore {
  return createRaft({ ...options, hardState: { ...options.hardState, foundedElsewhere: false } });
}

/** Two of five, one of three: any two quorums need no member in common. */
function takesLessThanAMajority(options: RaftOptions): RaftCore {
  return createRaft({ ...options, listedSize: options.listedSize - 2 });
}

const complete = 'leader completeness';

/** Each was found within a third to a half of its bound (`npm run simulate -- --seeds 100 --mutants ''`). */
export const electionMutants: readonly Mutant[] = [
  {
    name: 'ignores the log of candidates (E2)',
    fromSeed: 1,
    withinSeeds: 50,
    foundAs: complete,
    create: ignoresTheLogOfCandidates,
  },
  {
    name: 'compares logs by length (E2)',
    fromSeed: 1,
    withinSeeds: 10,
    foundAs: complete,
    create: comparesLogsByLength,
    focus: shortReigns,
  },
  {
    name: 'forgets its vote at restart (E3)',
    fromSeed: 1,
    withinSeeds: 60,
    foundAs: 'one vote per term',
    create: forgetsItsVoteAtRestart,
  },
  {
    name: 'forgets the founding at restart (M14)',
    fromSeed: 2715,
    withinSeeds: 10,
    foundAs: complete,
    create: forgetsTheFoundingAtRestart,
    focus: earlyLosses,
  },
  {
    name: 'takes less than a majority',
    fromSeed: 1,
    withinSeeds: 5,
    foundAs: 'founded by the list',
    create: takesLessThanAMajority,
  },
];
