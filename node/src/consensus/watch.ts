import type { Clock } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';
import type { RaftEvent } from '../raft/core.ts';
import type { Entry, Membership, NodeId } from '../raft/types.ts';
import type { PeerStatus } from '../transport/transport.ts';
import type { ConsensusStatus } from './consensus.ts';
import type { ConsensusEvent } from './events.ts';
import { HealthWatch } from './health-watch.ts';
import { Narrator } from './narrate.ts';
import { Observers } from './observers.ts';
import { Stats } from './stats.ts';

export interface WatchOptions {
  readonly self: NodeId;
  /** What the log has at the start. */
  readonly membership: Membership | null;
  readonly log: Log;
  readonly clock: Clock;
  readonly status: () => ConsensusStatus;
  readonly peers: () => readonly PeerStatus[];
  /** An observer threw. */
  readonly onFailed: (error: unknown) => void;
}

/** What happens on this member, told to all who want to know: the log, the observers, the counters, the judgement of its health. */
export class Watch {
  readonly observers: Observers;
  readonly health: HealthWatch;
  readonly stats: Stats;
  readonly #narrator: Narrator;

  constructor({ self, membership, log, clock, status, peers, onFailed }: WatchOptions) {
    this.observers = new Observers(self, membership, onFailed);
    this.stats = new Stats(() => clock.nowMs());
    this.#narrator = new Narrator(log, self);
    const emit = (event: ConsensusEvent & { readonly kind: 'quorum' | 'health' }): void => {
      this.#narrator.tell(event);
      this.observers.emit(event);
    };
    this.health = new HealthWatch({ status, peers, emit });
  }

  started(): void {
    this.observers.emit({ kind: 'started' });
    this.health.look();
  }

  appended(entries: readonly Entry[]): void {
    const bytes = entries.reduce((sum, { data }) => sum + data.byteLength, 0);
    this.stats.appended(entries.length, bytes);
    this.observers.emit({ kind: 'appended', lastIndex: entries.at(-1)!.index, entries: entries.length, bytes });
  }

  committed(entries: readonly Entry[]): void {
    this.stats.committed(entries.length);
    this.observers.emit({ kind: 'committed', index: entries.at(-1)!.index, entries: entries.length });
  }

  applied(index: number): void {
    this.observers.emit({ kind: 'applied', index });
    this.health.applied();
  }

  /** Before any other part learns of it, so that the log has the cause before its consequences. */
  told(event: RaftEvent): void {
    this.#narrator.tell({ kind: 'raft', event });
    this.stats.happened(event);
  }

  happened(event: RaftEvent): void {
    this.observers.emit({ kind: 'raft', event });
    if (event.kind === 'leaderChanged' || event.kind === 'membershipChanged') this.health.look();
  }
}
