/** When a snapshot is taken, and how fast one is sent. */
export interface SnapshotPolicy {
  /** How often to look whether `entries` are outstanding, in milliseconds. */
  readonly intervalMs: number;
  /** So many entries applied since the last snapshot are worth another one. */
  readonly entries: number;
  /** So many bytes of them do not wait for the interval. */
  readonly logBytes: number;
  /** Of snapshots sent to peers, all together. */
  readonly maxBytesPerSecond: number;
}

export const defaultSnapshotPolicy: SnapshotPolicy = {
  intervalMs: 5 * 60 * 1000,
  entries: 1_000,
  logBytes: 64 * 1024 * 1024,
  // A quarter of a gigabit link: a member is brought up in seconds, and the others keep the rest.
  maxBytesPerSecond: 32 * 1024 * 1024,
};

/** A larger one is refused: it is restored in one piece, in memory. */
export const MAX_SNAPSHOT_BYTES = 1024 * 1024 * 1024;

/** Small beside a heartbeat's time on any link that a cluster can live on: 64 KiB take 50 ms at 10 Mbit/s. */
export const CHUNK_BYTES = 64 * 1024;

/** Sent and not yet acknowledged; what a heartbeat may find before it in the buffers of a slow path. */
export const WINDOW_BYTES = 8 * CHUNK_BYTES;
