import { createRaft } from '../raft/raft.ts';
import type { RecoveredLog } from '../storage/log-store.ts';
import type { PeerIdentity, Transport } from '../transport/transport.ts';
import { ClaimedClusterId } from './cluster-id.ts';
import type { Consensus } from './consensus.ts';
import { Host } from './host.ts';
import type { ConsensusOptions } from './options.ts';
import { restoreNewest } from './snapshots/wiring.ts';

/**
 * Recovers the log, listens, and takes part in the cluster. Nothing is applied and no event happens before the turn of the
 * event loop in which this resolves has ended: subscribe and register request handlers in it. Fails with what store and
 * transport fail with (LOG_DAMAGED, SNAPSHOT_DAMAGED, DATA_DIR_UNUSABLE, ADDRESS_IN_USE, SETTINGS_INVALID) and leaves nothing open then.
 */
export async function openConsensus<Result>(options: ConsensusOptions<Result>): Promise<Consensus<Result>> {
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

async function build<Result>(
  options: ConsensusOptions<Result>,
  recovered: RecoveredLog,
): Promise<{ readonly host: Host<Result>; readonly transport: Transport }> {
  const { self, listedSize, store, timings, limits, random, proposedClusterId, removeDeadAfterMs = Infinity } = options;
  const defer = options.defer ?? setImmediate;
  const { joins = false } = options;
  const hardState = joins ? { ...recovered.hardState, foundedElsewhere: true } : recovered.hardState;
  try {
    const snapshot = await restoreNewest(options, recovered.base);
    const core = (options.createCore ?? createRaft)({
      self: { id: self.nodeId, incarnation: self.incarnation },
      ...{ listedSize, proposedClusterId, timings, random, limits, removeDeadAfterMs },
      ...{ snapshot, hardState, base: recovered.base, entries: recovered.entries },
    });
    const clusterId = new ClaimedClusterId(core, { snapshot, entries: recovered.entries });
    const identity = (): PeerIdentity => ({ ...self, listedSize, clusterId: clusterId.value });
    const transport = options.transport(identity);
    const restoredIndex = snapshot?.index ?? 0;
    return { host: new Host({ options, core, clusterId, transport, defer, restoredIndex }), transport };
  } catch (error) {
    // Nothing that could close the store was made.
    await store.close();
    throw error;
  }
}
