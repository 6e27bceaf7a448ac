import type { Clock } from '../../lib/clock.ts';
import type { Log } from '../../lib/log.ts';
import type { NodeId } from '../../raft/types.ts';
import type { SnapshotStore, StoredSnapshot } from '../../storage/snapshot-store.ts';
import type { SnapshotAck, Transport } from '../../transport/transport.ts';
import { CHUNK_BYTES, WINDOW_BYTES } from './policy.ts';

/** Without a word for so long, what was sent is sent again, from where the peer stood. */
const RETRY_MS = 1_000;

/** A peer that refuses has to be looked after by a person: it is asked again slowly. */
const REFUSED_PAUSE_MS = 10_000;

export interface SendingOptions {
  readonly store: SnapshotStore;
  readonly transport: Pick<Transport, 'send'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly maxBytesPerSecond: number;
  /** The transfer is over, whether the snapshot arrived or not. */
  readonly onEnded: (to: NodeId) => void;
  readonly onFailed: (error: unknown) => void;
}

interface Transfer {
  readonly to: NodeId;
  readonly snapshot: StoredSnapshot;
  /** The peer has so much of the file. */
  acknowledged: number;
  sent: number;
  /** The peer has said where it stands. */
  isOpen: boolean;
  isPumping: boolean;
  cancelRetry: () => void;
}

/**
 * Sends the newest snapshot to peers, in chunks: an empty one first, which the peer answers with how much of the file it has, so a
 * transfer goes on after a broken connection where it was. A window bounds what is under way, and all transfers share one
 * pace, so that neither heartbeats nor appends wait for them (raft.md S11).
 */
export class SnapshotSending {
  readonly #options: SendingOptions;
  readonly #transfers = new Map<NodeId, Transfer>();
  #nextChunkMs = 0;

  constructor(options: SendingOptions) {
    this.#options = options;
  }

  begin(to: NodeId): void {
    const snapshot = this.#options.store.newest();
    this.#forget(to);
    if (snapshot === null) return this.#options.onEnded(to);
    const transfer: Transfer = {
      ...{ to, snapshot, acknowledged: 0, sent: 0, isOpen: false, isPumping: false },
      cancelRetry: () => undefined,
    };
    this.#transfers.set(to, transfer);
    this.#offer(transfer);
  }

  /** The connection is gone, or this node leads no more. */
  end(to: NodeId): void {
    if (this.#forget(to)) this.#options.onEnded(to);
  }

  stop(): void {
    for (const to of [...this.#transfers.keys()]) this.#forget(to);
  }

  onAck(from: NodeId, ack: SnapshotAck): void {
    const transfer = this.#transfers.get(from);
    if (transfer === undefined || ack.checksum !== transfer.snapshot.checksum) return;
    if (ack.index !== transfer.snapshot.metadata.index) return;
    if (ack.refusal !== null) return this.#refused(transfer, ack.refusal);
    if (ack.isDone) return this.end(from);
    const isBack = transfer.isOpen && ack.offset < transfer.acknowledged;
    // The receiver began anew: it found what it had to be damaged, or was restarted.
    if (!transfer.isOpen || isBack) transfer.sent = ack.offset;
    transfer.isOpen = true;
    transfer.acknowledged = ack.offset;
    this.#armRetry(transfer);
    void this.#pump(transfer);
  }

  #offer(transfer: Transfer): void {
    transfer.isOpen = false;
    this.#send(transfer, 0, new Uint8Array(0));
    this.#armRetry(transfer);
  }

  async #pump(transfer: Transfer): Promise<void> {
    if (transfer.isPumping) return;
    transfer.isPumping = true;
    try {
      while (this.#mayGoOn(transfer)) {
        await this.#pace();
        if (!this.#mayGoOn(transfer)) break;
        const at = transfer.sent;
        const chunk = await this.#options.store.read(transfer.snapshot, at, CHUNK_BYTES);
        if (this.#transfers.get(transfer.to) !== transfer) break;
        // Newer ones have replaced it: the core will ask for one of those.
        if (chunk === null) return this.end(transfer.to);
        if (transfer.sent !== at) continue;
        // Dropped by the transport: what is missing is sent again when the retry is due.
        if (!this.#send(transfer, at, chunk)) break;
        transfer.sent = at + chunk.length;
      }
    } catch (error) {
      this.#options.onFailed(error);
    } finally {
      transfer.isPumping = false;
    }
  }

  #mayGoOn(transfer: Transfer): boolean {
    const { sent, acknowledged, snapshot, isOpen } = transfer;
    const isCurrent = this.#transfers.get(transfer.to) === transfer;
    return isCurrent && isOpen && sent < snapshot.fileBytes && sent - acknowledged < WINDOW_BYTES;
  }

  #send({ to, snapshot }: Transfer, offset: number, data: Uint8Array): boolean {
    const { metadata, fileBytes, checksum } = snapshot;
    const { index, term } = metadata;
    return this.#options.transport.send(to, { kind: 'snapshotChunk', index, term, fileBytes, checksum, offset, data });
  }

  /** Resolves when the next chunk may go. */
  #pace(): Promise<void> {
    const { clock, maxBytesPerSecond } = this.#options;
    const nowMs = clock.nowMs();
    const atMs = Math.max(nowMs, this.#nextChunkMs);
    this.#nextChunkMs = atMs + (CHUNK_BYTES / maxBytesPerSecond) * 1000;
    if (atMs <= nowMs) return Promise.resolve();
    return new Promise((resolve) => clock.at(atMs, resolve));
  }

  #armRetry(transfer: Transfer): void {
    const { clock } = this.#options;
    transfer.cancelRetry();
    transfer.cancelRetry = clock.at(clock.nowMs() + RETRY_MS, () => this.#offer(transfer));
  }

  #refused(transfer: Transfer, reason: string): void {
    const { clock, log } = this.#options;
    const { to, snapshot } = transfer;
    transfer.cancelRetry();
    log.warn({ to, index: snapshot.metadata.index, reason }, `${to} does not take the snapshot: ${reason}`);
    transfer.isOpen = false;
    transfer.cancelRetry = clock.at(clock.nowMs() + REFUSED_PAUSE_MS, () => this.end(to));
  }

  #forget(to: NodeId): boolean {
    this.#transfers.get(to)?.cancelRetry();
    return this.#transfers.delete(to);
  }
}
