import { TuttiError } from '../lib/errors.ts';
import { createRaft } from '../raft/raft.ts';
import { timingsProblem } from '../raft/timings.ts';
import type { RecoveredLog } from '../storage/log-store.ts';
import type { PeerIdentity, Transport } from '../transport/transport.ts';
import { unmeasuredTimings } from './auto-timings.ts';
import { ClaimedClusterId } from './cluster-id.ts';
import type { Consensus } from './consensus.ts';
import { Host } from './host.ts';
import type { ConsensusOptions } from './options.ts';
import { restoreNewest } from './snapshots/wiring.ts';

/** A tenth: beyond it a clock is no clock, and the lease would be too short to be of use. */
const maxDriftPpm = 100_000;
/** As for CLUSTER_ELECTION_PRIORITY: it is a rank, and goes over the wire as one. */
const maxPriority = 100;

/**
 * Recovers the log, listens, and takes part in the cluster. Nothing is applied and no event happens before the turn of the
 * event loop in which this resolves has ended: subscribe and register request handlers in it. Fails with what store and
 * transport fail with (LOG_DAMAGED, SNAPSHOT_DAMAGED, DATA_DIR_UNUSABLE, ADDRESS_IN_USE, SETTINGS_INVALID) and leaves nothing open then.
 */
export async function openConsensus<Result>(options: ConsensusOptions<Result>): Promise<Consensus<Result>> {
  const problem = problemOf(options);
  if (problem !== null) throw new TuttiError('SETTINGS_INVALID', problem);
  const recovered = await options.store.open();
  const { host, transport } = await build(options, recovered);
  try {
    await transport.start(host.handlers);
  } catch (error) {
    await host.close();
    throw error;
  }
  host.start();
  return host;
}

function problemOf({ self, timings, lease = null }: ConsensusOptions<unknown>): string | null {
  const { electionPriority = 0 } = self;
  if (!Number.isInteger(electionPriority) || electionPriority < 0 || electionPriority > maxPriority) {
    return `electionPriority is ${electionPriority}, and must be a whole number from 0 to ${maxPriority}`;
  }
  if (lease !== null && !(lease.maxClockDriftPpm >= 0 && lease.maxClockDriftPpm <= maxDriftPpm)) {
    return `lease: maxClockDriftPpm is ${lease.maxClockDriftPpm}, and must be from 0 to ${maxDriftPpm}`;
  }
  if (timings !== 'auto') return timingsProblem(timings);
  return lease === null
    ? null
    : 'lease: a member whose timings change may outlive what it promised; use lan, wan or custom timings';
}

async function build<Result>(
  options: ConsensusOptions<Result>,
  recovered: RecoveredLog,
): Promise<{ readonly host: Host<Result>; readonly transport: Transport }> {
  const { self, listedSize, store, limits, random, proposedClusterId, removeDeadAfterMs = Infinity } = options;
  const defer = options.defer ?? setImmediate;
  const { electionPriority = 0, isLearner = false } = self;
  const timings = options.timings === 'auto' ? unmeasuredTimings : options.timings;
  const { joins = false } = options;
  const hardState = joins ? { ...recovered.hardState, foundedElsewhere: true } : recovered.hardState;
  try {
    const snapshot = await restoreNewest(options, recovered.base);
    const core = (options.createCore ?? createRaft)({
      self: { id: self.nodeId, incarnation: self.incarnation },
      priority: electionPriority,
      lease: options.lease ?? null,
      ...{ listedSize, proposedClusterId, timings, random, limits, removeDeadAfterMs },
      ...{ snapshot, hardState, base: recovered.base, entries: recovered.entries },
    });
    const clusterId = new ClaimedClusterId(core, { snapshot, entries: recovered.entries });
    const identity = (): PeerIdentity => ({
      ...{ ...self, electionPriority, isLearner },
      ...{ listedSize, clusterId: clusterId.value },
    });
    const transport = options.transport(identity);
    const restoredIndex = snapshot?.index ?? 0;
    return { host: new Host({ options, core, timings, clusterId, transport, defer, restoredIndex }), transport };
  } catch (error) {
    // Nothing that could close the store was made.
    await store.close();
    throw error;
  }
}
