import type { ConsulAddress } from '../../consul/http.ts';
import { claimName } from '../../discovery/claim.ts';
import { Forming } from '../../discovery/forming.ts';
import type { Founding, Identify, Located } from '../../discovery/founding.ts';
import type { Peers } from '../../discovery/peers.ts';
import type { Clock } from '../../lib/clock.ts';
import { TuttiError } from '../../lib/errors.ts';
import type { Log } from '../../lib/log.ts';
import { unlessStopped } from './unless-stopped.ts';

const tryAgainAfterMs = 1_000;
/** Longer than a leader takes to admit a node: then somebody has to look. */
const admissionTakesMs = 30_000;

export interface MeetingOptions {
  readonly consul: ConsulAddress;
  readonly keys: { readonly name: string; readonly founding: string };
  readonly self: Located;
  readonly expected: number;
  readonly identify: Identify;
  readonly clock: Clock;
  readonly log: Log;
  /** The node is to end. */
  readonly signal: AbortSignal;
  /** As a sentence; called when it changes. */
  readonly onWaiting: (reason: string) => void;
}

/** The steps of a node from its own name to the others'. Each rejects with SHUTTING_DOWN when the node is to end. */
export class Meeting {
  readonly #options: MeetingOptions;

  constructor(options: MeetingOptions) {
    this.#options = options;
  }

  /** Rejects with SETTINGS_INVALID where a living process has it. A Consul that is away is waited for. */
  async takeName(): Promise<void> {
    const { clock, consul, identify, keys, onWaiting, self, signal } = this.#options;
    for (let failure = ''; ;) {
      try {
        return await unlessStopped(claimName({ consul, key: keys.name, self, identify }), signal);
      } catch (thrown) {
        const error = TuttiError.from(thrown);
        if (error.code !== 'CONSUL_FAILED') throw error;
        if (error.message !== failure) onWaiting(error.message);
        failure = error.message;
      }
      await unlessStopped(
        new Promise<void>((resolve) => void clock.at(clock.nowMs() + tryAgainAfterMs, resolve)),
        signal,
      );
    }
  }

  /** Who founds the cluster. `onPeers` is told what to call when peers come and go. */
  async agree(peers: Peers, onPeers: (look: () => void) => void): Promise<Founding> {
    const { clock, consul, expected, identify, keys, log, onWaiting, self, signal } = this.#options;
    const forming = new Forming({
      ...{ clock, consul, expected, identify, log, onWaiting, self, peers },
      key: keys.founding,
      random: Math.random,
    });
    onPeers(() => forming.look());
    try {
      return await unlessStopped(forming.founding, signal);
    } finally {
      forming.close();
    }
  }

  /** The leader has made this node a member; its knock says so. */
  async admitted(knock: Promise<unknown>, { founders }: Founding): Promise<void> {
    const { clock, keys, log, onWaiting, signal } = this.#options;
    const names = founders.map(({ id }) => id).join(', ');
    onWaiting(`the cluster was founded by ${names}: waiting for its leader to admit this node`);
    const cancel = clock.at(clock.nowMs() + admissionTakesMs, () =>
      log.warn(
        { key: keys.founding },
        `no leader has admitted this node for ${admissionTakesMs / 1000} s; the cluster was founded by ${names}. If they are gone for good, ` +
          `delete the key ${keys.founding} of Consul's KV, and the nodes that are here found another cluster at their next start`,
      ),
    );
    await unlessStopped(knock, signal).finally(cancel);
  }

  /** Who answers now. */
  async located(peers: Peers): Promise<readonly Located[]> {
    const { identify, self } = this.#options;
    const others = peers.addresses().filter((address) => address !== self.address);
    const met = await Promise.all(others.map(async (address) => ({ address, who: await identify(address) })));
    return met.flatMap(({ address, who }) => (who === null ? [] : [{ ...who, address }]));
  }
}
