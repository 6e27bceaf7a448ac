import type { NodeId } from '../../raft/types.ts';
import { isSameProcess } from '../pairing.ts';
import type { PeerIdentity } from '../transport.ts';
import type { Place, Places } from './place.ts';
import { remoteHost } from './remote.ts';

/** Open peers for each place of the list: its own, and one under a wrong id that is still to be found out. */
const MAX_CROWD = 2;

/** A proven stream, and where it comes from. */
export interface Claimant {
  readonly identity: PeerIdentity;
  /** As `remoteOf` prints it. */
  readonly remote: string;
}

/** What is known when a peer that dialled us has proven who it is. */
export interface Claim {
  readonly self: NodeId;
  readonly claimant: Claimant;
  /** The stream that came in under the same id before, if it is open. */
  readonly earlier: Claimant | null;
  /** Peers with at least one open stream. */
  readonly openPeers: number;
}

export type Verdict =
  | { readonly kind: 'admit' }
  | { readonly kind: 'refuse'; readonly reason: string }
  /** It is the process that answers at its listed address; `earlier` is another one. */
  | { readonly kind: 'refuseEarlier'; readonly reason: string }
  /** Another process answers at the listed address: refuse with this reason if that one lives, else it takes its place. */
  | { readonly kind: 'refuseIfAlive'; readonly reason: string };

const admit: Verdict = { kind: 'admit' };

/** Why the peer that answers at `place` may not hold its id; null: it may. */
export function judgeAnswer(places: Places, place: Place, peer: PeerIdentity): string | null {
  const other = places.named(peer.nodeId);
  if (other === undefined || other.address === place.address) return null;
  return `${place.address} answers as "${peer.nodeId}", but that is the node at ${other.address}`;
}

/** Whether the process that dials us is the one that answers at its listed address, and which stream goes if it is not. */
export function judgeClaim(places: Places, claim: Claim): Verdict {
  const { claimant, earlier } = claim;
  const place = places.named(claimant.identity.nodeId);
  const holder = place?.outbound?.identity;
  if (place === undefined || holder === undefined) return judgeStranger(places, claim);
  if (!isSameProcess(holder, claimant.identity)) {
    return { kind: 'refuseIfAlive', reason: twoProcesses(holder, place.address, claimant) };
  }
  // One from another process that came before the peer itself.
  const isImpostor = earlier !== null && !isSameProcess(earlier.identity, holder);
  return isImpostor ? { kind: 'refuseEarlier', reason: twoProcesses(holder, place.address, earlier) } : admit;
}

function judgeStranger({ all }: Places, { self, claimant, openPeers }: Claim): Verdict {
  const { identity, remote } = claimant;
  const node = `node "${identity.nodeId}" (connected from ${remoteHost(remote)})`;
  const names = all.map(({ listed, outbound }) => listed.id ?? outbound?.identity.nodeId ?? null);
  if (names.includes(identity.nodeId)) return admit;
  if (!names.includes(null)) {
    const listed = names.map((name) => `"${String(name)}"`).join(', ');
    return {
      kind: 'refuse',
      reason: `${node} is not in the list of node "${self}", and no member that was added: ${listed}`,
    };
  }
  // The list names no ids, so anybody may be the peer we have not reached yet; but there are only so many of those.
  if (openPeers < MAX_CROWD * all.length) return admit;
  return { kind: 'refuse', reason: `${node}: more nodes dial "${self}" than its list has` };
}

function twoProcesses(holder: PeerIdentity, address: string, other: Claimant): string {
  return (
    `two processes call themselves "${holder.nodeId}": one at ${address} (session ${holder.session}), ` +
    `one connected from ${remoteHost(other.remote)} (session ${other.identity.session})`
  );
}
