import type { Clock } from '../../lib/clock.ts';
import type { Log } from '../../lib/log.ts';
import type { RaftCore, RaftInput } from '../../raft/core.ts';
import { entryBytes } from '../../raft/log.ts';
import type { Entry, NodeId } from '../../raft/types.ts';
import type { LoadedSnapshot, SnapshotStore } from '../../storage/snapshot-store.ts';
import type { SnapshotAck, SnapshotChunk, Transport } from '../../transport/transport.ts';
import type { ConsensusEvent } from '../events.ts';
import { shuttingDown } from '../requests.ts';
import type { SnapshotPolicy } from './policy.ts';
import { SnapshotReceiving } from './receiving.ts';
import { SnapshotSending } from './sending.ts';
import { SnapshotTaking } from './taking.ts';

export interface SnapshotsOptions {
  readonly core: RaftCore;
  readonly store: SnapshotStore;
  readonly policy: SnapshotPolicy;
  readonly transport: Transport;
  readonly clock: Clock;
  readonly log: Log;
  readonly defer: (callback: () => void) => void;
  readonly appliedIndex: () => number;
  readonly snapshotOf: () => Uint8Array | Iterable<Uint8Array>;
  readonly restore: (snapshot: LoadedSnapshot) => Promise<void>;
  readonly feed: (input: RaftInput) => void;
  readonly tell: (event: ConsensusEvent & { readonly kind: 'snapshot' }) => void;
  readonly onFailed: (error: unknown) => void;
}

/** Snapshots of one member: those it takes, those it sends, those it is sent. */
export class Snapshots {
  readonly #taking: SnapshotTaking;
  readonly #sending: SnapshotSending;
  readonly #receiving: SnapshotReceiving;
  #isStopped = false;

  constructor(options: SnapshotsOptions) {
    const { core, store, policy, transport, clock, log, defer, feed, onFailed } = options;
    const { appliedIndex, snapshotOf, restore, tell } = options;
    this.#taking = new SnapshotTaking({
      ...{ core, store, policy, clock, log, defer, appliedIndex, snapshotOf, tell, onFailed },
      onSaved: (snapshot) => feed({ kind: 'snapshotSaved', snapshot }),
    });
    this.#sending = new SnapshotSending({
      ...{ store, transport, clock, log, maxBytesPerSecond: policy.maxBytesPerSecond, onFailed },
      onEnded: (id) => feed({ kind: 'snapshotEnded', id }),
    });
    this.#receiving = new SnapshotReceiving({
      ...{ core, store, transport, log, restore, onFailed },
      onInstalled: (snapshot) => feed({ kind: 'snapshotInstalled', snapshot }),
    });
  }

  start(): void {
    if (!this.#isStopped) this.#taking.start();
  }

  stop(): void {
    this.#isStopped = true;
    this.#taking.stop();
    this.#sending.stop();
    this.#receiving.stop();
  }

  /** Ends when nothing is written any more. */
  async close(): Promise<void> {
    await Promise.all([this.#taking.close(), this.#receiving.close()]);
  }

  onApplied(entry: Entry): void {
    this.#taking.applied(entryBytes(entry));
  }

  onSlice(): void {
    this.#taking.look();
  }

  /** Of the core's effects. */
  send(peers: readonly NodeId[]): void {
    for (const to of peers) this.#sending.begin(to);
  }

  onFrame(from: NodeId, frame: SnapshotChunk | SnapshotAck): void {
    if (frame.kind === 'snapshotChunk') this.#receiving.onChunk(from, frame);
    else this.#sending.onAck(from, frame);
  }

  /** The connection to this peer is gone; where this node goes on leading, the core asks anew. */
  peerDown(id: NodeId): void {
    this.#sending.end(id);
  }

  /** What was sent on behalf of the leadership ends with it. */
  leadershipLost(): void {
    this.#sending.stop();
  }

  async request(): Promise<{ readonly index: number; readonly fileBytes: number }> {
    if (this.#isStopped) throw shuttingDown();
    const { metadata, fileBytes } = await this.#taking.request();
    return { index: metadata.index, fileBytes };
  }
}
