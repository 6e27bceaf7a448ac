import type { Clock } from '../../lib/clock.ts';
import type { PeerStream } from './peer-stream.ts';

/**
 * Between pings. They keep sixteen clock samples fresh and bound how late a dead path is noticed. At 200 ms an
 * idle follower of three had as many frames of theirs to handle as of heartbeats.
 */
export const PING_INTERVAL_MS = 400;

/**
 * Nothing heard for so long: the path is dead though no reset came (a pulled cable, a vanished machine). Elections do not
 * wait for it, they have their own timeouts; it is five lost pings, so a pause of a second ends no stream.
 */
export const SILENT_AFTER_MS = 2_000;

/** A tick that comes this late means that we were the ones who stood still, so the silence says nothing of the peer. */
const STALLED_AFTER_MS = SILENT_AFTER_MS / 2;

/** Calls `onTick` every PING_INTERVAL_MS, and `onSilent` once when the peer is silent; the returned function stops it. */
export function watchLiveness(clock: Clock, stream: PeerStream, onTick: () => void, onSilent: () => void): () => void {
  let lastTickMs = clock.nowMs();
  let cancel = clock.at(lastTickMs + PING_INTERVAL_MS, tick);
  function tick(): void {
    const nowMs = clock.nowMs();
    if (nowMs - lastTickMs > STALLED_AFTER_MS) stream.lastHeardMs = nowMs;
    lastTickMs = nowMs;
    if (nowMs - stream.lastHeardMs > SILENT_AFTER_MS) {
      onSilent();
      return;
    }
    onTick();
    cancel = clock.at(nowMs + PING_INTERVAL_MS, tick);
  }
  return () => cancel();
}
