import { TuttiError } from '../lib/errors.ts';
import type { RaftCore, RaftEvent } from '../raft/core.ts';
import type { Entry, NodeId, Timings } from '../raft/types.ts';
import type {
  ClockOffset,
  PeerFrame,
  PeerIdentity,
  PeerStatus,
  Transport,
  TransportHandlers,
} from '../transport/transport.ts';
import { Applier } from './applier.ts';
import { AutoTimings } from './auto-timings.ts';
import { closeInTime } from './closing.ts';
import type { ClaimedClusterId } from './cluster-id.ts';
import type { Consensus, ConsensusStatus, ObservedEvent, ReadOptions, RequestHandler } from './consensus.ts';
import { Engine } from './engine.ts';
import { Handover } from './handover.ts';
import { Leadership } from './leadership.ts';
import type { EventFilter } from './observers.ts';
import type { ConsensusOptions } from './options.ts';
import { PeerWatch } from './peer-watch.ts';
import { notLeader, Proposals } from './proposals.ts';
import type { Proposed } from './proposals.ts';
import { readIndexMethod, Reads } from './reads.ts';
import { Requests, shuttingDown, timedOut } from './requests.ts';
import { Serving } from './serving.ts';
import type { ConsensusStats } from './stats.ts';
import { Watch } from './watch.ts';

const ownClock: ClockOffset = { offsetMs: 0, errorMs: 0, roundTripMs: 0 };

export interface HostParts<Result> {
  readonly options: ConsensusOptions<Result>;
  readonly core: RaftCore;
  /** To begin with. */
  readonly timings: Timings;
  readonly clusterId: ClaimedClusterId;
  readonly transport: Transport;
  readonly defer: (callback: () => void) => void;
}

/** Joins the parts: core, disk, network, state machine, and those who propose, ask and watch. */
export class Host<Result> implements Consensus<Result> {
  readonly #parts: HostParts<Result>;
  readonly #engine: Engine;
  readonly #applier: Applier<Result>;
  readonly #proposals: Proposals<Result>;
  readonly #reads: Reads;
  readonly #requests: Requests;
  readonly #serving: Serving;
  readonly #leadership: Leadership;
  readonly #handover: Handover;
  readonly #watch: Watch;
  readonly #peers: PeerWatch;
  readonly #auto: AutoTimings | null;
  #timings: Timings;
  #stopped = false;
  #failure: ObservedEvent | null = null;
  #closed: Promise<void> | null = null;

