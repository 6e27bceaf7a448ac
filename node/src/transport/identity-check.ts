import type { NodeId } from '../raft/types.ts';
import { areOtherPlaces } from './addresses.ts';
import { PROTOCOL_VERSION, type Hello } from './frames.ts';
import type { PeerIdentity } from './transport.ts';

/** What is known when two nodes meet: both identities, and what either list says. */
export interface Meeting {
  readonly self: PeerIdentity;
  /** host:port under which this node stands in its own list. */
  readonly selfAddress: string;
  readonly peer: PeerIdentity;
  /** host:port as listed, or what the peer calls its own listed address. */
  readonly peerAddress: string;
  readonly peerProtocolVersion: number;
  /** The id our list gives for the peer's address; null when it gives none or the address is not known. */
  readonly expectedPeerId: NodeId | null;
  /** The id the peer's list gives for us; null when it gives none. */
  readonly expectedSelfId: NodeId | null;
}

const oneList = 'give both the same list, and each the id it has there';

/**
 * Why these two may not talk to each other, or null. The sentence names the values of both sides and what to do, and
 * reads the same on both, so that either log is enough. A node of another cluster or a restored clone must not get past here (raft.md M13).
 */
export function findMismatch(meeting: Meeting): string | null {
  const { self, peer, peerAddress, selfAddress } = meeting;
  const us = `node "${self.nodeId}" at ${selfAddress}`;
  const them = `node "${peer.nodeId}" at ${peerAddress}`;
  if (meeting.peerProtocolVersion !== PROTOCOL_VERSION) {
    return `${us} speaks protocol version ${PROTOCOL_VERSION}, ${them} version ${meeting.peerProtocolVersion}: run the same version of tutti on both`;
  }
  if (peer.session === self.session)
    return `${peerAddress} and ${selfAddress} are the same process ("${self.nodeId}"): list each node once`;
  if (peer.nodeId === self.nodeId) {
    return `two processes call themselves "${self.nodeId}": one at ${selfAddress}, one at ${peerAddress}; give each an id of its own`;
  }
  if (self.clusterId !== null && peer.clusterId !== null && self.clusterId !== peer.clusterId) {
    return `${us} belongs to cluster ${self.clusterId}, ${them} to cluster ${peer.clusterId}: list nodes of one cluster only`;
  }
  if (meeting.expectedPeerId !== null && meeting.expectedPeerId !== peer.nodeId) {
    return `${us} lists ${peerAddress} as "${meeting.expectedPeerId}", but the node there calls itself "${peer.nodeId}": ${oneList}`;
  }
  if (meeting.expectedSelfId !== null && meeting.expectedSelfId !== self.nodeId) {
    return `${them} lists ${selfAddress} as "${meeting.expectedSelfId}", but the node there calls itself "${self.nodeId}": ${oneList}`;
  }
  if (self.listedSize !== peer.listedSize) {
    return `${us} lists ${self.listedSize} members, ${them} ${peer.listedSize}: ${oneList}`;
  }
  return null;
}

/**
 * Says that a dialler calls another address its own than our list has for it; null when they agree, or cannot be compared.
 * That is no reason to refuse it: whatever the lists say, it has reached us and proven who it is, and we may reach it by a
 * proxy or a port mapping (docs/adr/0033).
 */
export function findOtherAddress(self: PeerIdentity, hello: Hello, listedAt: readonly string[]): string | null {
  if (listedAt.length === 0 || !listedAt.every((address) => areOtherPlaces(address, hello.address))) return null;
  const { nodeId } = hello.identity;
  return (
    `node "${nodeId}" is at ${hello.address} by its own CLUSTER_NODES, but at ${listedAt.join(' or ')} by that of node ` +
    `"${self.nodeId}": give both the same list (behind a proxy or port mapping too: CLUSTER_BIND_ADDR alone says where a node listens)`
  );
}

/** No name in a cluster is longer; what a stranger claims must not flood logs and memory. */
const MAX_NAME_LENGTH = 255;
// Letters, digits and punctuation only: what a peer says ends up in logs and on terminals.
const plainText = /^[\p{L}\p{N}\p{P}\p{S} ]*$/u;

/** Whether an identity is one at all; checked before anything it says is used. */
export function isWellFormed(identity: PeerIdentity): boolean {
  const required = [identity.nodeId, identity.incarnation, identity.session];
  const texts = [...required, identity.clusterId ?? '', identity.region, identity.apiAddress];
  return required.every((text) => text !== '') && texts.every((text) => isPlainText(text));
}

export function isPlainText(text: string, maxLength = MAX_NAME_LENGTH): boolean {
  return text.length <= maxLength && plainText.test(text);
}
