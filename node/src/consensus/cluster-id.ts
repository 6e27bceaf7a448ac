import type { RaftCore } from '../raft/core.ts';
import type { Entry, SnapshotMetadata } from '../raft/types.ts';

/**
 * Which cluster this node tells its peers it belongs to. An id that is only appended may still lose against another
 * founder's, and a node that claimed it would be shut out for ever; so it is claimed once its entry is committed, or when
 * what was recovered holds a snapshot, or a command, which no leader appends before that (ADR 0040).
 */
export class ClaimedClusterId {
  readonly #core: RaftCore;
  #value: string | null = null;

  constructor(
    core: RaftCore,
    recovered: { readonly snapshot: SnapshotMetadata | null; readonly entries: readonly Entry[] },
  ) {
    this.#core = core;
    if (recovered.snapshot !== null || recovered.entries.some(({ kind }) => kind === 'command')) this.#claim();
  }

  get value(): string | null {
    return this.#value;
  }

  onCommitted(entries: readonly Entry[]): void {
    if (this.#value === null && entries.some(({ kind }) => kind === 'membership')) this.#claim();
  }

  /** A snapshot of committed state was installed. */
  onInstalled(): void {
    if (this.#value === null) this.#claim();
  }

  // Every membership entry of one log carries the same id, so the newest tells that of the committed one.
  #claim(): void {
    this.#value = this.#core.status().membership?.clusterId ?? null;
  }
}
