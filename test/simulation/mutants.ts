import type { Effects, RaftCore, RaftInput, RaftOptions } from '../../node/src/raft/core.ts';
import type { Message } from '../../node/src/raft/messages.ts';
import { createRaft } from '../../node/src/raft/raft.ts';
import type { Entry } from '../../node/src/raft/types.ts';
import { DurableState } from './disk.ts';
import { sameMembers } from './draw-membership.ts';
import type { FaultPlan } from './faults.ts';
import type { CreateCore } from './node.ts';

/**
 * Known bugs of other implementations, put around the core from outside: what the simulator does not find here it would not
 * find in the core either. `withinSeeds` states how many seeds it may take.
 */
export interface Mutant {
  readonly name: string;
  readonly withinSeeds: number;
  /** Where the hunt begins; later than 1 for bugs that need a rare shape, so that a test run need not wait for it. */
  readonly fromSeed: number;
  /** The invariant that catches it, or `liveness`. */
  readonly foundAs: string;
  readonly create: CreateCore;
  /** The faults under which it is hunted, where the swarm would take too long. */
  readonly focus?: Partial<FaultPlan>;
}

interface Around {
  readonly before?: (input: RaftInput) => RaftInput;
  readonly after?: (effects: Effects, core: RaftCore, input: RaftInput, nowMs: number) => Effects;
}

function wrap(core: RaftCore, { before = (input) => input, after = (effects) => effects }: Around): RaftCore {
  return {
    step: (input, nowMs) => after(core.step(before(input), nowMs), core, input, nowMs),
    deadlineMs: () => core.deadlineMs(),
    status: () => core.status(),
    snapshotAt: (index) => core.snapshotAt(index),
  };
}

function mapMessage(input: RaftInput, change: (message: Message) => Message): RaftInput {
  return input.kind === 'message' ? { ...input, message: change(input.message) } : input;
}

/** raft.md E3: the reply does not wait for the disk. */
function promisesBeforePersist(options: RaftOptions): RaftCore {
  return wrap(createRaft(options), {
    after: (effects) => ({
      ...effects,
      sendNow: [...effects.sendNow, ...effects.sendAfterPersist],
      sendAfterPersist: [],
    }),
  });
}

/** raft.md R10: the leader counts itself as soon as it has given the entries to its disk. */
function countsItselfBeforePersist(options: RaftOptions): RaftCore {
  return wrap(createRaft(options), {
    after: (effects, core, _input, nowMs) => {
      if (effects.persist === null || core.status().role !== 'leader') return effects;
      const more = core.step({ kind: 'persisted', ticket: effects.persist.ticket }, nowMs);
      return {
        ...effects,
        sendNow: [...effects.sendNow, ...more.sendNow],
        sendAfterPersist: [...effects.sendAfterPersist, ...more.sendAfterPersist],
        committed: [...effects.committed, ...more.committed],
        events: [...effects.events, ...more.events],
      };
    },
  });
}

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

/** raft.md R1, figure 8: followers are told to commit whatever a majority holds, of any term. */
function commitsOldTermsByCounting(options: RaftOptions): RaftCore {
  const writing: { readonly ticket: number; upTo: number }[] = [];
  let durableIndex = options.entries.length;
  const core = createRaft(options);
  const needed = Math.floor(options.listedSize / 2) + 1;
  return wrap(core, {
    before: (input) => {
      if (input.kind === 'persisted') {
        durableIndex = writing.findLast(({ ticket }) => ticket <= input.ticket)?.upTo ?? durableIndex;
      }
      return input;
    },
    after: (effects) => {
      const { peers, lastIndex } = core.status();
      const { persist } = effects;
      if (persist?.truncateFrom != null) {
        durableIndex = Math.min(durableIndex, persist.truncateFrom - 1);
        for (const batch of writing) batch.upTo = Math.min(batch.upTo, persist.truncateFrom - 1);
      }
      if (persist !== null) writing.push({ ticket: persist.ticket, upTo: lastIndex });
      const matched = [...peers.map(({ matchIndex }) => matchIndex), durableIndex].sort((a, b) => b - a);
      const held = matched[needed - 1] ?? 0;
      const sendNow = effects.sendNow.map((message) =>
        message.kind === 'appendRequest' ? { ...message, commitIndex: Math.max(message.commitIndex, held) } : message,
      );
      return { ...effects, sendNow };
    },
  });
}

