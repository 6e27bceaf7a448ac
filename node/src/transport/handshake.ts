import type { NodeId } from '../raft/types.ts';
import { type Certified, findBorrowedName } from './certified.ts';
import { PROTOCOL_VERSION, type Admitted, type Hello, type Welcome, type WireFrame } from './frames.ts';
import { findMismatch, findOtherAddress, isPlainText, isWellFormed, type Meeting } from './identity-check.ts';
import { isProofValid, makeProof, NONCE_BYTES } from './proof.ts';
import type { PeerIdentity } from './transport.ts';

/** Our own sentences hold six names at most; longer ones are somebody else's. */
const MAX_REASON_LENGTH = 2_000;

export interface ProvenPeer {
  readonly peer: PeerIdentity;
  /** What an operator should mend, though it keeps nobody apart; both sides report it. */
  readonly notice: string | null;
}

/** What comes after a frame of the handshake. */
export type HandshakeStep =
  | { readonly kind: 'send'; readonly frame: WireFrame }
  /** The peer is who it says. An acceptor sends `frame` to admit it. */
  | ({ readonly kind: 'proven'; readonly frame: WireFrame | null } & ProvenPeer)
  /** `tell`: the peer does not know yet. */
  | { readonly kind: 'refused'; readonly reason: string; readonly tell: boolean };

export interface HandshakeSettings {
  readonly self: PeerIdentity;
  /** host:port under which this node stands in its own list. */
  readonly selfAddress: string;
  readonly secret: string | null;
  /** NONCE_BYTES of random, new for each handshake. */
  readonly nonce: Uint8Array;
}

/** What our own list says of the others. */
export interface OwnList {
  /** Null where it gives none. */
  idAt(address: string): NodeId | null;
  /** Where it has this node: at one address, or, where it names no ids, at one of several. */
  addressesOf(id: NodeId): readonly string[];
  /** Of that host, by its IP address. */
  idsOn(host: string): readonly NodeId[];
}

const emptyList: OwnList = { idAt: () => null, addressesOf: () => [], idsOn: () => [] };

export interface Handshake {
  receive(frame: WireFrame): HandshakeStep;
}

/** The side that opened the stream; it sends `hello` first. */
export class DiallerHandshake implements Handshake {
  readonly hello: Hello;
  readonly #settings: HandshakeSettings;
  readonly #peerAddress: string;
  readonly #certified: () => Certified | null;
  #welcome: Welcome | null = null;

  /** `certified` is asked once the peer has spoken; null: the connection has no TLS. */
  constructor(
    settings: HandshakeSettings,
    peerAddress: string,
    expectedId: NodeId | null,
    certified: () => Certified | null = () => null,
  ) {
    this.#settings = settings;
    this.#peerAddress = peerAddress;
    this.#certified = certified;
    this.hello = {
      kind: 'hello',
      protocolVersion: PROTOCOL_VERSION,
      identity: settings.self,
      address: settings.selfAddress,
      expectedId,
      nonce: settings.nonce,
    };
  }

