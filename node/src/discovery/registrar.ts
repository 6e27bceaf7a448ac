import type { ConsulAddress } from '../consul/http.ts';
import { deregisterService, readService, registerService, type RegisteredService } from '../consul/services.ts';
import { backoffMs, patientBackoff } from '../lib/backoff.ts';
import type { Clock } from '../lib/clock.ts';
import { TuttiError } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import { checkedUrl, type Registrant, registrationOf, type RoleTag, serviceId } from './registration.ts';

/** An agent that lost its data, or gave the node up while it stood still, knows it again after so long. */
const lookEveryMs = 5_000;
/** A Consul that is back is to know the node soon. */
const pauses = { ...patientBackoff, longestMs: 5_000 };
/** An end must not wait for a Consul that is away; its check finds out. */
const deregisterTimeoutMs = 2_000;

export interface RegistrarOptions {
  readonly consul: ConsulAddress;
  readonly node: Registrant;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  readonly log: Log;
}

/** Keeps the node registered with the agent, with the role it has now: whatever fails is tried again, until it is closed. */
export class Registrar {
  readonly #options: RegistrarOptions;
  readonly #id: string;
  #role: RoleTag | null = null;
  /** What the agent was told last, or null where it may know nothing. */
  #told: RoleTag | null = null;
  #turn: Promise<void> | null = null;
  #failures = 0;
  #cancel: () => void = () => undefined;
  #isClosed = false;
  #wasRegistered = false;
  #isFoundWanting = false;
  /** Waiting for the agent to know the role. */
  readonly #waiting = new Set<() => void>();

  constructor(options: RegistrarOptions) {
    this.#options = options;
    this.#id = serviceId(options.node);
  }

  /** From now on the node has this role; the first time it is registered with it. */
  set(role: RoleTag): void {
    if (role === this.#role) return;
    this.#role = role;
    this.#begin();
  }

  /** Resolves once the agent knows the role that the node has now, or after `withinMs`. */
  known(withinMs: number): Promise<void> {
    if (this.#isKnown() || this.#isClosed) return Promise.resolve();
    const { clock } = this.#options;
    return new Promise((resolve) => {
      const end = (): void => {
        cancel();
        this.#waiting.delete(end);
        resolve();
      };
      const cancel = clock.at(clock.nowMs() + withinMs, end);
      this.#waiting.add(end);
    });
  }

  /** Deregisters. Never rejects, and takes no longer than Consul is given for it. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#cancel();
    this.#release();
    // What is under way would register it again behind our back.
    await this.#turn;
    // Another process may be registered under this id, if it runs on a copy of the data directory.
    if (!this.#wasRegistered) return;
    const { consul, log } = this.#options;
    try {
      await deregisterService(consul, this.#id, deregisterTimeoutMs);
    } catch (thrown) {
      const { code, message } = TuttiError.from(thrown);
      log.warn({ code }, `not deregistered: ${message}`);
    }
  }

  #isKnown(): boolean {
    return this.#role !== null && this.#told === this.#role;
  }

  #release(): void {
    for (const end of [...this.#waiting]) end();
  }

  #begin(): void {
    if (this.#isClosed || this.#turn !== null) return;
    this.#cancel();
    this.#turn = this.#act().then((pauseMs) => {
      this.#turn = null;
      if (this.#isClosed) return;
      if (this.#isKnown()) this.#release();
      else if (this.#failures === 0) return this.#begin();
      const { clock } = this.#options;
      this.#cancel = clock.at(clock.nowMs() + pauseMs, () => this.#begin());
    });
  }

  /** After which pause to look again. Never rejects. */
  async #act(): Promise<number> {
    const { consul, node, log, random } = this.#options;
    const role = this.#role ?? 'forming';
    try {
      if (this.#told === role && !(await this.#isForgotten(role))) return lookEveryMs;
      this.#wasRegistered = true;
      await registerService(consul, registrationOf(node, role));
      if (this.#told === null) log.info({ service: node.serviceName, id: this.#id }, 'registered with Consul');
      this.#told = role;
      this.#failures = 0;
      return lookEveryMs;
    } catch (thrown) {
      this.#failures += 1;
      this.#told = null;
      const { code, message } = TuttiError.from(thrown);
      if (this.#failures === 1) log.warn({ code }, `not registered, and tried again: ${message}`);
      return backoffMs(this.#failures, random, pauses);
    }
  }

  async #isForgotten(role: RoleTag): Promise<boolean> {
    const { consul, node, log } = this.#options;
    const known = await readService(consul, this.#id);
    if (known !== null && isSame(known, node, role)) {
      this.#judged(known.failure);
      return false;
    }
    log.warn(
      { id: this.#id },
      known === null ? 'Consul has forgotten this node' : 'Consul has something else about it',
    );
    this.#told = null;
    return true;
  }

  /** Who is not reached by Consul is found by nobody, and can know it by nothing else: it answers whoever asks. */
  #judged(failure: string | null): void {
    const { node, log } = this.#options;
    if (failure !== null && !this.#isFoundWanting) {
      log.warn(
        { id: this.#id },
        `Consul's check of this node fails, so nobody finds it: ${failure}; Consul's agent must reach ${checkedUrl(node)} ` +
          '(CLUSTER_HEALTH_ADDR)',
      );
    }
    this.#isFoundWanting = failure !== null;
  }
}

function isSame(known: RegisteredService, node: Registrant, role: RoleTag): boolean {
  const { Tags, Address, Port } = registrationOf(node, role);
  return known.address === Address && known.port === Port && Tags.every((tag) => known.tags.includes(tag));
}
