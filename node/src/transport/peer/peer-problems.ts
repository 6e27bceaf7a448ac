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
}

/** Finds the place a problem belongs to, and reports what is new. */
export class PeerProblems {
  readonly #places: Places;
  readonly #sinks: ProblemSinks;
  readonly #reporter = new ProblemReporter((problem) => this.#report(problem));

  constructor(places: Places, sinks: ProblemSinks) {
    this.#places = places;
    this.#sinks = sinks;
  }

  /** With whoever called itself `id`, null where nobody said a name, on a connection from `remote`. */
  found(id: NodeId | null, remote: string, reason: string): void {
    const place = id === null ? undefined : this.#places.named(id);
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
  heed(side: 'inbound' | 'outbound', { notice }: Link, place: Place | undefined): void {
    if (place?.noticed(side, notice)) this.#report({ address: place.address, reason: notice });
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
