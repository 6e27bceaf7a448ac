import { createRaft } from '../../node/src/raft/raft.ts';
import { chaos } from './chaos.ts';
import { SimulatedCluster } from './cluster.ts';
import { drawMembershipFaults } from './draw-membership.ts';
import { drawClockJumps, drawFaults, drawLaterFaults } from './faults.ts';
import type { FaultPlan } from './faults.ts';
import { liveness } from './liveness.ts';
import type { CreateCore } from './node.ts';
import { Random } from './random.ts';

export interface SeedResult {
  readonly seed: number;
  readonly hash: string;
  readonly steps: number;
  readonly committed: number;
  readonly reads: number;
  readonly compactions: number;
  readonly installs: number;
  readonly changes: number;
  /** Of the reads, those that a lease answered. */
  readonly leased: number;
  readonly terms: number;
  /** From the healing to a leader, a commit on all of the core, and equal logs. */
  readonly convergeMs: number;
}

export class SeedFailure extends Error {
  constructor(seed: number, cause: unknown, trace: readonly string[]) {
    const reason = cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause);
    super(`seed ${seed}: ${reason}\n${trace.join('\n')}\nreplay: ${replayCommand(seed)}`, { cause });
    this.name = 'SeedFailure';
  }
}

export function replayCommand(seed: number): string {
  return `npm run simulate -- --seeds 1 --from ${seed}`;
}

/** `focus` fixes some of the faults, for a hunt. Runs one seed: chaos under the checks, then a healed quorum that must make progress. Throws SeedFailure. */
export function runSeed(seed: number, createCore: CreateCore = createRaft, focus: Partial<FaultPlan> = {}): SeedResult {
  const random = new Random(seed, 'faults');
  const size = random.pick([3, 3, 5]);
  const plan = {
    ...drawFaults(random, size),
    ...drawLaterFaults(new Random(seed, 'end news')),
    ...drawMembershipFaults(new Random(seed, 'membership')),
    ...drawClockJumps(new Random(seed, 'whether clocks jump')),
    ...focus,
  };
  const cluster = new SimulatedCluster(seed, plan, createCore);
  try {
    chaos(cluster, seed, random);
    const convergeMs = liveness(cluster, random);
    const terms = Math.max(...cluster.nodes.map(({ disk }) => disk.durable.hardState.term));
    const { reads, compactions, installs, memberships } = cluster.checks;
    const committed = cluster.checks.committed.length;
    return {
      seed,
      hash: cluster.traceHash(),
      steps: cluster.steps,
      committed,
      ...{ reads, compactions, installs, changes: memberships.changes },
      leased: cluster.checks.leased,
      terms,
      convergeMs,
    };
  } catch (error) {
    throw new SeedFailure(seed, error, cluster.recentTrace());
  }
}