  constructor(parts: HostParts<Result>) {
    this.#parts = parts;
    const { options, core, clusterId, transport, defer } = parts;
    const { stateMachine, clock, log, store, limits } = options;
    this.#timings = parts.timings;
    const timings = (): Timings => this.#timings;
    const patienceMs = (): number => 2 * this.#timings.electionTimeoutMaxMs;
    const feed: Engine['feed'] = (input, settle) => this.#engine.feed(input, settle);
    const onFailed = (error: unknown): void => this.#fail(error);
    this.#watch = new Watch({
      ...{ self: options.self.nodeId, log, clock, onFailed },
      status: () => this.status(),
      peers: () => transport.peers(),
    });
    this.#applier = new Applier({
      ...{ stateMachine, clock, defer },
      hooks: {
        onEntry: (entry, result) => this.#onEntry(entry, result),
        onSlice: (index) => {
          this.#reads.onApplied(index);
          this.#watch.applied(index);
        },
        onFailed,
      },
    });
    this.#engine = new Engine({
      ...{ core, store, transport, timings, clock, defer, log, stats: this.#watch.stats },
      hooks: {
        onAppended: (entries) => this.#watch.appended(entries),
        onStalled: (isStalled) => this.#watch.health.diskStalled(isStalled),
        onCommitted: (entries) => {
          this.#watch.committed(entries);
          clusterId.onCommitted(entries);
          this.#applier.add(entries);
        },
        onEvent: (event) => this.#onRaftEvent(event),
        onRead: (outcome) => this.#reads.onOutcome(outcome),
        onIdle: () => this.#applier.run(),
        onFailed,
      },
    });
    this.#proposals = new Proposals({ defer, limits, feed });
    this.#requests = new Requests(clock, transport);
    this.#peers = new PeerWatch({
      ...{ transport, log, clock, feed },
      emit: (event) => this.#watch.observers.emit(event),
      onLost: (id, reason) => this.#requests.peerLost(id, reason),
    });
    this.#serving = new Serving({ transport, log, sessionOf: (id) => this.#peers.sessionOf(id) });
    this.#handover = new Handover({ self: options.self.nodeId, clock, patienceMs, feed });
    this.#reads = new Reads({
      ...{ core, timeoutMs: patienceMs, feed, hasLease: options.lease != null },
      request: (to, method, body, timeoutMs) => this.request(to, method, body, timeoutMs),
      appliedIndex: () => this.#applier.appliedIndex,
    });
    this.#serving.handle(readIndexMethod, (asked) => this.#reads.serve(asked));
    const onChange = (changed: Timings, roundTripMs: number): void => this.#retime(changed, roundTripMs);
    this.#auto = options.timings === 'auto' ? new AutoTimings({ transport, clock, onChange }) : null;
    this.#leadership = new Leadership({
      onGained: (term) => this.#watch.observers.emit({ kind: 'leadershipGained', term }),
      onLost: (term, announced, reason) => {
        this.#proposals.leadershipLost(this.#applier.committedIndex, reason);
        if (announced) this.#watch.observers.emit({ kind: 'leadershipLost', term, reason });
      },
    });
  }

  /** What the transport reports to. */
  readonly handlers: TransportHandlers = {
    onFrame: (from, frame) => this.#onFrame(from, frame),
    onPeerUp: (peer) => {
      if (this.#stopped) return;
      this.#peers.up(peer);
      this.#watch.health.look();
    },
    onPeerDown: (peer, reason) => {
      if (this.#stopped) return;
      this.#peers.down(peer, reason);
      this.#watch.health.look();
    },
    onPeerEnded: (peer) => {
      if (!this.#stopped) this.#peers.ended(peer);
    },
    onMismatch: (problem) => {
      if (!this.#stopped) this.#peers.note(problem);
    },
  };

  /** Begins in a later turn, so that whoever opened this can subscribe before anything happens. */
  start(): void {
    this.#parts.defer(() => {
      if (this.#stopped) return;
      this.#watch.started();
      this.#engine.start();
      this.#auto?.start();
    });
  }

  status(): ConsensusStatus {
    const { options, core } = this.#parts;
    const { id, role, term, leaderId, lastIndex, commitIndex, membership } = core.status();
    return {
      ...{
        nodeId: id,
        incarnation: options.self.incarnation,
        role,
        term,
        leaderId,
        lastIndex,
        commitIndex,
        membership,
      },
      appliedIndex: this.#applier.appliedIndex,
      listedSize: options.listedSize,
      timings: this.#timings,
      leading: this.#leadership.leading,
      problems: this.#peers.problems,
    };
  }

  propose(command: Uint8Array): Promise<Proposed<Result>> {
    return this.#watch.stats.proposal(this.#proposals.propose(command));
  }

  read<Value>(look: () => Value, { consistency = 'linearizable' }: ReadOptions = {}): Promise<Value> {
    return this.#watch.stats.read(this.#reads.ready(consistency).then(look));
  }

  request(to: NodeId, method: string, body: Uint8Array, timeoutMs: number): Promise<Uint8Array> {
    if (to !== this.#parts.options.self.nodeId) return this.#requests.send(to, method, body, timeoutMs);
    if (this.#stopped) return Promise.reject(shuttingDown());
    return this.#askSelf(method, body, timeoutMs);
  }

  handle(method: string, handler: RequestHandler): void {
    this.#serving.handle(method, handler);
  }

  subscribe(listener: (event: ObservedEvent) => void, filter?: EventFilter): () => void {
    const unsubscribe = this.#watch.observers.subscribe(listener, filter);
    // The one event that nobody may miss, however late they came.
    if (this.#failure !== null) this.#watch.observers.tell(listener, this.#failure);
    return unsubscribe;
  }

  stats(): ConsensusStats {
    return this.#watch.stats.all;
  }

  peers(): readonly PeerStatus[] {
    return this.#parts.transport.peers();
  }

  clockOffset(to: NodeId): ClockOffset | null {
    return to === this.#parts.options.self.nodeId ? ownClock : this.#parts.transport.clockOffset(to);
  }

  transferLeadership(to?: NodeId): Promise<void> {
    return this.#stopped ? Promise.reject(shuttingDown()) : this.#handover.begin(to ?? null);
  }

  async stepDown(): Promise<void> {
    if (this.#stopped) throw shuttingDown();
    const { role, leaderId } = this.#parts.core.status();
    if (role !== 'leader') throw notLeader(leaderId);
    await this.#handover.begin(null).catch(() => this.#engine.feed({ kind: 'resign' }));
  }

  close(): Promise<void> {
    this.#stop('this node is shutting down');
    return (this.#closed ??= this.#release());
  }

  /** At once: nothing is sent, applied or counted from here on, and nobody is left waiting. */
  #stop(reason: string): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#auto?.stop();
    this.#engine.stop();
    this.#applier.stop();
    this.#proposals.stop();
    this.#requests.stop();
    this.#handover.stop();
    this.#reads.stop();
    this.#leadership.end(reason);
    this.#watch.observers.emit({ kind: 'stopped', reason });
  }

  async #release(): Promise<void> {
    const { options, transport } = this.#parts;
    const { clock, log, store } = options;
    await closeInTime('the transport', transport.close(), clock, log);
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
    this.#failure = this.#watch.observers.emit({ kind: 'fatal', error });
    this.#closed ??= this.#release();
  }

  #retime(timings: Timings, roundTripMs: number): void {
    this.#timings = timings;
    this.#parts.options.log.info(
      { ...timings, roundTripMs },
      `timings for a round trip of ${roundTripMs.toFixed(1)} ms`,
    );
    this.#engine.feed({ kind: 'timings', timings });
    this.#watch.observers.emit({ kind: 'timingsChanged', timings, roundTripMs });
  }

  #onEntry(entry: Entry, result: { readonly value: Result } | null): void {
    this.#proposals.applied(entry, result);
    this.#leadership.onApplied(entry.term);
  }

  #onRaftEvent(event: RaftEvent): void {
    this.#watch.told(event);
    this.#handover.onEvent(event);
    if (event.kind === 'roleChanged') this.#leadership.onRole(event.role, event.term, event.reason);
    if (event.kind === 'peerRefused') this.#peers.refuse(event.id, event.reason);
    this.#watch.happened(event);
  }

  #onFrame(from: PeerIdentity, frame: PeerFrame): void {
    if (this.#stopped) return;
    switch (frame.kind) {
      case 'raft':
        this.#watch.stats.message('received');
        if (frame.message.from === from.nodeId && frame.message.to === this.#parts.options.self.nodeId) {
          this.#engine.feed({ kind: 'message', message: frame.message, fromIncarnation: from.incarnation });
        } else {
          const reason = `"${from.nodeId}" sent a message from "${frame.message.from}" to "${frame.message.to}"`;
          this.#peers.report({ address: from.nodeId, reason });
        }
        return;
      case 'request':
        return this.#serving.onRequest(from, frame);
      case 'response':
      case 'failure':
        return this.#requests.onAnswer(from.nodeId, frame);
    }
  }

  #askSelf(method: string, body: Uint8Array, timeoutMs: number): Promise<Uint8Array> {
    const { clock, self } = this.#parts.options;
    return new Promise((resolve, reject) => {
      const cancel = clock.at(clock.nowMs() + timeoutMs, () => reject(timedOut(self.nodeId, method, timeoutMs)));
      void this.#serving.call(method, body, self.nodeId).then(resolve, reject).finally(cancel);
    });
  }
}
