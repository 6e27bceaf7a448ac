import type { Effects, RaftCore, RaftInput, RaftOptions } from '../../node/src/raft/core.ts';
import { createRaft } from '../../node/src/raft/raft.ts';
import type { SnapshotMetadata } from '../../node/src/raft/types.ts';
import type { FaultPlan } from './faults.ts';
import type { Mutant } from './mutant.ts';

/** Compactions all the time, down to the last entry, and members that are away for long. */
const manySnapshots: Partial<FaultPlan> = {
  priorities: [0, 0, 0, 0, 0],
  leaseDriftPpm: null,
  snapshotMeanMs: 15,
  maxTrailingBytes: 0,
  maxTransferMs: 30,
  crashMeanMs: 400,
  downMeanMs: 400,
  cutMeanMs: 500,
  cutForMeanMs: 400,
  proposalMeanMs: 10,
};

function withSnapshot(input: RaftInput, change: (snapshot: SnapshotMetadata) => SnapshotMetadata): RaftInput {
  return input.kind === 'snapshotInstalled' ? { ...input, snapshot: change(input.snapshot) } : input;
}

function around(core: RaftCore, step: RaftCore['step'], snapshotAt = core.snapshotAt.bind(core)): RaftCore {
  return { step, snapshotAt, deadlineMs: () => core.deadlineMs(), status: () => core.status() };
}

/** raft.md S8: the log is let go while the snapshot is still being written. */
function compactsBeforeTheSnapshotIsDurable(options: RaftOptions): RaftCore {
  const core = createRaft(options);
  let begun: SnapshotMetadata | null = null;
  const step = (input: RaftInput, nowMs: number): Effects => {
    if (begun === null) return core.step(input, nowMs);
    const effects = core.step({ kind: 'snapshotSaved', snapshot: begun }, nowMs);
    begun = null;
    return join(effects, core.step(input, nowMs));
  };
  return around(core, step, (index) => (begun = core.snapshotAt(index)));
}

/** Of two steps; where both write, the second batch goes out with the first, under its own ticket. */
function join(first: Effects, second: Effects): Effects {
  const [one, other] = [first.persist, second.persist];
  const persist = one === null || other === null ? (other ?? one) : { ...one, ...other, base: one.base };
  const hardState = other?.hardState ?? one?.hardState ?? null;
  return {
    ...second,
    persist: persist === null ? null : { ...persist, hardState },
    events: [...first.events, ...second.events],
    sendNow: [...first.sendNow, ...second.sendNow],
    sendAfterPersist: [...first.sendAfterPersist, ...second.sendAfterPersist],
  };
}

/** raft.md S3: whatever arrives replaces the log, also where more is committed here (camunda/zeebe#14367). */
function installsOlderSnapshots(options: RaftOptions): RaftCore {
  let core = createRaft(options);
  let tickets = 0;
  let lastTicket = 0;
  const step = (input: RaftInput, nowMs: number): Effects => {
    const { term, votedFor, commitIndex } = core.status();
    if (input.kind !== 'snapshotInstalled' || input.snapshot.index > commitIndex) {
      const mapped = input.kind === 'persisted' ? { ...input, ticket: input.ticket - tickets } : input;
      const effects = core.step(mapped, nowMs);
      if (effects.persist === null) return effects;
      lastTicket = effects.persist.ticket + tickets;
      return { ...effects, persist: { ...effects.persist, ticket: lastTicket } };
    }
    const { snapshot } = input;
    const hardState = { ...options.hardState, term, votedFor };
    tickets = lastTicket;
    core = createRaft({ ...options, hardState, snapshot, base: snapshot, entries: [] });
    return core.step({ kind: 'tick' }, nowMs);
  };
  return {
    step,
    snapshotAt: (index) => core.snapshotAt(index),
    deadlineMs: () => core.deadlineMs(),
    status: () => core.status(),
  };
}

/** raft.md S10: the members are not part of what a snapshot says, so those of the log before it count, or none but oneself. */
function forgetsWhoCounts(options: RaftOptions): RaftCore {
  const alone = (snapshot: SnapshotMetadata): SnapshotMetadata => ({
    ...snapshot,
    membership: { ...snapshot.membership, voters: [options.self], unmet: 0 },
  });
  const core = createRaft(options.snapshot === null ? options : { ...options, snapshot: alone(options.snapshot) });
  return around(core, (input, nowMs) => core.step(withSnapshot(input, alone), nowMs));
}

/** The last entry of an installed snapshot is remembered with a term that it does not have. */
function remembersAnotherTerm(options: RaftOptions): RaftCore {
  const core = createRaft(options);
  const change = (snapshot: SnapshotMetadata): SnapshotMetadata => ({ ...snapshot, term: core.status().term });
  return around(core, (input, nowMs) => core.step(withSnapshot(input, change), nowMs));
}

/** raft.md S2: whoever gets a snapshot throws its log away, with what it has acknowledged behind that. */
function throwsAwayWhatFollows(options: RaftOptions): RaftCore {
  const core = createRaft(options);
  const step = (input: RaftInput, nowMs: number): Effects => {
    const effects = core.step(input, nowMs);
    if (input.kind !== 'snapshotInstalled' || effects.committed.length === 0 || effects.persist === null)
      return effects;
    return { ...effects, persist: { ...effects.persist, truncateFrom: input.snapshot.index + 1 } };
  };
  return around(core, step);
}

/** raft.md S6, S9: a snapshot is acknowledged when it has arrived, before the log that begins behind it is written. */
function acknowledgesBeforeTheLogBegins(options: RaftOptions): RaftCore {
  const core = createRaft(options);
  const step = (input: RaftInput, nowMs: number): Effects => {
    const effects = core.step(input, nowMs);
    if (input.kind !== 'snapshotInstalled') return effects;
    return { ...effects, sendNow: [...effects.sendNow, ...effects.sendAfterPersist], sendAfterPersist: [] };
  };
  return around(core, step);
}

const focus = manySnapshots;

export const snapshotMutants: readonly Mutant[] = [
  {
    name: 'compacts before the snapshot is durable (S8)',
    ...{ fromSeed: 1, withinSeeds: 3, foundAs: 'what is compacted is durable' },
    ...{ create: compactsBeforeTheSnapshotIsDurable, focus },
  },
  {
    name: 'installs an older snapshot over a newer log (S3)',
    ...{ fromSeed: 16, withinSeeds: 15, foundAs: 'monotonic commit' },
    ...{ create: installsOlderSnapshots, focus },
  },
  {
    name: 'forgets who counts (S10)',
    ...{ fromSeed: 4, withinSeeds: 5, foundAs: 'leader completeness' },
    ...{ create: forgetsWhoCounts, focus },
  },
  {
    name: 'remembers another term (S1)',
    ...{ fromSeed: 1, withinSeeds: 8, foundAs: 'liveness' },
    ...{ create: remembersAnotherTerm, focus },
  },
  {
    name: 'throws away what follows a snapshot (S2)',
    ...{ fromSeed: 1, withinSeeds: 40, foundAs: 'promise is durable' },
    ...{ create: throwsAwayWhatFollows, focus },
  },
  {
    name: 'acknowledges before the log begins (S6)',
    ...{ fromSeed: 1, withinSeeds: 25, foundAs: 'promise is durable' },
    ...{ create: acknowledgesBeforeTheLogBegins, focus },
  },
];
