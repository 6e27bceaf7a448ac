import type { Consensus } from '../../consensus/consensus.ts';
import type { ConsulAddress } from '../../consul/http.ts';
import { type KvEntry, readKey } from '../../consul/kv.ts';
import { writeKeyIf } from '../../consul/kv-write.ts';
import { watchConsul } from '../../consul/watch.ts';
import { encodeFounding, type Founding, type Identify, type Located } from '../../discovery/founding.ts';
import { Neighbours } from '../../discovery/neighbours.ts';
import type { Peers } from '../../discovery/peers.ts';
import type { RoleTag } from '../../discovery/registration.ts';
import type { Registrar } from '../../discovery/registrar.ts';
import type { Clock } from '../../lib/clock.ts';
import { TuttiError } from '../../lib/errors.ts';
import type { Log } from '../../lib/log.ts';
import { Admissions } from './admissions.ts';

const writeTimeoutMs = 5_000;

export interface FollowingOptions {
  readonly consensus: Pick<Consensus<unknown>, 'status' | 'peers' | 'subscribe' | 'changeMembers' | 'movePeer'>;
  readonly consul: ConsulAddress;
  readonly founding: Founding;
  readonly foundingKey: string;
  readonly ownAddress: string;
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
  /** Consul has lost the founding: whoever came new would found another cluster. */
  #isLost = false;
  #isWriting = false;
  #hasSaidForeign = false;

  constructor(options: FollowingOptions) {
    this.#options = options;
    const { clock, consensus, consul, foundingKey, identify, log, peers, random } = options;
    this.#admissions = new Admissions(consensus, clock, log);
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
    void this.#restore();
  }

  #written(value: KvEntry | null): void {
    const { founding, foundingKey, log } = this.#options;
    this.#isLost = value === null;
    if (value === null || value.text === encodeFounding(founding) || this.#hasSaidForeign) return;
    this.#hasSaidForeign = true;
    log.error(
      { key: foundingKey },
      `Consul has another list of founders under ${foundingKey} than this node was founded with, and goes on by: ` +
        'somebody wrote it, or nodes of two clusters have the same CLUSTER_ID',
    );
  }

  /** Never rejects; it is tried again at the next look. */
  async #restore(): Promise<void> {
    const { consensus, consul, founding, foundingKey, log } = this.#options;
    if (!this.#isLost || this.#isWriting || !consensus.status().leading) return;
    this.#isWriting = true;
    try {
      const cas = { cas: 0, timeoutMs: writeTimeoutMs };
      if (await writeKeyIf(consul, foundingKey, encodeFounding(founding), cas)) {
        this.#isLost = false;
        log.warn({ key: foundingKey }, 'Consul had lost the list of founders: it is there again');
      }
    } catch (thrown) {
      log.debug({ key: foundingKey, why: TuttiError.from(thrown).message }, 'the list of founders is not there yet');
    } finally {
      this.#isWriting = false;
    }
  }
}
