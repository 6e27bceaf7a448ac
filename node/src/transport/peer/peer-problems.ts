import type { NodeId } from '../../raft/types.ts';
import type { Link } from '../pairing.ts';
import { ProblemReporter } from '../problems.ts';
import type { PeerProblem } from '../transport.ts';
import type { Place, Places } from './place.ts';
import { remoteHost } from './remote.ts';

export interface ProblemSinks {
  /** To the log. */
  write(problem: PeerProblem): void;
  /** To the host. */
  tell(problem: PeerProblem): void;
  tellAgain(problem: PeerProblem): void;
}

/** What the other side said of itself, as far as it got. */
export interface Claimed {
  readonly id: NodeId | null;
  /** host:port where its own list has it. */
  readonly address: string | null;
}

/** Finds the place a problem belongs to, and reports what is new. */
export class PeerProblems {
  readonly #places: Places;
  readonly #sinks: ProblemSinks;
  readonly #reporter = new ProblemReporter({
    news: (problem) => this.#report(problem),
    again: (problem) => this.#sinks.tellAgain(problem),
  });

  constructor(places: Places, sinks: ProblemSinks) {
    this.#places = places;
    this.#sinks = sinks;
  }

  /**
   * With whoever came on a connection from `remote`. It belongs to the place of the name it said, else of the address it said:
   * a stranger in the place of a peer is over when that peer is back.
   */
  found({ id, address }: Claimed, remote: string, reason: string): void {
    const named = id === null ? undefined : this.#places.named(id);
    const place = named ?? (address === null ? undefined : this.#places.at(address));
    if (place === undefined) this.#reporter.report(remoteHost(remote), reason);
    else this.foundAt(place, reason);
  }

  foundAt(place: Place, reason: string): void {
    place.refused(reason);
    this.#reporter.report(place.address, reason);
  }

  /** A peer has been up. One that is refused as soon as it is up is still the same problem. */
  wasUp(place: Place, nowMs: number): void {
    if (place.wasSteady(nowMs)) this.#reporter.gone(place.address);
  }

  /** What a new stream noticed is logged once, however often the peer comes back with it, until it came without. */
  heed(side: 'inbound' | 'outbound', link: Link, place: Place | undefined): void {
    if (place === undefined) return;
    if (side === 'inbound') place.dialledBy = link.identity.nodeId;
    if (place.noticed(side, link.notice)) this.#report({ address: place.address, reason: link.notice });
    else this.goesOn(place, link);
  }

  /** A stream with a notice is open, though the peer may not be reached. */
  goesOn(place: Place, link: Link | null | undefined): void {
    if (link?.notice != null) this.#sinks.tellAgain({ address: place.address, reason: link.notice });
  }

  /** A peer that is up counts as repaired, but of what was noticed on its streams nothing is. */
  remind(place: Place, links: readonly (Link | null | undefined)[]): void {
    for (const link of links) {
      if (link?.notice != null) this.#sinks.tell({ address: place.address, reason: link.notice });
    }
  }

  #report(problem: PeerProblem): void {
    this.#sinks.write(problem);
    this.#sinks.tell(problem);
  }
}
