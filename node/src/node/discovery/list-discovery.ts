import type { Consensus } from '../../consensus/consensus.ts';
import type { Founder, Founding, Located } from '../../discovery/founding.ts';
import { type Joining, nextJoining } from '../../discovery/joining.ts';
import type { MemberList } from '../../discovery/member-list.ts';
import { systemClock } from '../../lib/clock.ts';
import type { Log } from '../../lib/log.ts';
import type { Settings } from '../../settings/schema.ts';
import { formatAddress } from '../../transport/addresses.ts';
import type { Porch } from '../../transport/peer/porch.ts';
import type { PeerIdentity } from '../../transport/transport.ts';
import type { PeerSecurity } from '../doors.ts';
import type { Met } from './consul-discovery.ts';
import { contactsOf } from './founders.ts';
import type { Front } from './front.ts';
import { keepFounding, readFounding } from './kept-founding.ts';
import { ListFollowing } from './list-following.ts';
import type { HostAndPort } from './own-address.ts';
import { ownPorch } from './own-porch.ts';
import { unlessStopped } from './unless-stopped.ts';

/** Nobody tells when somebody who did not answer does. */
const lookEveryMs = 500;

export interface ListDiscoveryOptions {
  readonly settings: Settings;
  readonly security: PeerSecurity;
  /** Where other machines reach the cluster's port. */
  readonly address: HostAndPort;
  /** host:port of the HTTP API, as others reach it. */
  readonly apiAddress: string;
  readonly identity: Pick<PeerIdentity, 'nodeId' | 'incarnation' | 'session' | 'isLearner'>;
  readonly list: MemberList;
  /** Who founds the cluster; null: not known yet. */
  readonly founders: () => readonly Founder[] | null;
  /** Why the founders are not known. */
  readonly foundersProblem: () => string | null;
  readonly front: Front;
  readonly log: Log;
}

type Known = Exclude<Joining, { readonly kind: 'wait' }>;

/** A node that a list names, from knowing nobody to being a member, and from then on. */
export class ListDiscovery {
  readonly #options: ListDiscoveryOptions;
  readonly #self: Located;
  readonly #porch: Porch;
  /** Who dialled this node as a member. */
  readonly #member = Promise.withResolvers<PeerIdentity>();
  #wake: () => void = () => undefined;
  #following: ListFollowing | null = null;
  #founding: Founding | null = null;
  #waitsFor = '';

  constructor(options: ListDiscoveryOptions) {
    this.#options = options;
    const { settings, security, address, apiAddress, identity, log } = options;
    this.#self = { ...identity, clusterId: null, address: formatAddress(address.host, address.port) };
    this.#porch = ownPorch({
      ...{ settings, security, apiAddress, log, self: this.#self },
      listedSize: () => this.#foundersCount(),
      onMember: (peer) => this.#member.resolve(peer),
    });
  }

  /** Waits until it is known who founds the cluster, and, where that is not this node, until it was admitted. SHUTTING_DOWN. */
  async meet(signal: AbortSignal): Promise<Met> {
    const { dataDirectory } = this.#options.settings;
    const kept = readFounding(dataDirectory);
    await this.#porch.listen();
    try {
      const joining = await this.#joining(kept, signal);
      const founding = { ...(kept ?? joining!.founding), clusterId: null };
      this.#founding = founding;
      if (joining?.kind === 'join') {
        this.#wait('a cluster is there: waiting for its leader to admit this node');
        await unlessStopped(this.#member.promise, signal);
      }
      const contacts = contactsOf(this.#self.nodeId, founding, await this.#met());
      keepFounding(dataDirectory, founding);
      return { founding, joins: !this.#founds(founding, joining), contacts };
    } finally {
      await this.#porch.close();
    }
  }

  /** Does this node's part in who is a member. */
  follow(consensus: Consensus<unknown>): void {
    const { list, log } = this.#options;
    const { address: ownAddress, isLearner } = this.#self;
    const { identify } = this.#porch;
    this.#following = new ListFollowing({ consensus, list, ownAddress, isLearner, identify, clock: systemClock, log });
  }

  /** The list has changed, or the founders are known. */
  look(): void {
    this.#wake();
    this.#following?.look();
  }

  close(): void {
    this.#following?.close();
  }

  /** Null: it has its place, founder or not, and its log says the rest. */
  async #joining(kept: Founding | null, signal: AbortSignal): Promise<Known | null> {
    if (kept === null) return this.#agree(signal);
    return kept.clusterId === null ? null : { kind: 'join', founding: kept };
  }

  #founds({ founders }: Founding, joining: Joining | null): boolean {
    const isFounder = founders.some(({ id }) => id === this.#self.nodeId);
    return isFounder && !this.#self.isLearner && joining?.kind !== 'join';
  }

  async #agree(signal: AbortSignal): Promise<Known> {
    for (;;) {
      const joining = await this.#next();
      if (joining.kind !== 'wait') return joining;
      this.#wait(joining.reason);
      const woken = new Promise<void>((resolve) => {
        const cancel = systemClock.at(systemClock.nowMs() + lookEveryMs, resolve);
        this.#wake = () => {
          cancel();
          resolve();
        };
      });
      await unlessStopped(woken, signal);
    }
  }

  async #next(): Promise<Joining> {
    const { founders, foundersProblem, list } = this.#options;
    const members = list.members();
    if (members === null) return { kind: 'wait', reason: list.problem() ?? 'reading the list of the nodes' };
    const known = founders();
    const next = nextJoining({ self: this.#self, founders: known, list: members, met: await this.#met() });
    const problem = foundersProblem();
    if (next.kind !== 'wait' || known !== null || problem === null) return next;
    return { kind: 'wait', reason: `${next.reason}: ${problem}` };
  }

  /** Those who know already compare it at each handshake: who does not know yet says what it will be most likely. */
  #foundersCount(): number {
    const { founders, list } = this.#options;
    const known = this.#founding?.founders ?? founders();
    return known?.length ?? list.members()?.filter(({ isLearner }) => !isLearner).length ?? 0;
  }

  /** Who answers at the addresses of the list now. */
  async #met(): Promise<readonly Located[]> {
    const { list } = this.#options;
    const others = (list.members() ?? []).filter(({ id }) => id !== this.#self.nodeId);
    const met = await Promise.all(
      others.map(async ({ address }) => ({ address, who: await this.#porch.identify(address) })),
    );
    return met.flatMap(({ address, who }) => (who === null ? [] : [{ ...who, address }]));
  }

  #wait(reason: string): void {
    if (reason === this.#waitsFor) return;
    this.#waitsFor = reason;
    this.#options.front.waitsFor(reason);
    this.#options.log.info({}, `forming: ${reason}`);
  }
}
