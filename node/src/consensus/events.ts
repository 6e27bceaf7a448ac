import type { RaftEvent } from '../raft/core.ts';
import type { NodeId, Timings } from '../raft/types.ts';
import type { PeerIdentity, PeerProblem } from '../transport/transport.ts';

/**
 * How well this member does. `recovering`: a leader is known again, and what was committed meanwhile is being applied. `degraded`: all
 * works, and one more loss may be one too many.
 */
export type Health = 'healthy' | 'degraded' | 'recovering' | 'unhealthy';

export type ConsensusEvent =
  | { readonly kind: 'started' }
  /** Closed or failed: nothing comes after it, but the `fatal` that says why. */
  | { readonly kind: 'stopped'; readonly reason: string }
  | { readonly kind: 'raft'; readonly event: RaftEvent }
  /** Handed to the disk, not yet on it. */
  | { readonly kind: 'appended'; readonly lastIndex: number; readonly entries: number; readonly bytes: number }
  | { readonly kind: 'committed'; readonly index: number; readonly entries: number }
  /** Everything up to `index` is applied; once per slice of entries, not once per entry. */
  | { readonly kind: 'applied'; readonly index: number }
  /** This node leads, and has applied an entry of its own term: controllers may start. */
  | { readonly kind: 'leadershipGained'; readonly term: number }
  | { readonly kind: 'leadershipLost'; readonly term: number; readonly reason: string }
  | { readonly kind: 'peerUp'; readonly peer: PeerIdentity }
  | { readonly kind: 'peerDown'; readonly peer: PeerIdentity; readonly reason: string }
  /** Whether this member is connected to a majority, itself included. */
  | { readonly kind: 'quorum'; readonly has: boolean; readonly reached: readonly NodeId[]; readonly needed: number }
  | { readonly kind: 'health'; readonly health: Health; readonly reason: string }
  /** Of one that this member takes of its own state. */
  | { readonly kind: 'snapshot'; readonly stage: 'started'; readonly index: number }
  | {
      readonly kind: 'snapshot';
      readonly stage: 'completed';
      readonly index: number;
      readonly fileBytes: number;
      readonly tookMs: number;
    }
  | { readonly kind: 'snapshot'; readonly stage: 'failed'; readonly index: number; readonly reason: string }
  /** `auto` only: the slowest round trip has become another one. */
  | { readonly kind: 'timingsChanged'; readonly timings: Timings; readonly roundTripMs: number }
  | { readonly kind: 'problem'; readonly problem: PeerProblem }
  /** The node can no longer take part (disk failed, log damaged); the process must end. */
  | { readonly kind: 'fatal'; readonly error: Error };
