import type { Effects, RaftCore, RaftInput } from '../../node/src/raft/core.ts';
import type { Entry, NodeId, SnapshotMetadata } from '../../node/src/raft/types.ts';
import type { SimulatedDisk } from './disk.ts';

/** The state machine of the simulation is the sequence of what was applied, so a snapshot holds just that. */
export interface SimulatedSnapshot {
  readonly metadata: SnapshotMetadata;
  readonly entries: readonly Entry[];
}

/** What a node lends its snapshots. */
export interface SnapshotHost {
  readonly core: RaftCore | null;
  readonly disk: SimulatedDisk;
  readonly committed: readonly Entry[];
  /** Runs `run` once a sync has taken its time, unless the node has crashed by then. */
  afterSync(run: () => void): void;
  step(input: RaftInput): Effects | null;
  /** It is durable, and the state machine takes what it holds, if that is more than its own. */
  holdSnapshot(snapshot: SimulatedSnapshot): void;
}

export interface SnapshotWorld {
  /** Carries a snapshot over the faulty network. */
  transmit(from: NodeId, to: NodeId, snapshot: SimulatedSnapshot): void;
  /** How long a sender waits before it takes a transfer for ended. */
  transferMs(): number;
  at(inMs: number, run: () => void): void;
}

/** What consensus/snapshots.ts does with files and frames, on a simulated disk and network. */
export class SimulatedSnapshots {
  readonly #host: SnapshotHost;
  readonly #world: SnapshotWorld;

  constructor(host: SnapshotHost, world: SnapshotWorld) {
    this.#host = host;
    this.#world = world;
  }

  /** Takes one at an applied index: what is committed may not be applied yet, so `share` says how much of it is. */
  take(share: number): void {
    const { core, disk, committed } = this.#host;
    const status = core?.status();
    if (core === null || status === undefined) return;
    const news = committed.length - status.snapshotIndex;
    const index = status.snapshotIndex + Math.ceil(news * share);
    if (news <= 0 || index > status.commitIndex) return;
    const snapshot = { metadata: core.snapshotAt(index), entries: committed.slice(0, index) };
    disk.writeSnapshot(snapshot);
    this.#host.afterSync(() => {
      disk.endSnapshotSync(snapshot);
      this.#host.holdSnapshot(snapshot);
      this.#host.step({ kind: 'snapshotSaved', snapshot: snapshot.metadata });
    });
  }

  send(from: NodeId, peers: readonly NodeId[]): void {
    const snapshot = this.#host.disk.durable.snapshot;
    for (const to of peers) {
      if (snapshot !== null) this.#world.transmit(from, to, snapshot);
      // It may end before the snapshot arrives: a connection that broke behind the last chunk.
      this.#world.at(this.#world.transferMs(), () => this.#host.step({ kind: 'snapshotEnded', id: to }));
    }
  }

  /** First the disk, then the state machine, then the core (raft.md S8, S9); a crash may come between any two. */
  receive(snapshot: SimulatedSnapshot): void {
    const { core, disk } = this.#host;
    if (core === null || snapshot.metadata.index <= core.status().commitIndex) return;
    disk.writeSnapshot(snapshot);
    this.#host.afterSync(() => {
      disk.endSnapshotSync(snapshot);
      this.#host.holdSnapshot(snapshot);
      this.#host.step({ kind: 'snapshotInstalled', snapshot: snapshot.metadata });
    });
  }
}
