import type { Progress } from './progress.ts';
import type { Leadership, RaftState } from './state.ts';

/**
 * Names each peer whose answers stay away for the shortest election timeout, once, with each round of heartbeats (the observers of
 * hashicorp/raft do the same). Nothing follows from it: who leads is decided by the quorum.
 */
export function noteSilence(state: RaftState, leadership: Leadership): void {
  for (const progress of leadership.progress.values()) {
    const silentMs = state.nowMs - (progress.lastHeardMs ?? leadership.sinceMs);
    if (progress.isSilent || silentMs < state.options.timings.electionTimeoutMinMs) continue;
    progress.isSilent = true;
    state.effects.emit({ kind: 'heartbeatFailed', id: progress.id, term: state.term, silentMs });
  }
}

/** An answer came. */
export function hearPeer(state: RaftState, progress: Progress): void {
  if (progress.isSilent) {
    const silentMs = state.nowMs - (progress.lastHeardMs ?? state.nowMs);
    state.effects.emit({ kind: 'heartbeatResumed', id: progress.id, term: state.term, silentMs });
  }
  progress.isSilent = false;
  progress.lastHeardMs = state.nowMs;
}