/** raft.md R2 (etcd#1203, scylladb#9965): a follower commits up to the leader's commit or the end of its own log. */
function commitsBeyondWhatWasVerified(options: RaftOptions): RaftCore {
  const log = new DurableState();
  log.entries = [...options.entries];
  let handedOut = 0;
  return wrap(createRaft(options), {
    after: (effects, core, input) => {
      if (effects.persist !== null) log.apply(effects.persist);
      const told = input.kind === 'message' && input.message.kind === 'appendRequest' ? input.message : null;
      const follows = told !== null && told.term === core.status().term && core.status().role === 'follower';
      const upTo = Math.max(core.status().commitIndex, follows ? Math.min(told.commitIndex, log.entries.length) : 0);
      const committed: Entry[] = log.entries.slice(handedOut, Math.max(handedOut, upTo));
      handedOut += committed.length;
      return { ...effects, committed };
    },
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

/** raft.md R9: whatever was written last counts as durable, also what replaced it meanwhile. */
function confusesTickets(options: RaftOptions): RaftCore {
  let lastTicket = 0;
  return wrap(createRaft(options), {
    before: (input) => (input.kind === 'persisted' ? { ...input, ticket: lastTicket } : input),
    after: (effects) => {
      lastTicket = effects.persist?.ticket ?? lastTicket;
      return effects;
    },
  });
}

/** raft.md D1 (etcd#7331) and L9: whoever believes to lead answers at once. */
function readsWithoutAsking(options: RaftOptions): RaftCore {
  return wrap(createRaft(options), {
    after: (effects, core, input) => {
      if (input.kind !== 'read' || core.status().role !== 'leader') return { ...effects, reads: [] };
      return { ...effects, reads: [{ readId: input.readId, accepted: true, index: core.status().commitIndex }] };
    },
  });
}

/** What a leader would believe of its lease, if it counted it otherwise than lease.ts does. */
class OwnLease {
  readonly #options: RaftOptions;
  readonly #countsFrom: 'sending' | 'answer';
  readonly #sentMs = new Map<number, number>();
  readonly #fromMs = new Map<string, number>();

  constructor(options: RaftOptions, countsFrom: 'sending' | 'answer') {
    this.#options = options;
    this.#countsFrom = countsFrom;
  }

  sent(effects: Effects, nowMs: number): void {
    for (const message of effects.sendNow) if (message.kind === 'heartbeat') this.#sentMs.set(message.round, nowMs);
  }

  received(input: RaftInput, nowMs: number): void {
    if (input.kind !== 'message' || input.message.kind !== 'heartbeatResponse') return;
    const { from, round, leaseMs } = input.message;
    if (leaseMs === 0) return;
    const beganMs = this.#countsFrom === 'answer' ? nowMs : (this.#sentMs.get(round) ?? 0);
    this.#fromMs.set(from, Math.max(this.#fromMs.get(from) ?? 0, beganMs));
  }

  isHeld(nowMs: number): boolean {
    const { lease, listedSize, timings } = this.#options;
    const drift = (lease?.maxClockDriftPpm ?? 0) / 1e6;
    const others = Math.floor(listedSize / 2);
    const fromMs = [...this.#fromMs.values()].sort((a, b) => b - a)[others - 1] ?? -Infinity;
    return nowMs < fromMs + (timings.electionTimeoutMinMs * (1 - drift)) / (1 + drift);
  }
}

/** A leader that answers by a lease it counts itself; `endsAtTransfer`: as the real one, not once it has asked another to campaign. */
function answersByOwnLease(options: RaftOptions, countsFrom: 'sending' | 'answer', endsAtTransfer: boolean): RaftCore {
  const core = createRaft({ ...options });
  let own = new OwnLease(options, countsFrom);
  let isOver = false;
  let term = 0;
  return {
    deadlineMs: () => core.deadlineMs(),
    status: () => core.status(),
    snapshotAt: (index) => core.snapshotAt(index),
    step: (input, nowMs) => {
      own.received(input, nowMs);
      const status = core.status();
      const isLeased = status.role === 'leader' && status.committedInTerm && status.term === term && !isOver;
      const isRead = input.kind === 'read' && input.byLease === true;
      if (isRead && isLeased && own.isHeld(nowMs)) {
        const reads = [{ readId: input.readId, accepted: true, index: status.commitIndex } as const];
        return { ...core.step({ kind: 'persisted', ticket: 0 }, nowMs), reads };
      }
      const effects = core.step(input, nowMs);
      if (core.status().term !== term)
        [own, isOver, term] = [new OwnLease(options, countsFrom), false, core.status().term];
      if (endsAtTransfer && effects.sendNow.some(({ kind }) => kind === 'timeoutNow')) isOver = true;
      own.sent(effects, nowMs);
      return effects;
    },
  };
}

/** raft.md D5: a voter says that it promises a lease, and forgets it. */
function promisesNoLease(options: RaftOptions): RaftCore {
  let askedMs = 0;
  return wrap(createRaft(options), {
    before: (input) => {
      askedMs = input.kind === 'message' && input.message.kind === 'heartbeat' ? input.message.leaseMs : 0;
      return mapMessage(input, (message) => (message.kind === 'heartbeat' ? { ...message, leaseMs: 0 } : message));
    },
    after: (effects) => ({
      ...effects,
      sendNow: effects.sendNow.map((message) =>
        message.kind === 'heartbeatResponse' ? { ...message, leaseMs: askedMs } : message,
      ),
    }),
  });
}

/** A voter that votes right after its restart, although it may have promised a lease before it. */
function votesRightAfterItsStart(options: RaftOptions): RaftCore {
  const core = createRaft(options);
  let isFirst = true;
  return {
    deadlineMs: () => core.deadlineMs(),
    status: () => core.status(),
    snapshotAt: (index) => core.snapshotAt(index),
    step: (input, nowMs) => {
      if (isFirst) core.step({ kind: 'tick' }, nowMs - options.timings.electionTimeoutMaxMs);
      isFirst = false;
      return core.step(input, nowMs);
    },
  };
}

/** Leaders that are cut off and taken for ended, with leases, and many that read. */
const leased: Partial<FaultPlan> = {
  ...sameMembers,
  snapshotMeanMs: Infinity,
  priorities: [0, 0, 0, 0, 0],
  size: 3,
  chaosMs: 4_000,
  network: { minDelayMs: 0.5, maxDelayMs: 8, straggle: 0.02, drop: 0, duplicate: 0 },
  maxSyncMs: 2,
  syncStall: 0,
  crashMeanMs: Infinity,
  crashAtElection: 0,
  crashAtPromise: 0,
  cutMeanMs: 400,
  cutForMeanMs: 200,
  pauseMeanMs: Infinity,
  wipe: false,
  proposalMeanMs: 3,
  falseEndMeanMs: 200,
  transferMeanMs: Infinity,
  readMeanMs: 1,
  leaseDriftPpm: 1_000,
  clockDriftPpm: 1_000,
  limits: { maxAppendBytes: 1e6, maxInflightBytes: 1e6, maxUncommittedBytes: 1e6, maxProposalBytes: 1e3 },
};

/** Leaders that die right after their election, and appends of one entry: logs of many terms, half replicated. */
const shortReigns: Partial<FaultPlan> = {
  ...sameMembers,
  priorities: [0, 0, 0, 0, 0],
  leaseDriftPpm: null,
  size: 5,
  chaosMs: 6_000,
  network: { minDelayMs: 0.5, maxDelayMs: 12, straggle: 0.01, drop: 0.05, duplicate: 0 },
  maxSyncMs: 2,
  syncStall: 0,
  crashAtElection: 0.7,
  crashMeanMs: 400,
  crashLeader: 0.8,
  downMeanMs: 100,
  cutMeanMs: 800,
  cutForMeanMs: 300,
  proposalMeanMs: 5,
  wipe: false,
  snapshotMeanMs: Infinity,
  limits: {
    maxAppendBytes: 1,
    maxInflightBytes: 2_000,
    maxUncommittedBytes: 100_000,
    maxProposalBytes: 1_000,
  },
};

/** Leaders cut off with a growing tail of their own, which the next leader must replace entry by entry. */
const cutOffLeaders: Partial<FaultPlan> = { ...shortReigns, crashAtElection: 0, cutMeanMs: 300, cutForMeanMs: 500 };

/** Three that crash and lose disks right after the founding, while it has not come to all. */
const earlyLosses: Partial<FaultPlan> = {
  ...sameMembers,
  priorities: [0, 0, 0, 0, 0],
  leaseDriftPpm: null,
  size: 3,
  chaosMs: 3_000,
  crashMeanMs: 150,
  downMeanMs: 400,
  cutMeanMs: 150,
  cutForMeanMs: 400,
  wipe: true,
  loseUnboundDisk: 0,
};

const durable = 'promise is durable';
const onQuorum = 'committed is durable';
const complete = 'leader completeness';
const linearizable = 'linearizable reads';

/** Each was found within a third to a half of its bound (`node test/simulation/simulate.ts --seeds 100 --mutants ''`). */
export const mutants: readonly Mutant[] = [
  {
    name: 'promises before persist (E3)',
    fromSeed: 1,
    withinSeeds: 5,
    foundAs: durable,
    create: promisesBeforePersist,
  },
  {
    name: 'counts itself before persist (R10)',
    fromSeed: 1,
    withinSeeds: 30,
    foundAs: onQuorum,
    create: countsItselfBeforePersist,
  },
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
    name: 'commits old terms by counting (R1)',
    fromSeed: 44,
    withinSeeds: 10,
    foundAs: onQuorum,
    create: commitsOldTermsByCounting,
    focus: shortReigns,
  },
  {
    name: 'commits beyond what was verified (R2)',
    fromSeed: 1,
    withinSeeds: 20,
    foundAs: 'state machine safety',
    create: commitsBeyondWhatWasVerified,
    focus: cutOffLeaders,
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
  {
    name: 'reads without asking (D1, L9)',
    fromSeed: 1,
    withinSeeds: 10,
    foundAs: linearizable,
    create: readsWithoutAsking,
  },
  {
    name: 'counts a lease from the answer',
    fromSeed: 1,
    withinSeeds: 60,
    foundAs: linearizable,
    create: (options) => answersByOwnLease(options, 'answer', true),
    focus: leased,
  },
  {
    name: 'keeps its lease through a transfer (D5)',
    fromSeed: 1,
    withinSeeds: 50,
    foundAs: linearizable,
    create: (options) => answersByOwnLease(options, 'sending', false),
    focus: { ...leased, transferMeanMs: 100 },
  },
  {
    name: 'forgets the lease it has promised',
    fromSeed: 1,
    withinSeeds: 5,
    foundAs: linearizable,
    create: promisesNoLease,
    focus: leased,
  },
  {
    name: 'votes right after its start, within a lease',
    fromSeed: 130,
    withinSeeds: 20,
    foundAs: linearizable,
    create: votesRightAfterItsStart,
    focus: {
      ...leased,
      crashMeanMs: 200,
      downMeanMs: 3,
      crashLeader: 0,
      cutMeanMs: 150,
      cutForMeanMs: 500,
      maxEndNewsMs: Infinity,
      falseEndMeanMs: Infinity,
    },
  },
  {
    name: 'believes in a bound that its clock does not keep',
    fromSeed: 1,
    withinSeeds: 50,
    foundAs: linearizable,
    create: createRaft,
    focus: { ...leased, clockDriftPpm: 600_000 },
  },
  { name: 'confuses tickets (R9)', fromSeed: 1, withinSeeds: 30, foundAs: onQuorum, create: confusesTickets },
];
