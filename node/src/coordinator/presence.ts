import { slotOf, type AgentRef } from '../cluster/state.ts';
import type { Consensus, ConsensusEvent } from '../consensus/consensus.ts';
import type { Clock } from '../lib/clock.ts';

interface Link {
  readonly agent: AgentRef;
  readonly isUp: boolean;
  readonly sinceMs: number;
}

/**
 * Which agents this node is connected to, and since when. Kept on every node, so that a new leader knows at once who was
 * gone before it led. An agent is a session: a node that came back as another process is another agent.
 */
export class Presence {
  readonly #self: AgentRef;
  readonly #clock: Clock;
  readonly #links = new Map<string, Link>();
  readonly #unsubscribe: () => void;
  readonly #sinceMs: number;

  constructor(consensus: Pick<Consensus<unknown>, 'subscribe' | 'peers'>, self: AgentRef, clock: Clock) {
    this.#self = self;
    this.#clock = clock;
    this.#sinceMs = clock.nowMs();
    for (const { identity, state } of consensus.peers()) {
      if (identity === null || state !== 'connected') continue;
      const agent = { node: identity.nodeId, session: identity.session, region: identity.region };
      this.#links.set(agent.node, { agent, isUp: true, sinceMs: clock.nowMs() });
    }
    this.#unsubscribe = consensus.subscribe((event) => this.#note(event));
  }

  /** Oneself included. */
  connected(): readonly AgentRef[] {
    return [this.#self, ...[...this.#links.values()].filter((link) => link.isUp).map((link) => link.agent)];
  }

  /** For how long the agent has been connected; null: it is not. */
  upForMs(slot: string): number | null {
    if (slot === slotOf(this.#self)) return this.#clock.nowMs() - this.#sinceMs;
    const link = this.#linkOf(slot);
    return link?.isUp === true ? this.#clock.nowMs() - link.sinceMs : null;
  }

  /** For how long the agent has been gone; Infinity: it never was here, or its node is another process by now. */
  downForMs(slot: string): number {
    if (slot === slotOf(this.#self)) return 0;
    const link = this.#linkOf(slot);
    if (link === undefined) return Infinity;
    return link.isUp ? 0 : this.#clock.nowMs() - link.sinceMs;
  }

  close(): void {
    this.#unsubscribe();
  }

  #linkOf(slot: string): Link | undefined {
    return [...this.#links.values()].find((link) => slotOf(link.agent) === slot);
  }

  #note(event: ConsensusEvent): void {
    if (event.kind !== 'peerUp' && event.kind !== 'peerDown') return;
    const { nodeId: node, session, region } = event.peer;
    this.#links.set(node, {
      agent: { node, session, region },
      isUp: event.kind === 'peerUp',
      sinceMs: this.#clock.nowMs(),
    });
  }
}
