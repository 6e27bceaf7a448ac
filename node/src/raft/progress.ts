import type { NodeId } from './types.ts';

/**
 * Appends on their way to one peer. A lost or overtaken one makes all behind it be refused and sent again, so the number bounds
 * that waste: without it, simulated reordering turned 400 waiting entries into three million messages. What waits meanwhile
 * goes out in larger appends (rabbitmq/ra#658 gained by the same).
 */
const MAX_INFLIGHT_APPENDS = 64;

/**
 * What a leader knows of one peer's log (etcd-io/raft tracker/progress.go). A probing peer gets one append at a time until the
 * place where the logs agree is found; a replicating one gets a pipeline, bounded in bytes; one that lacks what is gone from the
 * leader's log gets a snapshot, and until that has ended nothing but heartbeats.
 */
export class Progress {
  readonly id: NodeId;
  mode: 'probe' | 'replicate' | 'snapshot' = 'probe';
  /** The last index known to be the same here and there, and durable there. */
  matchIndex = 0;
  /** The next entry to send. */
  nextIndex: number;
  /** In mode `snapshot`: the newest one when it began. */
  snapshotIndex = 0;
  /** A probe is on its way: another one would tell nothing new. */
  probing = false;
  /** The highest commit index this peer was told in an append, to tell it news only. */
  sentCommitIndex = 0;
  lastHeardMs: number | null;
  /** It was named as silent (silence.ts). */
  isSilent = false;
  /** The latest round of heartbeats that this peer has answered. */
  answeredRound = 0;
  /** When the latest round left by whose answer this peer has promised a lease. */
  leaseFromMs = -Infinity;
  /** Appends under way, oldest first. */
  readonly #inflight: { readonly lastIndex: number; readonly bytes: number }[] = [];
  #inflightBytes = 0;

  constructor(id: NodeId, nextIndex: number, lastHeardMs: number | null) {
    this.id = id;
    this.nextIndex = nextIndex;
    this.lastHeardMs = lastHeardMs;
  }

  /** Whether another append may be sent before one is acknowledged; at least one always may. */
  hasRoom(maxInflightBytes: number): boolean {
    return this.#inflightBytes < maxInflightBytes && this.#inflight.length < MAX_INFLIGHT_APPENDS;
  }

  sent(lastIndex: number, bytes: number): void {
    if (this.mode === 'probe') {
      this.probing = true;
      return;
    }
    if (bytes === 0) return;
    this.#inflight.push({ lastIndex, bytes });
    this.#inflightBytes += bytes;
    this.nextIndex = lastIndex + 1;
  }

  /**
   * An acknowledgement up to `index`; late and repeated ones move nothing back (raft.md R8). It ends a snapshot too, whichever
   * one had arrived, if the log goes on from there: behind `baseIndex` (raft.md S6).
   */
  acknowledge(index: number, baseIndex: number): void {
    while (this.#inflight.length > 0 && this.#inflight[0]!.lastIndex <= index) {
      this.#inflightBytes -= this.#inflight.shift()!.bytes;
    }
    const reachesMatch = index >= this.matchIndex;
    this.matchIndex = Math.max(this.matchIndex, index);
    this.nextIndex = Math.max(this.nextIndex, this.matchIndex + 1);
    const goesOn = this.mode === 'probe' ? reachesMatch : this.mode === 'snapshot' && this.matchIndex >= baseIndex;
    if (goesOn) this.#switchTo('replicate', this.matchIndex + 1);
  }

  /**
   * A refusal of the append after `refusedIndex`; `agreeIndex` is the leader's guess where the logs agree. False: the
   * refusal is stale, it answers something we no longer ask (raft.md R8). `baseIndex`: the log here begins behind it.
   */
  refuse(refusedIndex: number, agreeIndex: number, baseIndex: number): boolean {
    if (refusedIndex <= this.matchIndex || this.mode === 'snapshot') return false;
    if (this.mode === 'replicate') {
      this.#probeFromMatch(baseIndex);
      return true;
    }
    if (this.nextIndex - 1 !== refusedIndex) return false;
    this.#switchTo('probe', Math.max(Math.min(refusedIndex, agreeIndex + 1), this.matchIndex + 1));
    return true;
  }

  /** The connection is new or gone: what was on its way may be lost. */
  restart(baseIndex: number): void {
    if (this.mode === 'probe') this.#switchTo('probe', this.nextIndex);
    else this.#probeFromMatch(baseIndex);
  }

  /** Nothing but heartbeats until `endSnapshot`, or until an acknowledgement says that it has arrived. */
  startSnapshot(snapshotIndex: number): void {
    this.#switchTo('snapshot', this.nextIndex);
    this.snapshotIndex = snapshotIndex;
  }

  /** Asks where the peer stands, at its next sign of life: the acknowledgement may be lost, or the snapshot (raft.md S6). */
  endSnapshot(baseIndex: number): void {
    if (this.mode !== 'snapshot') return;
    this.#switchTo('probe', Math.max(this.snapshotIndex, baseIndex, this.matchIndex) + 1);
    this.probing = true;
  }

  /** From the first entry that is left: whether the peer holds those before it too is for its answer to say. */
  #probeFromMatch(baseIndex: number): void {
    this.#switchTo('probe', Math.max(this.matchIndex, baseIndex) + 1);
  }

  #switchTo(mode: 'probe' | 'replicate' | 'snapshot', nextIndex: number): void {
    this.mode = mode;
    this.nextIndex = nextIndex;
    this.probing = false;
    this.#inflight.length = 0;
    this.#inflightBytes = 0;
  }
}
