import { TuttiError } from '../lib/errors.ts';
import type { NodeId } from '../raft/types.ts';
import type { ClockOffset, PeerStatus, TransportHandlers } from '../transport/transport.ts';
import { closeInTime } from './closing.ts';
import type { Consensus, ConsensusStatus, ObservedEvent, ReadOptions, RequestHandler } from './consensus.ts';
import { JoinedParts } from './joined-parts.ts';
import type { HostParts } from './joined-parts.ts';
import type { EventFilter } from './observers.ts';
import { notLeader } from './proposals.ts';
import type { Proposed } from './proposals.ts';
import { shuttingDown, timedOut } from './requests.ts';
import { withoutSnapshots } from './snapshots/wiring.ts';
import type { ConsensusStats } from './stats.ts';

const ownClock: ClockOffset = { offsetMs: 0, errorMs: 0, roundTripMs: 0 };

/** A member as its users and its transport see it, from its start to its end. */
export class Host<Result> implements Consensus<Result> {
  readonly #parts: HostParts<Result>;
  readonly #joined: JoinedParts<Result>;
  #stopped = false;
  #failure: ObservedEvent | null = null;
  #closed: Promise<void> | null = null;

  constructor(parts: HostParts<Result>) {
    this.#parts = parts;
    this.#joined = new JoinedParts(parts, {
      status: () => this.status(),
      request: (to, method, body, timeoutMs) => this.request(to, method, body, timeoutMs),
      onFailed: (error) => this.#fail(error),
    });
  }

  /** What the transport reports to. */
  readonly handlers: TransportHandlers = {
    onFrame: (from, frame) => {
      if (!this.#stopped) this.#joined.onFrame(from, frame);
    },
    onPeerUp: (peer) => {
      if (this.#stopped) return;
      this.#joined.peers.up(peer);
      this.#joined.watch.health.look();
    },
    onPeerDown: (peer, reason) => {
      if (this.#stopped) return;
      this.#joined.peers.down(peer, reason);
      this.#joined.watch.health.look();
    },
    onPeerEnded: (peer) => {
      if (!this.#stopped) this.#joined.peers.ended(peer);
    },
    onMismatch: (problem) => {
      if (!this.#stopped) this.#joined.peers.note(problem);
    },
    onMismatchAgain: (problem) => {
      if (!this.#stopped) this.#joined.peers.seen(problem);
    },
  };

  /** Begins in a later turn, so that whoever opened this can subscribe before anything happens. */
  start(): void {
    this.#parts.defer(() => {
      if (!this.#stopped) this.#joined.start();
    });
  }

  status(): ConsensusStatus {
    const { options, core } = this.#parts;
    const { id, role, term, leaderId, lastIndex, commitIndex, snapshotIndex, membership } = core.status();
    return {
      ...{
        nodeId: id,
        incarnation: options.self.incarnation,
        role,
        term,
        leaderId,
        lastIndex,
        commitIndex,
        snapshotIndex,
        membership,
      },
      appliedIndex: this.#joined.applier.appliedIndex,
      listedSize: options.listedSize,
      timings: this.#joined.timings,
      leading: this.#joined.leadership.leading,
      problems: this.#joined.peers.problems,
    };
  }

  propose(command: Uint8Array): Promise<Proposed<Result>> {
    return this.#joined.watch.stats.proposal(this.#joined.proposals.propose(command));
  }

  read<Value>(look: () => Value, { consistency = 'linearizable' }: ReadOptions = {}): Promise<Value> {
    return this.#joined.watch.stats.read(this.#joined.reads.ready(consistency).then(look));
  }

  request(to: NodeId, method: string, body: Uint8Array, timeoutMs: number): Promise<Uint8Array> {
    if (to !== this.#parts.options.self.nodeId) return this.#joined.requests.send(to, method, body, timeoutMs);
    if (this.#stopped) return Promise.reject(shuttingDown());
    return this.#askSelf(method, body, timeoutMs);
  }

  handle(method: string, handler: RequestHandler): void {
    this.#joined.serving.handle(method, handler);
  }

  subscribe(listener: (event: ObservedEvent) => void, filter?: EventFilter): () => void {
    const unsubscribe = this.#joined.watch.observers.subscribe(listener, filter);
    // The one event that nobody may miss, however late they came.
    if (this.#failure !== null) this.#joined.watch.observers.tell(listener, this.#failure);
    return unsubscribe;
  }

  stats(): ConsensusStats {
    return this.#joined.watch.stats.all;
  }

  peers(): readonly PeerStatus[] {
    return this.#parts.transport.peers();
  }

  movePeer(id: NodeId, address: string): void {
    this.#parts.transport.movePeer(id, address);
  }

  clockOffset(to: NodeId): ClockOffset | null {
    return to === this.#parts.options.self.nodeId ? ownClock : this.#parts.transport.clockOffset(to);
  }

  transferLeadership(to?: NodeId): Promise<void> {
    return this.#stopped ? Promise.reject(shuttingDown()) : this.#joined.handover.begin(to ?? null);
  }

  readonly changeMembers: Consensus<Result>['changeMembers'] = (changes) => this.#joined.memberChanges.change(changes);
  readonly addNode: Consensus<Result>['addNode'] = (id, address) =>
    this.changeMembers([{ kind: 'addLearner', id, address }]);
  readonly promote: Consensus<Result>['promote'] = (id) => this.changeMembers([{ kind: 'promote', id }]);
  readonly demote: Consensus<Result>['demote'] = (id) => this.changeMembers([{ kind: 'demote', id }]);
  readonly removeNode: Consensus<Result>['removeNode'] = (id) => this.changeMembers([{ kind: 'remove', id }]);

  snapshot(): Promise<{ readonly index: number; readonly fileBytes: number }> {
    return this.#joined.snapshots?.request() ?? Promise.reject(withoutSnapshots());
  }

  async stepDown(): Promise<void> {
    if (this.#stopped) throw shuttingDown();
    const { role, leaderId } = this.#parts.core.status();
    if (role !== 'leader') throw notLeader(leaderId);
    await this.#joined.handover.begin(null).catch(() => this.#joined.engine.feed({ kind: 'resign' }));
  }

  close(): Promise<void> {
    this.#stop('this node is shutting down');
    return (this.#closed ??= this.#release());
  }

  #stop(reason: string): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#joined.stop(reason);
  }

  async #release(): Promise<void> {
    const { options, transport } = this.#parts;
    const { clock, log, store } = options;
    await closeInTime('the transport', transport.close(), clock, log);
    if (this.#joined.snapshots !== null) await closeInTime('the snapshots', this.#joined.snapshots.close(), clock, log);
    await closeInTime('the log store', store.close(), clock, log);
  }

  #fail(thrown: unknown): void {
    const { log } = this.#parts.options;
    const error = thrown instanceof Error ? thrown : TuttiError.from(thrown);
    if (this.#stopped) {
      log.warn({ error }, 'failed while closing');
      return;
    }
    log.error({ error }, `this node can no longer take part: ${error.message}`);
    this.#stop(error.message);
    this.#failure = this.#joined.watch.observers.emit({ kind: 'fatal', error });
    this.#closed ??= this.#release();
  }

  #askSelf(method: string, body: Uint8Array, timeoutMs: number): Promise<Uint8Array> {
    const { clock, self } = this.#parts.options;
    return new Promise((resolve, reject) => {
      const cancel = clock.at(clock.nowMs() + timeoutMs, () => reject(timedOut(self.nodeId, method, timeoutMs)));
      void this.#joined.serving.call(method, body, self.nodeId).then(resolve, reject).finally(cancel);
    });
  }
}
