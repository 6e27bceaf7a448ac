import { TuttiError } from '../lib/errors.ts';
import type { RaftCore, RaftEvent } from '../raft/core.ts';
import type { Entry, NodeId } from '../raft/types.ts';
import type {
  ClockOffset,
  PeerFrame,
  PeerIdentity,
  PeerStatus,
  Transport,
  TransportHandlers,
} from '../transport/transport.ts';
import { AddedPeers } from './added-peers.ts';
import { Applier } from './applier.ts';
import { closeInTime } from './closing.ts';
import type { ClaimedClusterId } from './cluster-id.ts';
import type { Consensus, ConsensusEvent, ConsensusStatus, RequestHandler } from './consensus.ts';
import { Engine } from './engine.ts';
import { Handover } from './handover.ts';
import { Leadership } from './leadership.ts';
import { MemberChanges, removed } from './member-changes.ts';
import { narrate } from './narrate.ts';
import { Observers } from './observers.ts';
import type { ConsensusOptions } from './options.ts';
import { PeerWatch } from './peer-watch.ts';
import { Proposals } from './proposals.ts';
import type { Proposed } from './proposals.ts';
import { readIndexMethod, Reads } from './reads.ts';
import { Requests, shuttingDown, timedOut } from './requests.ts';
import { Serving } from './serving.ts';
import type { Snapshots } from './snapshots/snapshots.ts';
import { openSnapshots, refuseSnapshot, withoutSnapshots } from './snapshots/wiring.ts';

const ownClock: ClockOffset = { offsetMs: 0, errorMs: 0, roundTripMs: 0 };

export interface HostParts<Result> {
  readonly options: ConsensusOptions<Result>;
  readonly core: RaftCore;
  readonly clusterId: ClaimedClusterId;
  readonly transport: Transport;
  readonly defer: (callback: () => void) => void;
  /** Of the snapshot that the state machine was restored from. */
  readonly restoredIndex: number;
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
  readonly #memberChanges: MemberChanges;
  readonly #observers = new Observers((error) => this.#fail(error));
  readonly #peers: PeerWatch;
  readonly #snapshots: Snapshots | null;
  #stopped = false;
  #failure: Error | null = null;
  #closed: Promise<void> | null = null;

