import type { NodeId } from '../raft/types.ts';

/** What the certificate of a connection with mutual TLS says of the node that showed it. */
export interface Certified {
  /** Whether it is that node's. */
  readonly names: (id: NodeId) => boolean;
  /** Its names, for sentences. */
  readonly shown: string;
}

/** Of a connection with mutual TLS whose certificate is not known: nobody's. */
export const uncertified: Certified = { names: () => false, shown: 'none that is known' };

/**
 * Why a node with this certificate may not speak under this id, or null. Without it whoever has the key of one node could vote as
 * another one. `who` is how sentences call the node.
 */
export function findBorrowedName(certified: Certified | null, id: NodeId, who: string): string | null {
  if (certified === null || certified.names(id)) return null;
  return (
    `the certificate of ${who} is not that node's, but of: ${certified.shown}. Give each node a certificate of its own, with its id ` +
    `as a DNS name in subjectAltName (DNS:${id})`
  );
}
