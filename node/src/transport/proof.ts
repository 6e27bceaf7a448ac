import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Hello, Welcome } from './frames.ts';

/** Bytes of random each side adds, so that no proof is ever worth anything twice. */
export const NONCE_BYTES = 32;

export type HandshakeSide = 'dialler' | 'acceptor';

/**
 * The proof that `side` knows the secret, bound to this one handshake: HMAC-SHA256 over the side, both nonces and all that
 * both said. Without a secret it is empty. It proves who opens the stream, not what travels on it later: on a network that
 * others can write to, TLS is needed (docs/adr/0031).
 */
export function makeProof(secret: string | null, side: HandshakeSide, hello: Hello, welcome: Welcome): Uint8Array {
  if (secret === null) return new Uint8Array();
  const said = [side, ...wordsOf(hello), hello.address, hello.expectedId, ...wordsOf(welcome)];
  // JSON of a flat array keeps the boundaries between the texts, so no two transcripts read alike.
  return createHmac('sha256', secret).update(JSON.stringify(said)).digest();
}

export function isProofValid(
  mac: Uint8Array,
  secret: string | null,
  side: HandshakeSide,
  hello: Hello,
  welcome: Welcome,
): boolean {
  const expected = makeProof(secret, side, hello, welcome);
  // The length is no secret; the comparison of the content takes the same time wherever they differ.
  return mac.length === expected.length && timingSafeEqual(mac, expected);
}

function wordsOf({ protocolVersion, identity, nonce }: Hello | Welcome): readonly (string | number | null)[] {
  const { nodeId, incarnation, session, clusterId, listedSize, region, apiAddress, electionPriority } = identity;
  const texts = [nodeId, incarnation, session, clusterId, listedSize, region, apiAddress, electionPriority];
  return [protocolVersion, ...texts, ...(identity.isLearner ? ['learner'] : []), Buffer.from(nonce).toString('hex')];
}