  receive(frame: WireFrame): HandshakeStep {
    if (frame.kind === 'refused') return refusedByPeer(frame.reason, this.#peerAddress);
    if (frame.kind === 'welcome' && this.#welcome === null) return this.#meet(frame);
    if (frame.kind === 'admitted' && this.#welcome !== null) return this.#conclude(this.#welcome, frame);
    return outOfOrder(frame, this.#peerAddress);
  }

  #meet(welcome: Welcome): HandshakeStep {
    if (!isSound(welcome)) return malformed(this.#peerAddress);
    this.#welcome = welcome;
    const { self, selfAddress, secret } = this.#settings;
    const { nodeId } = welcome.identity;
    const borrowed = findBorrowedName(this.#certified(), nodeId, `node "${nodeId}" at ${this.#peerAddress}`);
    if (borrowed !== null) return { kind: 'refused', reason: borrowed, tell: true };
    const mismatch = findMismatch({
      self,
      selfAddress,
      peer: welcome.identity,
      peerAddress: this.#peerAddress,
      peerProtocolVersion: welcome.protocolVersion,
      expectedPeerId: this.hello.expectedId,
      expectedSelfId: null,
    });
    if (mismatch !== null) return { kind: 'refused', reason: mismatch, tell: true };
    return { kind: 'send', frame: { kind: 'proof', mac: makeProof(secret, 'dialler', this.hello, welcome) } };
  }

  #conclude(welcome: Welcome, { mac, notice }: Admitted): HandshakeStep {
    const { self, secret } = this.#settings;
    if (!isProofValid(mac, secret, 'acceptor', this.hello, welcome)) {
      const them = `node "${welcome.identity.nodeId}" at ${this.#peerAddress}`;
      return { kind: 'refused', reason: secretMismatch(secret, mac, `node "${self.nodeId}"`, them), tell: true };
    }
    const shown = notice === null ? null : readable(notice);
    return { kind: 'proven', peer: welcome.identity, frame: null, notice: shown };
  }
}

/** The side that was dialled. */
export class AcceptorHandshake implements Handshake {
  readonly #settings: HandshakeSettings;
  readonly #remoteAddress: string;
  readonly #list: OwnList;
  readonly #certified: Certified | null;
  #met: { readonly hello: Hello; readonly welcome: Welcome } | null = null;

  /** `certified`: null where the connection has no TLS. */
  constructor(
    settings: HandshakeSettings,
    remoteAddress: string,
    list: OwnList = emptyList,
    certified: Certified | null = null,
  ) {
    this.#settings = settings;
    this.#remoteAddress = remoteAddress;
    this.#list = list;
    this.#certified = certified;
  }

  receive(frame: WireFrame): HandshakeStep {
    if (frame.kind === 'refused') return refusedByPeer(frame.reason, this.#peerName());
    if (frame.kind === 'hello' && this.#met === null) return this.#meet(frame);
    if (frame.kind === 'proof' && this.#met !== null)
      return this.#conclude(this.#met.hello, this.#met.welcome, frame.mac);
    return outOfOrder(frame, this.#peerName());
  }

  #meet(hello: Hello): HandshakeStep {
    if (!isSound(hello) || !isPlainText(hello.address)) return malformed(this.#remoteAddress);
    const { self, nonce } = this.#settings;
    const welcome: Welcome = { kind: 'welcome', protocolVersion: PROTOCOL_VERSION, identity: self, nonce };
    this.#met = { hello, welcome };
    const borrowed = findBorrowedName(this.#certified, hello.identity.nodeId, this.#peerName());
    if (borrowed !== null) return { kind: 'refused', reason: borrowed, tell: true };
    // A dialler of another version may not understand what follows the welcome, so it hears of it at once.
    if (hello.protocolVersion === PROTOCOL_VERSION) return { kind: 'send', frame: welcome };
    return { kind: 'refused', reason: findMismatch(this.#meeting(hello)) ?? 'protocol version', tell: true };
  }

  // The proof comes first: who does not know the secret learns nothing about this node's list and cluster from a refusal.
  #conclude(hello: Hello, welcome: Welcome, mac: Uint8Array): HandshakeStep {
    const { self, secret } = this.#settings;
    if (!isProofValid(mac, secret, 'dialler', hello, welcome)) {
      return {
        kind: 'refused',
        reason: secretMismatch(secret, mac, `node "${self.nodeId}"`, this.#peerName()),
        tell: true,
      };
    }
    const mismatch = findMismatch(this.#meeting(hello));
    if (mismatch !== null) return { kind: 'refused', reason: mismatch, tell: true };
    const notice = findOtherAddress(self, hello, this.#list.addressesOf(hello.identity.nodeId));
    const frame: WireFrame = { kind: 'admitted', mac: makeProof(secret, 'acceptor', hello, welcome), notice };
    return { kind: 'proven', peer: hello.identity, frame, notice };
  }

  #meeting(hello: Hello): Meeting {
    return {
      self: this.#settings.self,
      selfAddress: this.#settings.selfAddress,
      peer: hello.identity,
      peerAddress: hello.address,
      peerProtocolVersion: hello.protocolVersion,
      expectedPeerId: this.#list.idAt(hello.address),
      expectedSelfId: hello.expectedId,
    };
  }

  #peerName(): string {
    if (this.#met === null) return this.#remoteAddress;
    return `node "${this.#met.hello.identity.nodeId}" at ${this.#met.hello.address} (connected from ${this.#remoteAddress})`;
  }
}

function isSound({ identity, nonce }: Hello | Welcome): boolean {
  return isWellFormed(identity) && nonce.length === NONCE_BYTES;
}

function refusedByPeer(reason: string, peer: string): HandshakeStep {
  return { kind: 'refused', reason: `refused by ${peer}: ${readable(reason)}`, tell: false };
}

function readable(sentence: string): string {
  return isPlainText(sentence, MAX_REASON_LENGTH) ? sentence : 'for a reason that is no readable text';
}

function malformed(address: string): HandshakeStep {
  return { kind: 'refused', reason: `${address} sent an identity that is not one`, tell: true };
}

function outOfOrder(frame: WireFrame, peer: string): HandshakeStep {
  return { kind: 'refused', reason: `${peer} sent a ${frame.kind} frame out of order in the handshake`, tell: true };
}

/** Says what differs without saying the secret. */
function secretMismatch(secret: string | null, mac: Uint8Array, us: string, them: string): string {
  if (secret === null) return `${them} proves a cluster secret, but ${us} has none`;
  if (mac.length === 0) return `${us} demands the cluster secret, but ${them} has none`;
  return `the cluster secrets of ${us} and ${them} differ`;
}
