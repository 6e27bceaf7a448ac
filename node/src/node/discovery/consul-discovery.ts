import type { Consensus } from '../../consensus/consensus.ts';
import type { ConsulAddress } from '../../consul/http.ts';
import { releaseName } from '../../discovery/claim.ts';
import type { Founding, Located } from '../../discovery/founding.ts';
import type { Peers } from '../../discovery/peers.ts';
import { Registrar } from '../../discovery/registrar.ts';
import { systemClock } from '../../lib/clock.ts';
import { TuttiError } from '../../lib/errors.ts';
import type { Log } from '../../lib/log.ts';
import type { Settings } from '../../settings/schema.ts';
import { formatAddress } from '../../transport/addresses.ts';
import type { Porch } from '../../transport/peer/porch.ts';
import type { PeerIdentity } from '../../transport/transport.ts';
import type { PeerSecurity } from '../doors.ts';
import type { ConsulNames } from './consul-names.ts';
import { Following } from './following.ts';
import { contactsOf } from './founders.ts';
import type { Front } from './front.ts';
import { keepFounding, readFounding } from './kept-founding.ts';
import { Meeting } from './meeting.ts';
import type { HostAndPort } from './own-address.ts';
import { ownPorch } from './own-porch.ts';
import { watchPeers } from './watch-peers.ts';

/** What Consul is given at an end, which must not wait for one that is away. */
const releaseTimeoutMs = 2_000;
/** A leader begins its work without its tag if Consul does not take it for so long. */
const tagTimeoutMs = 2_000;

export interface ConsulDiscoveryOptions {
  readonly settings: Settings;
  readonly security: PeerSecurity;
  readonly consul: ConsulAddress;
  readonly names: ConsulNames;
  /** Where other machines reach the cluster's port. */
  readonly address: HostAndPort;
  /** host:port of the HTTP API, as others reach it. */
  readonly apiAddress: string;
  readonly identity: Pick<PeerIdentity, 'nodeId' | 'incarnation' | 'session' | 'isLearner'>;
  readonly front: Front;
  readonly log: Log;
}

/** What a node knows of the others once it may open its consensus. */
export interface Met {
  readonly founding: Founding;
  /** It founds nothing. */
  readonly joins: boolean;
  /** host:port by id. */
  readonly contacts: Readonly<Record<string, string>>;
}

/** DISCOVERY_MODE=consul, from the first registration to the last. */
export class ConsulDiscovery {
  readonly #options: ConsulDiscoveryOptions;
  readonly #self: Located;
  readonly #registrar: Registrar;
  readonly #porch: Porch;
  /** Who dialled this node as a member. */
  readonly #member = Promise.withResolvers<PeerIdentity>();
  #peers: Peers | null = null;
  /** What looks at the peers now. */
  #look: () => void = () => undefined;
  #following: Following | null = null;
  #isClaimed = false;
  /** What members compare at each handshake: as many as found the cluster. */
  #listedSize: number;

  constructor(options: ConsulDiscoveryOptions) {
    this.#options = options;
    const { settings, security, address, apiAddress, identity, consul, log } = options;
    this.#listedSize = expectedNodes(settings);
    this.#self = { ...identity, clusterId: null, address: formatAddress(address.host, address.port) };
    const { region } = settings;
    const { serviceName, cluster } = options.names;
    this.#registrar = new Registrar({
      ...{ consul, log, clock: systemClock, random: Math.random },
      node: { ...identity, ...address, region, apiAddress, serviceName, cluster },
    });
    this.#porch = ownPorch({
      ...{ settings, security, apiAddress, log, self: this.#self },
      listedSize: () => this.#listedSize,
      onMember: (peer) => this.#member.resolve(peer),
    });
  }

  /**
   * Listens, takes its name, registers, and waits until it is known who founds the cluster, and, if that is not this node, until it
   * was admitted. Rejects with SHUTTING_DOWN when it is stopped meanwhile; SETTINGS_INVALID where the name is taken.
   */
  async meet(signal: AbortSignal): Promise<Met> {
    const { settings, consul, names, front, log } = this.#options;
    const { dataDirectory } = settings;
    const kept = readFounding(dataDirectory);
    const { identify } = this.#porch;
    await this.#porch.listen();
    try {
      const meeting = new Meeting({
        ...{ consul, identify, signal, log, self: this.#self, expected: expectedNodes(settings) },
        keys: { name: names.nameKey, founding: names.foundingKey },
        clock: systemClock,
        onWaiting: (reason) => {
          front.waitsFor(reason);
          log.info({}, `forming: ${reason}`);
        },
      });
      await meeting.takeName();
      this.#isClaimed = true;
      this.#registrar.set('forming');
      const peers = watchPeers({ settings, consul, log, names, onChange: () => this.#look() });
      this.#peers = peers;
      const founding = kept ?? (await meeting.agree(peers, (look) => (this.#look = look)));
      this.#listedSize = founding.founders.length;
      const isListed = founding.founders.some(({ id }) => id === this.#self.nodeId);
      // A founder whose disk is new has lost what it promised: it joins what was founded, like anybody.
      const isFounder = isListed && (kept !== null || founding.clusterId === null);
      // One that keeps the list was admitted before, and one of the list is awaited, or sees what became of its place.
      if (!isListed && kept === null) await meeting.admitted(this.#member.promise, founding);
      const contacts = contactsOf(this.#self.nodeId, founding, await meeting.located(peers));
      keepFounding(dataDirectory, founding);
      return { founding, joins: !isFounder, contacts };
    } finally {
      await this.#porch.close();
    }
  }

  /** Keeps what Consul says of this node true, and what this node knows of the others. */
  follow(consensus: Consensus<unknown>, founding: Founding): void {
    const { consul, log } = this.#options;
    const peers = this.#peers;
    if (peers === null) return;
    this.#following = new Following({
      ...{
        consensus,
        consul,
        founding,
        log,
        peers,
        registrar: this.#registrar,
        clock: systemClock,
        random: Math.random,
      },
      ownAddress: this.#self.address,
      isLearner: this.#self.isLearner,
      foundingKey: this.#options.names.foundingKey,
      identify: this.#porch.identify,
    });
    this.#look = () => this.#following?.look();
  }

  /** Resolves once Consul has the role that this node has now; it is not waited for longer than a moment. */
  readonly announced = (): Promise<void> => this.#registrar.known(tagTimeoutMs);

  /** Never rejects. Nobody finds this node from here on. */
  async close(): Promise<void> {
    this.#following?.close();
    this.#peers?.close();
    await this.#registrar.close();
    if (!this.#isClaimed) return;
    this.#isClaimed = false;
    const { consul, log } = this.#options;
    const key = this.#options.names.nameKey;
    await releaseName({ consul, key, self: this.#self }, releaseTimeoutMs).catch((thrown: unknown) => {
      // Nobody is behind it any more, so it is taken over by whoever comes with that name.
      log.debug({ key, why: TuttiError.from(thrown).message }, 'the claim of the name stays');
    });
  }
}

function expectedNodes({ expectNodes, minPeers }: Settings): number {
  // One of them was demanded when the settings were read.
  return expectNodes ?? (minPeers ?? 0) + 1;
}
