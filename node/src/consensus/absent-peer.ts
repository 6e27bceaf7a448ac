import type { PeerStatus } from '../transport/transport.ts';

/** Its process is there: it refused this node or was refused, or it took this node's stream and has not dialled back. */
export function isAnswering({ state, problem, lastHeardMs }: PeerStatus): boolean {
  return state === 'refused' || (state === 'connecting' && problem === null && lastHeardMs !== null);
}

/** Why this peer is not connected, as a sentence for logs and health alike; null where it is. */
export function whyNotConnected(peer: PeerStatus): string | null {
  if (peer.state === 'connected') return null;
  if (peer.problem !== null) return peer.problem;
  if (!isAnswering(peer)) return 'no answer yet';
  return 'it answers, but has not connected to this node: is the address of this node right in its CLUSTER_NODES?';
}
