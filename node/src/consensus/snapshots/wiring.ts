import { TuttiError } from '../../lib/errors.ts';
import { invariant } from '../../lib/invariant.ts';
import type { RaftCore, RaftInput } from '../../raft/core.ts';
import type { LogPosition, NodeId, SnapshotMetadata } from '../../raft/types.ts';
import { snapshotDamaged } from '../../storage/disk-errors.ts';
import type { SnapshotAck, SnapshotChunk, Transport } from '../../transport/transport.ts';
import type { Applier } from '../applier.ts';
import type { ConsensusEvent } from '../events.ts';
import type { ConsensusOptions } from '../options.ts';
import { Snapshots } from './snapshots.ts';

interface SnapshotParts<Result> {
  readonly options: ConsensusOptions<Result>;
  readonly core: RaftCore;
  readonly transport: Transport;
  readonly defer: (callback: () => void) => void;
}

/** The parts of a member that have to do with snapshots; null for a state machine without them. */
export function openSnapshots<Result>(
  { options, core, transport, defer }: SnapshotParts<Result>,
  applier: Applier<Result>,
  feed: (input: RaftInput) => void,
  tell: (event: ConsensusEvent) => void,
  onFailed: (error: unknown) => void,
): Snapshots | null {
  const { snapshots, stateMachine, clock, log } = options;
  if (snapshots === undefined) return null;
  return new Snapshots({
    ...{ ...snapshots, core, transport, clock, log, defer, feed, tell, onFailed },
    appliedIndex: () => applier.readableIndex,
    snapshotOf: () => {
      invariant(stateMachine.snapshot !== undefined, 'a state machine with snapshots has them');
      return stateMachine.snapshot();
    },
    restore: ({ metadata, data }) => applier.replace(metadata.index, () => stateMachine.restore?.(data)),
  });
}

/** The leader's operator must hear why this member stays behind. */
export function refuseSnapshot(transport: Transport, from: NodeId, frame: SnapshotChunk | SnapshotAck): void {
  if (frame.kind !== 'snapshotChunk') return;
  const { index, checksum } = frame;
  const refusal = 'its state machine has no restore; all members need the same one';
  transport.send(from, { kind: 'snapshotAck', index, checksum, offset: 0, isDone: false, refusal });
}

export function withoutSnapshots(): TuttiError {
  return new TuttiError('SETTINGS_INVALID', 'the state machine has no snapshot and restore, so the whole log is kept');
}

/**
 * Restores the state machine from the newest sound snapshot; null where there is none. A damaged one is no harm as long as the log
 * joins on to the one before it (raft.md W9); else the start is refused, for what the log let go is nowhere else on this disk.
 */
export async function restoreNewest<Result>(
  { snapshots, stateMachine, log }: ConsensusOptions<Result>,
  base: LogPosition,
): Promise<SnapshotMetadata | null> {
  if (snapshots === undefined) {
    if (base.index === 0) return null;
    throw new TuttiError(
      'SETTINGS_INVALID',
      `the log begins behind entry ${base.index}: the state machine must restore`,
    );
  }
  const hasBoth = stateMachine.snapshot !== undefined && stateMachine.restore !== undefined;
  if (!hasBoth) throw new TuttiError('SETTINGS_INVALID', 'the state machine lacks snapshot or restore');
  const { store } = snapshots;
  const { sound, damaged } = await store.open();
  const [newest] = sound;
  const joins = newest === undefined ? base.index === 0 : joinsOn(newest.metadata, base);
  if (!joins) {
    const what = `the log begins behind entry ${base.index}, and no snapshot of that place or a later one is there`;
    throw snapshotDamaged(damaged[0] ?? { path: store.place, offset: 0, what });
  }
  for (const { path, offset, what } of damaged) {
    log.warn(
      { path, offset, what },
      `the snapshot ${path} is damaged (offset ${offset}: ${what}); goes on from an older one`,
    );
  }
  if (newest === undefined) return null;
  const { data, metadata } = await store.load(newest);
  await stateMachine.restore?.(data);
  log.info({ index: metadata.index, bytes: newest.fileBytes }, `restored the state after entry ${metadata.index}`);
  return metadata;
}

function joinsOn({ index, term }: SnapshotMetadata, base: LogPosition): boolean {
  return index > base.index || (index === base.index && term === base.term);
}
