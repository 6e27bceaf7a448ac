import type { Log } from '../../lib/log.ts';
import type { RaftCore } from '../../raft/core.ts';
import type { NodeId, SnapshotMetadata } from '../../raft/types.ts';
import { isDiskFull } from '../../storage/disk-errors.ts';
import type { LoadedSnapshot, SnapshotDraft, SnapshotStore } from '../../storage/snapshot-store.ts';
import type { SnapshotChunk, Transport } from '../../transport/transport.ts';
import { MAX_SNAPSHOT_BYTES } from './policy.ts';

export interface ReceivingOptions {
  readonly core: RaftCore;
  readonly store: SnapshotStore;
  readonly transport: Pick<Transport, 'send'>;
  readonly log: Log;
  /** The state machine takes it in place of its own state; rejects if it cannot, which is fatal. */
  readonly restore: (snapshot: LoadedSnapshot) => Promise<void>;
  /** It is durable under its name, and restored. */
  readonly onInstalled: (metadata: SnapshotMetadata) => void;
  readonly onFailed: (error: unknown) => void;
}

interface Arrival {
  readonly index: number;
  readonly term: number;
  readonly checksum: number;
  readonly fileBytes: number;
  readonly draft: SnapshotDraft;
}

type Answer = { readonly offset: number; readonly isDone: boolean; readonly refusal: string | null };

/**
 * Takes a snapshot that the leader sends: into a file that counts for nothing until all of it is there, synced and checked; then the
 * state machine takes it, then it gets its name, and only then the log begins behind it (raft.md S8, S9). What has
 * arrived outlives the connection, not the process (S4).
 */
export class SnapshotReceiving {
  readonly #options: ReceivingOptions;
  #arrival: Arrival | null = null;
  /** Chunks are taken one after the other. */
  #work: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(options: ReceivingOptions) {
    this.#options = options;
  }

  stop(): void {
    this.#stopped = true;
  }

  close(): Promise<void> {
    return this.#work;
  }

  onChunk(from: NodeId, chunk: SnapshotChunk): void {
    this.#work = this.#work
      .then(async () => {
        // What a deposed leader still sends would begin the file anew, again and again.
        if (this.#stopped || this.#options.core.status().leaderId !== from) return;
        this.#answer(from, chunk, await this.#takeOrRefuse(chunk));
      })
      .catch((error: unknown) => this.#options.onFailed(error));
  }

  #answer(to: NodeId, { index, checksum }: SnapshotChunk, answer: Answer): void {
    if (!this.#stopped) this.#options.transport.send(to, { kind: 'snapshotAck', index, checksum, ...answer });
  }

  /** A full disk is no reason to end: this member stays behind until there is room (raft.md W8). */
  async #takeOrRefuse(chunk: SnapshotChunk): Promise<Answer> {
    try {
      return await this.#take(chunk);
    } catch (error) {
      if (!isDiskFull(error)) throw error;
      this.#options.log.error({ error }, 'no room for the snapshot that the leader sends');
      await this.#forget();
      return { offset: 0, isDone: false, refusal: 'its disk is full' };
    }
  }

  async #forget(): Promise<void> {
    const arrival = this.#arrival;
    this.#arrival = null;
    await arrival?.draft.discard();
  }

  async #take(chunk: SnapshotChunk): Promise<Answer> {
    if (this.#isKnown(chunk.index)) return { offset: chunk.fileBytes, isDone: true, refusal: null };
    if (chunk.fileBytes > MAX_SNAPSHOT_BYTES) {
      return { offset: 0, isDone: false, refusal: `${chunk.fileBytes} bytes exceed the ${MAX_SNAPSHOT_BYTES} allowed` };
    }
    const arrival = await this.#arrivalOf(chunk);
    const { draft, fileBytes } = arrival;
    if (chunk.offset === draft.fileBytes && chunk.offset + chunk.data.length <= fileBytes)
      await draft.write(chunk.data);
    if (draft.fileBytes < fileBytes) return { offset: draft.fileBytes, isDone: false, refusal: null };
    return this.#install(arrival);
  }

  /** A later one takes the place of one that is not complete. */
  async #arrivalOf({ index, term, checksum, fileBytes }: SnapshotChunk): Promise<Arrival> {
    const now = this.#arrival;
    if (now?.index === index && now.term === term && now.checksum === checksum && now.fileBytes === fileBytes)
      return now;
    await this.#forget();
    const draft = await this.#options.store.begin();
    return (this.#arrival = { index, term, checksum, fileBytes, draft });
  }

  async #install({ index, term, checksum, draft }: Arrival): Promise<Answer> {
    const { core, log, restore, onInstalled } = this.#options;
    const checked = await draft.check();
    const flaw = typeof checked === 'string' ? checked : this.#strangeness(checked, { index, term, checksum });
    if (flaw !== null || typeof checked === 'string') {
      await this.#forget();
      log.warn({ index, flaw }, `the snapshot at entry ${index} did not arrive as it was sent: ${String(flaw)}`);
      return { offset: 0, isDone: false, refusal: null };
    }
    if (this.#isKnown(index) || this.#stopped) await this.#forget();
    else {
      log.info({ index, bytes: checked.fileBytes }, `restores the state after entry ${index}`);
      await restore(checked);
      await draft.commit();
      this.#arrival = null;
      onInstalled(checked.metadata);
    }
    return { offset: checked.fileBytes, isDone: core.status().commitIndex >= index, refusal: null };
  }

  #strangeness(
    { metadata, checksum }: LoadedSnapshot,
    told: Pick<Arrival, 'index' | 'term' | 'checksum'>,
  ): string | null {
    const { membership, commitIndex } = this.#options.core.status();
    // A founding that is not committed may be another's that lost: it is what the snapshot is to replace (ADR 40).
    const own = commitIndex > 0 ? (membership?.clusterId ?? null) : null;
    const { clusterId } = metadata.membership;
    if (own !== null && own !== clusterId) return `it is of cluster ${clusterId}, this node of ${own}`;
    const isAsTold = metadata.index === told.index && metadata.term === told.term && checksum === told.checksum;
    return isAsTold ? null : `it is the one at entry ${metadata.index}`;
  }

  #isKnown(index: number): boolean {
    return this.#options.core.status().commitIndex >= index;
  }
}
