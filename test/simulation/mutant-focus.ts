import { sameMembers } from './draw-membership.ts';
import type { FaultPlan } from './faults.ts';

/** Leaders that die right after their election, and appends of one entry: logs of many terms, half replicated. */
export const shortReigns: Partial<FaultPlan> = {
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
export const cutOffLeaders: Partial<FaultPlan> = {
  ...shortReigns,
  crashAtElection: 0,
  cutMeanMs: 300,
  cutForMeanMs: 500,
};

/** Three that crash and lose disks right after the founding, while it has not come to all. */
export const earlyLosses: Partial<FaultPlan> = {
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