  constructor(parts: HostParts<Result>) {
    this.#parts = parts;
    const { options, core, clusterId, transport, defer, restoredIndex } = parts;
    const { stateMachine, clock, log, store, timings, limits } = options;
    const onFailed = (error: unknown): void => this.#fail(error);
    this.#applier = new Applier({
      ...{ stateMachine, clock, defer, restoredIndex },
      hooks: {
        onEntry: (entry, result) => this.#onEntry(entry, result),
        onSlice: (index) => {
          this.#reads.onApplied(index);
          this.#snapshots?.onSlice();
          this.#observers.emit({ kind: 'applied', index });
        },
        onFailed,
      },
    });
    this.#engine = new Engine({
      ...{ core, store, transport, timings, clock, defer, log },
      hooks: {
        onCommitted: (entries) => {
          clusterId.onCommitted(entries);
          this.#applier.add(entries);
        },
        onEvent: (event) => this.#onRaftEvent(event),
        onSendSnapshots: (to) => this.#snapshots?.send(to),
        onRead: (outcome) => this.#reads.onOutcome(outcome),
        onChange: (outcome) => this.#memberChanges.onOutcome(outcome),
        onIdle: () => this.#applier.run(),
        onFailed,
      },
    });
    this.#proposals = new Proposals({
      ...{ core, defer, limits },
      feed: (input, settle) => this.#engine.feed(input, settle),
    });
    this.#memberChanges = new MemberChanges(core, (input) => this.#engine.feed(input));
    this.#requests = new Requests(clock, transport);
    this.#peers = new PeerWatch({
      ...{ transport, log, clock },
      feed: (input) => this.#engine.feed(input),
      emit: (event) => this.#observers.emit(event),
      onLost: (id, reason) => {
        this.#requests.peerLost(id, reason);
        this.#snapshots?.peerDown(id);
      },
    });
    this.#serving = new Serving({ transport, log, sessionOf: (id) => this.#peers.sessionOf(id) });
    this.#handover = new Handover({
      ...{ self: options.self.nodeId, clock, patienceMs: 2 * timings.electionTimeoutMaxMs },
      feed: (input) => this.#engine.feed(input),
    });
    this.#reads = new Reads({
      ...{ core, timeoutMs: 2 * timings.electionTimeoutMaxMs },
      feed: (input) => this.#engine.feed(input),
      request: (to, method, body, timeoutMs) => this.request(to, method, body, timeoutMs),
      appliedIndex: () => this.#applier.readableIndex,
    });
    this.#snapshots = openSnapshots(parts, this.#applier, (input) => this.#engine.feed(input), onFailed);
    this.#serving.handle(readIndexMethod, () => this.#reads.serve());
    this.#leadership = new Leadership({
      onGained: (term) => this.#observers.emit({ kind: 'leadershipGained', term }),
      onLost: (term, announced, reason) => {
        this.#proposals.leadershipLost(this.#applier.committedIndex, reason);
        this.#memberChanges.leadershipLost(this.#applier.committedIndex, reason);
        this.#snapshots?.leadershipLost();
        if (announced) this.#observers.emit({ kind: 'leadershipLost', term, reason });
      },
    });
  }

  /** What the transport reports to. */
  readonly handlers: TransportHandlers = {
    onFrame: (from, frame) => this.#onFrame(from, frame),
    onPeerUp: (peer) => {
      if (!this.#stopped) this.#peers.up(peer);
    },
    onPeerDown: (peer, reason) => {
      if (!this.#stopped) this.#peers.down(peer, reason);
    },
    onPeerEnded: (peer) => {
      if (!this.#stopped) this.#peers.ended(peer);
    },
    onMismatch: (problem) => {
      if (!this.#stopped) this.#peers.note(problem);
    },
    onMismatchAgain: (problem) => {
      if (!this.#stopped) this.#peers.seen(problem);
    },
  };

  /** Begins in a later turn, so that whoever opened this can subscribe before anything happens. */
  start(): void {
    const { core, options, transport } = this.#parts;
    const added = new AddedPeers(options.self.nodeId, transport, core.status().membership);
    this.#observers.subscribe((event) => added.observe(event));
    this.#parts.defer(() => {
      this.#engine.start();
      this.#snapshots?.start();
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
      appliedIndex: this.#applier.appliedIndex,
      listedSize: options.listedSize,
      leading: this.#leadership.leading,
      problems: this.#peers.problems,
    };
  }

  propose(command: Uint8Array): Promise<Proposed<Result>> {
    return this.#proposals.propose(command);
  }

  async read<Value>(look: () => Value): Promise<Value> {
    await this.#reads.ready();
    return look();
  }

  request(to: NodeId, method: string, body: Uint8Array, timeoutMs: number): Promise<Uint8Array> {
    if (to !== this.#parts.options.self.nodeId) return this.#requests.send(to, method, body, timeoutMs);
    if (this.#stopped) return Promise.reject(shuttingDown());
    return this.#askSelf(method, body, timeoutMs);
  }

  handle(method: string, handler: RequestHandler): void {
    this.#serving.handle(method, handler);
  }

  subscribe(listener: (event: ConsensusEvent) => void): () => void {
    const unsubscribe = this.#observers.subscribe(listener);
    // The one event that nobody may miss, however late they came.
    if (this.#failure !== null) this.#observers.tell(listener, { kind: 'fatal', error: this.#failure });
    return unsubscribe;
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

  readonly changeMembers: Consensus<Result>['changeMembers'] = (changes) => this.#memberChanges.change(changes);
  readonly addNode: Consensus<Result>['addNode'] = (id, address) =>
    this.changeMembers([{ kind: 'addLearner', id, address }]);
  readonly promote: Consensus<Result>['promote'] = (id) => this.changeMembers([{ kind: 'promote', id }]);
  readonly demote: Consensus<Result>['demote'] = (id) => this.changeMembers([{ kind: 'demote', id }]);
  readonly removeNode: Consensus<Result>['removeNode'] = (id) => this.changeMembers([{ kind: 'remove', id }]);

  snapshot(): Promise<{ readonly index: number; readonly fileBytes: number }> {
    return this.#snapshots?.request() ?? Promise.reject(withoutSnapshots());
  }

  close(): Promise<void> {
    this.#stop('this node is shutting down');
    return (this.#closed ??= this.#release());
  }

  /** At once: nothing is sent, applied or counted from here on, and nobody is left waiting. */
  #stop(reason: string): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#engine.stop();
    this.#applier.stop();
    this.#proposals.stop();
    this.#requests.stop();
    this.#handover.stop();
    this.#memberChanges.stop();
    this.#reads.stop();
    this.#snapshots?.stop();
    this.#leadership.end(reason);
  }

  async #release(): Promise<void> {
    const { options, transport } = this.#parts;
    const { clock, log, store } = options;
    await closeInTime('the transport', transport.close(), clock, log);
    if (this.#snapshots !== null) await closeInTime('the snapshots', this.#snapshots.close(), clock, log);
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
    this.#failure = error;
    this.#stop(error.message);
    this.#observers.emit({ kind: 'fatal', error });
    this.#closed ??= this.#release();
  }

  #onEntry(entry: Entry, result: { readonly value: Result } | null): void {
    this.#proposals.applied(entry, result);
    this.#memberChanges.applied(entry);
    this.#snapshots?.onApplied(entry);
    this.#leadership.onApplied(entry.term);
  }

  #onRaftEvent(event: RaftEvent): void {
    narrate(this.#parts.options.log, this.#parts.options.self.nodeId, event);
    this.#handover.onEvent(event);
    if (event.kind === 'roleChanged') this.#leadership.onRole(event.role, event.term, event.reason);
    if (event.kind === 'snapshotInstalled' && !event.isStale) {
      this.#parts.clusterId.onInstalled();
      this.#applier.skipTo(event.index);
    }
    if (event.kind === 'peerRefused') this.#peers.refuse(event.id, event.reason);
    this.#observers.emit({ kind: 'raft', event });
    if (event.kind === 'removed') this.#fail(removed(event.index));
  }

  #onFrame(from: PeerIdentity, frame: PeerFrame): void {
    if (this.#stopped) return;
    switch (frame.kind) {
      case 'raft':
        if (frame.message.from === from.nodeId && frame.message.to === this.#parts.options.self.nodeId) {
          this.#engine.feed({ kind: 'message', message: frame.message, fromIncarnation: from.incarnation });
        } else {
          const reason = `"${from.nodeId}" sent a message from "${frame.message.from}" to "${frame.message.to}"`;
          this.#peers.report({ address: from.nodeId, reason });
        }
        return;
      case 'snapshotChunk':
      case 'snapshotAck':
        if (this.#snapshots !== null) return this.#snapshots.onFrame(from.nodeId, frame);
        return refuseSnapshot(this.#parts.transport, from.nodeId, frame);
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
