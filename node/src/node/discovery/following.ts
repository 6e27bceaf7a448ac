import type { Consensus } from '../../consensus/consensus.ts';
import type { ConsulAddress } from '../../consul/http.ts';
import { type KvEntry, readKey } from '../../consul/kv.ts';
import { watchConsul } from '../../consul/watch.ts';
import type { Founding, Identify, Located } from '../../discovery/founding.ts';
import { compare, type Founded, type Kept, markFounded } from '../../discovery/founding-key.ts';
import { Neighbours } from '../../discovery/neighbours.ts';
import type { Peers } from '../../discovery/peers.ts';
import type { RoleTag } from '../../discovery/registration.ts';
import type { Registrar } from '../../discovery/registrar.ts';
import type { Clock } from '../../lib/clock.ts';
import { TuttiError } from '../../lib/errors.ts';
import type { Log } from '../../lib/log.ts';
import { Admissions, nextAdmission } from './admissions.ts';

export interface FollowingOptions {
  readonly consensus: Pick<Consensus<unknown>, 'status' | 'peers' | 'subscribe' | 'changeMembers' | 'movePeer'>;
  readonly consul: ConsulAddress;
  readonly founding: Founding;
  readonly foundingKey: string;
  readonly ownAddress: string;
  /** This node wants no vote. */
  readonly isLearner: boolean;
  readonly peers: Peers;
  readonly identify: Identify;
  readonly registrar: Registrar;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
}

/** A member's part: Consul knows its role, members that moved are found again, and, while it leads, newcomers are admitted. */
export class Following {
  readonly #options: FollowingOptions;
  readonly #admissions: Admissions;
  readonly #neighbours: Neighbours;
  readonly #ends: (() => void)[] = [];
  /** What Consul has; null: not known yet. */
  #text: { readonly text: string | null } | null = null;
  #isWriting = false;
  #hasSaidForeign = false;

  constructor(options: FollowingOptions) {
    this.#options = options;
    const { clock, consensus, consul, foundingKey, identify, log, peers, random } = options;
    this.#admissions = new Admissions({
      ...{ consensus, clock, log, isLearner: options.isLearner },
      decide: (situation) => [nextAdmission(situation) ?? []].flat(),
    });
    this.#neighbours = new Neighbours({
      ...{ clock, identify, peers },
      explained: () => this.#explained(),
      onMet: (met) => this.#met(met),
    });
    const endWatch = watchConsul<KvEntry | null>({
      ...{ clock, random, fromIndex: 0 },
      ask: (asked) => readKey(consul, foundingKey, asked),
      onValue: (value) => this.#written(value),
      // The same Consul is asked for the peers; that failure is told.
      onFailure: () => undefined,
    });
    const unsubscribe = consensus.subscribe((event) => {
      this.#tellRole();
      if (event.kind === 'peerUp' || event.kind === 'leadershipGained' || event.kind === 'raft') this.#admissions.act();
      if (event.kind === 'peerDown') this.look();
      if (event.kind === 'leadershipGained') void this.#mark();
    });
    this.#ends.push(unsubscribe, endWatch, () => this.#neighbours.close());
    this.#tellRole();
  }

  /** Peers have come or gone. */
  look(): void {
    this.#neighbours.look();
  }

  close(): void {
    for (const end of this.#ends) end();
  }

  #tellRole(): void {
    const { membership, role } = this.#options.consensus.status();
    const tag: RoleTag = membership === null ? 'forming' : role === 'leader' ? 'leader' : 'follower';
    this.#options.registrar.set(tag);
  }

  #explained(): ReadonlySet<string> {
    const { consensus, ownAddress } = this.#options;
    const connected = consensus.peers().filter(({ state }) => state === 'connected');
    return new Set([ownAddress, ...connected.map(({ address }) => address)]);
  }

  #met(met: readonly Located[]): void {
    for (const { nodeId, address } of met) this.#options.consensus.movePeer(nodeId, address);
    this.#admissions.found(met);
    void this.#mark();
  }

  #written(value: KvEntry | null): void {
    const { foundingKey, log } = this.#options;
    this.#text = { text: value?.text ?? null };
    const founded = this.#founded();
    if (founded !== null && this.#kept(founded) === 'foreign' && !this.#hasSaidForeign) {
      this.#hasSaidForeign = true;
      log.error(
        { key: foundingKey },
        `Consul has another founding under ${foundingKey} than that of this node's cluster, which goes on: ` +
          'somebody wrote it, or nodes of two clusters have the same CLUSTER_ID',
      );
    }
    void this.#mark();
  }

  #kept(founded: Founded): Kept | null {
    return this.#text === null ? null : compare(this.#text.text, founded);
  }

  #founded(): Founded | null {
    const { membership } = this.#options.consensus.status();
    return membership === null ? null : { ...this.#options.founding, clusterId: membership.clusterId };
  }

  /** A leader that has committed in its term leads a founded cluster. Never rejects; it is tried again at the next look. */
  async #mark(): Promise<void> {
    const { consensus, consul, foundingKey, log } = this.#options;
    const founded = this.#founded();
    if (founded === null || !consensus.status().leading || this.#isWriting) return;
    const kept = this.#kept(founded);
    if (kept !== 'missing' && kept !== 'unmarked') return;
    this.#isWriting = true;
    try {
      const isMarked = await markFounded(consul, foundingKey, founded);
      if (isMarked && kept === 'missing')
        log.warn({ key: foundingKey }, 'Consul had lost the list of founders: it is there again');
    } catch (thrown) {
      log.debug({ key: foundingKey, why: TuttiError.from(thrown).message }, 'the founding is not marked yet');
    } finally {
      this.#isWriting = false;
    }
  }
}
