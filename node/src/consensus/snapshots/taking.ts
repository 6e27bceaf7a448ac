import type { Clock } from '../../lib/clock.ts';
import { TuttiError } from '../../lib/errors.ts';
import { invariant } from '../../lib/invariant.ts';
import type { Log } from '../../lib/log.ts';
import type { RaftCore } from '../../raft/core.ts';
import type { SnapshotMetadata } from '../../raft/types.ts';
import { isDiskFull } from '../../storage/disk-errors.ts';
import { SnapshotEncoder } from '../../storage/snapshot/format.ts';
import type { SnapshotStore, StoredSnapshot } from '../../storage/snapshot-store.ts';
import type { ConsensusEvent } from '../events.ts';
import type { SnapshotPolicy } from './policy.ts';

/** A piece that a state machine gives is written in parts of at most so much, with a turn for the event loop between them. */
const WRITE_BYTES = 1024 * 1024;

export interface TakingOptions {
  readonly core: RaftCore;
  readonly store: SnapshotStore;
  readonly policy: SnapshotPolicy;
  readonly clock: Clock;
  readonly log: Log;
  readonly defer: (callback: () => void) => void;
  readonly appliedIndex: () => number;
  readonly snapshotOf: () => Uint8Array | Iterable<Uint8Array>;
  readonly onSaved: (metadata: SnapshotMetadata) => void;
  readonly tell: (event: ConsensusEvent & { readonly kind: 'snapshot' }) => void;
  readonly onFailed: (error: unknown) => void;
}

/** Takes snapshots of this node's own state machine, by the policy or on request, one at a time. */
export class SnapshotTaking {
  readonly #options: TakingOptions;
  #bytesSince = 0;
  #underWay: Promise<StoredSnapshot> | null = null;
  #cancelTimer: (() => void) | null = null;
  #stopped = false;

  constructor(options: TakingOptions) {
    this.#options = options;
  }

  start(): void {
    const { clock, policy } = this.#options;
    this.#cancelTimer = clock.at(clock.nowMs() + policy.intervalMs, () => {
      if (this.#outstanding() >= policy.entries) this.#takeByPolicy();
      this.start();
    });
  }

  stop(): void {
    this.#stopped = true;
    this.#cancelTimer?.();
  }

  /** Ends when nothing is written any more. */
  async close(): Promise<void> {
    await this.#underWay?.catch(() => undefined);
  }

  applied(entryBytes: number): void {
    this.#bytesSince += entryBytes;
  }

  /** Looks at the bytes; the number of entries waits for the interval. */
  look(): void {
    if (this.#bytesSince >= this.#options.policy.logBytes && this.#outstanding() > 0) this.#takeByPolicy();
  }

  /** Of all that is applied now. Where nothing was applied since the last one, that one. */
  async request(): Promise<StoredSnapshot> {
    // What is under way may have begun before the last command.
    await this.#underWay?.catch(() => undefined);
    const newest = this.#options.store.newest();
    if (newest !== null && this.#outstanding() === 0) return newest;
    return (this.#underWay ??= this.#take().finally(() => (this.#underWay = null)));
  }

  #outstanding(): number {
    return this.#options.appliedIndex() - this.#options.core.status().snapshotIndex;
  }

  #takeByPolicy(): void {
    if (this.#underWay !== null || this.#stopped) return;
    this.request().catch((error: unknown) => {
      if (!this.#stopped) this.#options.log.error({ error }, 'no snapshot was taken, so the log is kept');
    });
  }

  async #take(): Promise<StoredSnapshot> {
    const { core, appliedIndex, tell } = this.#options;
    const index = appliedIndex();
    // A snapshot that a peer sent is in the state machine a moment before it is in the log.
    if (index === 0 || index > core.status().commitIndex)
      throw new TuttiError('BUSY', 'nothing is applied here yet, or a snapshot of a peer is being restored');
    tell({ kind: 'snapshot', stage: 'started', index });
    try {
      return await this.#takeAt(index);
    } catch (error) {
      tell({ kind: 'snapshot', stage: 'failed', index, reason: TuttiError.from(error).message });
      throw error;
    }
  }

  async #takeAt(index: number): Promise<StoredSnapshot> {
    const { core, snapshotOf, clock, log, onSaved, tell } = this.#options;
    // In one turn: nothing is applied between the index and the state.
    const metadata = core.snapshotAt(index);
    this.#bytesSince = 0;
    const beganMs = clock.nowMs();
    const content = snapshotOf();
    const pieces = (content instanceof Uint8Array ? [content] : content)[Symbol.iterator]();
    // A generator begins only when it is asked: what it copies before its first piece must be of this turn too.
    const stored = await this.#write(metadata, pieces, pieces.next());
    const { fileBytes } = stored;
    const tookMs = Math.round(clock.nowMs() - beganMs);
    log.info({ index, bytes: fileBytes, tookMs }, `snapshot of the state after entry ${index}: ${fileBytes} bytes`);
    tell({ kind: 'snapshot', stage: 'completed', index, fileBytes, tookMs });
    onSaved(metadata);
    return stored;
  }

  async #write(
    metadata: SnapshotMetadata,
    pieces: Iterator<Uint8Array>,
    first: IteratorResult<Uint8Array>,
  ): Promise<StoredSnapshot> {
    const draft = await this.#disk(() => this.#options.store.begin());
    const encoder = new SnapshotEncoder(metadata);
    try {
      await this.#disk(() => draft.write(encoder.header));
      for (let piece = first; piece.done !== true; piece = pieces.next()) {
        for (let at = 0; at < piece.value.length; at += WRITE_BYTES) {
          const part = piece.value.subarray(at, at + WRITE_BYTES);
          encoder.add(part);
          await this.#disk(() => draft.write(part));
          await this.#turn();
        }
      }
      await this.#disk(() => draft.write(encoder.trailer()));
      const checked = await this.#disk(() => draft.check());
      const flaw = typeof checked === 'string' ? checked : null;
      invariant(flaw === null, `a snapshot was read back otherwise than written: ${flaw ?? ''}`);
      return await this.#disk(() => draft.commit());
    } catch (error) {
      await this.#disk(() => draft.discard());
      throw error;
    }
  }

  #turn(): Promise<void> {
    if (this.#stopped) throw new TuttiError('SHUTTING_DOWN', 'this node is shutting down; no snapshot was taken');
    return new Promise((resolve) => this.#options.defer(resolve));
  }

  /** A disk that fails is fatal, whoever waits for the snapshot (raft.md W5). A full one is not: the log is kept, that is all (W8). */
  async #disk<T>(action: () => Promise<T>): Promise<T> {
    try {
      return await action();
    } catch (error) {
      if (!isDiskFull(error)) this.#options.onFailed(error);
      throw error;
    }
  }
}
