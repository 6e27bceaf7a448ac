import type { Effects, RaftCore, RaftInput, RaftOptions } from '../../node/src/raft/core.ts';
import { createRaft } from '../../node/src/raft/raft.ts';
import { sameMembers } from './draw-membership.ts';
import type { FaultPlan } from './faults.ts';
import { mapMessage, wrap } from './mutant.ts';
import type { Mutant } from './mutant.ts';

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

const linearizable = 'linearizable reads';

/** Each was found within a third to a half of its bound (`npm run simulate -- --seeds 100 --mutants ''`). */
export const readMutants: readonly Mutant[] = [
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
];
