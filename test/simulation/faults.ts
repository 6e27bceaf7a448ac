import type { MembershipFaults } from './draw-membership.ts';
import type { RaftLimits } from '../../node/src/raft/core.ts';
import type { NetworkFaults } from './network.ts';
import type { Random } from './random.ts';

/** What a seed makes of the world. Means of `Infinity` switch a fault off. */
export interface FaultPlan {
  readonly size: number;
  readonly chaosMs: number;
  readonly network: NetworkFaults;
  readonly maxSyncMs: number;
  /** Of the syncs, how many take a second. */
  readonly syncStall: number;
  readonly crashMeanMs: number;
  readonly downMeanMs: number;
  /** Of the crashes, how many hit the leader. */
  readonly crashLeader: number;
  /** Of the votes, how many are the last thing their sender did; of the acknowledgements, a hundredth of that. */
  readonly crashAtPromise: number;
  /** Of the leaders, how many die within milliseconds of their election (Raft paper, figure 8). */
  readonly crashAtElection: number;
  readonly cutMeanMs: number;
  readonly cutForMeanMs: number;
  readonly pauseMeanMs: number;
  readonly wipe: boolean;
  /** Of the acknowledgements of a member that no log binds yet, how many are the last thing its disk did. */
  readonly loseUnboundDisk: number;
  readonly proposalMeanMs: number;
  /** The longest it takes until a peer knows that a process has ended; Infinity: nobody hears of it. */
  readonly maxEndNewsMs: number;
  /** How often a node takes a living peer for ended, since the network refuses connections in its name. */
  readonly falseEndMeanMs: number;
  readonly transferMeanMs: number;
  readonly readMeanMs: number;
  readonly snapshotMeanMs: number;
  /** How long a sender takes at most for the transfer of a snapshot, whether it arrives or not. */
  readonly maxTransferMs: number;
  readonly maxTrailingBytes: number;
  /** How often somebody asks for a change of the members. */
  readonly changeMeanMs: number;
  /** Nodes that no list names: they take part once they are added. */
  readonly spares: number;
  readonly removeDeadAfterMs: number;
  /** Of each node, in order. */
  readonly priorities: readonly number[];
  /** What the nodes are told of their clocks, in millionths; null: no leases. */
  readonly leaseDriftPpm: number | null;
  /** How far their clocks really run too fast or too slow, at most. */
  readonly clockDriftPpm: number;
  /** How often the clock of a node jumps ahead; never where leases are held, since no bound would be true. */
  readonly clockJumpMeanMs: number;
  readonly limits: Omit<RaftLimits, 'maxTrailingBytes'>;
}

/**
 * Draws every rate anew for each seed (swarm testing): a run with all faults at once hides bugs that one fault alone, at
 * length, would show.
 */
export function drawFaults(
  random: Random,
  size: number,
): Omit<FaultPlan, keyof LaterFaults | keyof MembershipFaults | 'clockJumpMeanMs'> {
  const maybe = (probability: number, draw: () => number, otherwise: number): number =>
    random.chance(probability) ? draw() : otherwise;
  const minDelayMs = random.between(0.1, 5);
  return {
    size,
    chaosMs: random.between(3_000, 7_000),
    network: {
      minDelayMs,
      maxDelayMs: minDelayMs + maybe(0.5, () => random.between(10, 60), 2),
      straggle: maybe(0.4, () => random.between(0, 0.05), 0),
      drop: maybe(0.5, () => random.between(0, 0.25), 0),
      duplicate: maybe(0.5, () => random.between(0, 0.2), 0),
    },
    maxSyncMs: maybe(0.5, () => random.between(5, 80), 1),
    syncStall: maybe(0.3, () => random.between(0, 0.02), 0),
    crashMeanMs: maybe(0.75, () => random.between(200, 2_500), Infinity),
    downMeanMs: random.between(50, 1_000),
    crashLeader: random.between(0, 1),
    crashAtPromise: maybe(0.4, () => random.between(0, 0.6), 0),
    crashAtElection: maybe(0.4, () => random.between(0.2, 0.9), 0),
    cutMeanMs: maybe(0.6, () => random.between(200, 2_500), Infinity),
    cutForMeanMs: random.between(100, 1_500),
    pauseMeanMs: maybe(0.3, () => random.between(500, 3_000), Infinity),
    wipe: random.chance(0.15),
    loseUnboundDisk: 0.5,
    proposalMeanMs: random.pick([5, 20, 60, 300]),
    limits: {
      maxAppendBytes: random.pick([1, 200, 1_000_000]),
      maxInflightBytes: random.pick([300, 2_000, 1_000_000]),
      maxUncommittedBytes: random.pick([500, 100_000]),
      maxProposalBytes: 1_000,
    },
  };
}

export type LaterFaults = Pick<
  FaultPlan,
  | 'maxEndNewsMs'
  | 'falseEndMeanMs'
  | 'transferMeanMs'
  | 'readMeanMs'
  | 'snapshotMeanMs'
  | 'maxTransferMs'
  | 'maxTrailingBytes'
  | 'priorities'
  | 'leaseDriftPpm'
  | 'clockDriftPpm'
>;

/** A clock that runs a twentieth too fast or too slow: a thousand times what a crystal does, so that it shows in a lease of 150 ms. */
export const LARGEST_DRIFT_PPM = 50_000;

/** Drawn apart, so that a seed without them means what it meant before there were any. */
export function drawLaterFaults(random: Random): LaterFaults {
  const later = {
    maxEndNewsMs: random.chance(0.5) ? random.between(0.5, 30) : Infinity,
    falseEndMeanMs: random.chance(0.25) ? random.between(200, 2_000) : Infinity,
    transferMeanMs: random.chance(0.35) ? random.between(50, 1_000) : Infinity,
    readMeanMs: random.chance(0.5) ? random.between(2, 60) : Infinity,
    snapshotMeanMs: random.chance(0.5) ? random.between(5, 300) : Infinity,
    maxTransferMs: random.pick([2, 30, 300]),
    maxTrailingBytes: random.pick([0, 0, 300, 5_000]),
    priorities: random.chance(0.3) ? Array.from({ length: 5 }, () => random.pick([0, 1, 2])) : [0, 0, 0, 0, 0],
  };
  const leaseDriftPpm = random.chance(0.4) ? random.pick([0, 1_000, LARGEST_DRIFT_PPM]) : null;
  return { ...later, leaseDriftPpm, clockDriftPpm: leaseDriftPpm === null ? 0 : random.between(0, leaseDriftPpm) };
}

/** Drawn apart, as above. */
export function drawClockJumps(random: Random): Pick<FaultPlan, 'clockJumpMeanMs'> {
  return { clockJumpMeanMs: random.chance(0.3) ? random.between(200, 2_000) : Infinity };
}

/** The healed world of the liveness phase. */
export const calmNetwork: NetworkFaults = { minDelayMs: 0.2, maxDelayMs: 5, straggle: 0, drop: 0, duplicate: 0 };
