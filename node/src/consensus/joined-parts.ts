import type { RaftCore, RaftEvent } from '../raft/core.ts';
import type { Entry, Timings } from '../raft/types.ts';
import type { PeerFrame, PeerIdentity, Transport } from '../transport/transport.ts';
import { AddedPeers } from './added-peers.ts';
import { Applier } from './applier.ts';
import type { ApplierHooks } from './applier.ts';
import { AutoTimings } from './auto-timings.ts';
import type { ClaimedClusterId } from './cluster-id.ts';
import type { Consensus } from './consensus.ts';
import { Engine } from './engine.ts';
import type { EngineHooks } from './engine.ts';
import { Handover } from './handover.ts';
import { Leadership } from './leadership.ts';
import { MemberChanges, removed } from './member-changes.ts';
import type { ConsensusOptions } from './options.ts';
import { PeerWatch } from './peer-watch.ts';
import { Proposals } from './proposals.ts';
import { readIndexMethod, Reads } from './reads.ts';
import { Requests } from './requests.ts';
import { Serving } from './serving.ts';
import type { Snapshots } from './snapshots/snapshots.ts';
import { openSnapshots, refuseSnapshot } from './snapshots/wiring.ts';
import { Watch } from './watch.ts';

export interface HostParts<Result> {
  readonly options: ConsensusOptions<Result>;
  readonly core: RaftCore;
  /** To begin with. */
  readonly timings: Timings;
  readonly clusterId: ClaimedClusterId;
  readonly transport: Transport;
  readonly defer: (callback: () => void) => void;
  /** Of the snapshot that the state machine was restored from. */
  readonly restoredIndex: number;
}

/** What the parts ask of the member as a whole. */
export interface PartsOwner {
  readonly status: Consensus<unknown>['status'];
  readonly request: Consensus<unknown>['request'];
  /** This member cannot go on. */
  readonly onFailed: (error: unknown) => void;
}

/** The parts of a member, joined: what one of them learns, the others that need it are told, in this order. */
export class JoinedParts<Result> {
  readonly applier: Applier<Result>;
  readonly engine: Engine;
  readonly handover: Handover;
  readonly leadership: Leadership;
  readonly memberChanges: MemberChanges;
  readonly peers: PeerWatch;
  readonly proposals: Proposals<Result>;
  readonly reads: Reads;
  readonly requests: Requests;
  readonly serving: Serving;
  readonly snapshots: Snapshots | null;
  readonly watch: Watch;
  readonly #auto: AutoTimings | null;
  readonly #owner: PartsOwner;
  readonly #parts: HostParts<Result>;
  #timings: Timings;

  constructor(parts: HostParts<Result>, owner: PartsOwner) {
    this.#parts = parts;
    this.#owner = owner;
    const { options, core, clusterId, transport, defer, restoredIndex } = parts;
    const { stateMachine, clock, log, store, limits } = options;
    this.#timings = parts.timings;
    const timings = (): Timings => this.#timings;
    const patienceMs = (): number => 2 * this.#timings.electionTimeoutMaxMs;
    const feed: Engine['feed'] = (input, settle) => this.engine.feed(input, settle);
    const { onFailed } = owner;
    this.watch = new Watch({
      ...{ self: options.self.nodeId, membership: core.status().membership, log, clock, onFailed },
      status: owner.status,
      peers: () => transport.peers(),
    });
    this.applier = new Applier({
      ...{ stateMachine, clock, defer, restoredIndex },
      hooks: this.#applierHooks(onFailed),
    });
    this.engine = new Engine({
      ...{ core, store, transport, timings, clock, defer, log, stats: this.watch.stats },
      hooks: this.#engineHooks(clusterId, onFailed),
    });
    this.proposals = new Proposals({
      ...{ defer, limits, feed },
      isWriting: () => this.engine.isWriting,
      committedIndex: () => this.applier.committedIndex,
    });
    this.memberChanges = new MemberChanges(core, feed);
    this.requests = new Requests(clock, transport);
    this.peers = new PeerWatch({
      ...{ transport, log, clock, feed },
      emit: (event) => this.watch.observers.emit(event),
      onLost: (id, reason) => {
        this.requests.peerLost(id, reason);
        this.snapshots?.peerDown(id);
      },
    });
    this.serving = new Serving({ transport, log, sessionOf: (id) => this.peers.sessionOf(id) });
    this.handover = new Handover({ self: options.self.nodeId, clock, patienceMs, feed });
    this.reads = new Reads({
      ...{ core, timeoutMs: patienceMs, feed, hasLease: options.lease != null },
      request: owner.request,
      appliedIndex: () => this.applier.readableIndex,
    });
    this.snapshots = openSnapshots(parts, this.applier, feed, (event) => this.watch.observers.emit(event), onFailed);
    this.serving.handle(readIndexMethod, (asked) => this.reads.serve(asked));
    const onChange = (changed: Timings, roundTripMs: number): void => this.#retime(changed, roundTripMs);
    this.#auto = options.timings === 'auto' ? new AutoTimings({ transport, clock, onChange }) : null;
    this.leadership = new Leadership({
      onGained: (term) => this.watch.observers.emit({ kind: 'leadershipGained', term }),
      onLost: (term, announced, reason) => {
        this.proposals.leadershipLost(this.applier.committedIndex, reason);
        this.memberChanges.leadershipLost(this.applier.committedIndex, reason);
        this.snapshots?.leadershipLost();
        if (announced) this.watch.observers.emit({ kind: 'leadershipLost', term, reason });
      },
    });
  }

  get timings(): Timings {
    return this.#timings;
  }

  start(): void {
    const { core, options, transport } = this.#parts;
    const added = new AddedPeers(options.self.nodeId, transport, core.status().membership, options.contacts);
    this.watch.observers.subscribe((event) => added.observe(event));
    this.watch.started();
    this.engine.start();
    this.snapshots?.start();
    this.#auto?.start();
  }

  /** Nobody is left waiting, and nothing is sent, applied or counted from here on. */
  stop(reason: string): void {
    this.#auto?.stop();
    this.engine.stop();
    this.applier.stop();
    this.proposals.stop();
    this.requests.stop();
    this.handover.stop();
    this.memberChanges.stop();
    this.reads.stop();
    this.snapshots?.stop();
    this.leadership.end(reason);
    this.watch.observers.emit({ kind: 'stopped', reason });
  }

  onFrame(from: PeerIdentity, frame: PeerFrame): void {
    switch (frame.kind) {
      case 'raft':
        this.watch.stats.message('received');
        if (frame.message.from === from.nodeId && frame.message.to === this.#parts.options.self.nodeId) {
          this.engine.feed({ kind: 'message', message: frame.message, fromIncarnation: from.incarnation });
        } else {
          const reason = `"${from.nodeId}" sent a message from "${frame.message.from}" to "${frame.message.to}"`;
          this.peers.report({ address: from.nodeId, reason });
        }
        return;
      case 'snapshotChunk':
      case 'snapshotAck':
        if (this.snapshots !== null) return this.snapshots.onFrame(from.nodeId, frame);
        return refuseSnapshot(this.#parts.transport, from.nodeId, frame);
      case 'request':
        return this.serving.onRequest(from, frame);
      case 'response':
      case 'failure':
        return this.requests.onAnswer(from.nodeId, frame);
    }
  }

  #applierHooks(onFailed: (error: unknown) => void): ApplierHooks<Result> {
    return {
      onEntry: (entry, result) => this.#onEntry(entry, result),
      onSlice: (index) => {
        this.reads.onApplied(index);
        this.snapshots?.onSlice();
        this.watch.applied(index);
      },
      onFailed,
    };
  }

  #engineHooks(clusterId: ClaimedClusterId, onFailed: (error: unknown) => void): EngineHooks {
    return {
      onAppended: (entries) => this.watch.appended(entries),
      onStalled: (isStalled) => this.watch.health.diskStalled(isStalled),
      onCommitted: (entries) => {
        this.watch.committed(entries);
        clusterId.onCommitted(entries);
        this.applier.add(entries);
      },
      onEvent: (event) => this.#onRaftEvent(event),
      onSendSnapshots: (to) => this.snapshots?.send(to),
      onRead: (outcome) => this.reads.onOutcome(outcome),
      onChange: (outcome) => this.memberChanges.onOutcome(outcome),
      onIdle: () => {
        this.applier.run();
        this.proposals.release();
      },
      onFailed,
    };
  }

  #retime(timings: Timings, roundTripMs: number): void {
    this.#timings = timings;
    this.#parts.options.log.info(
      { ...timings, roundTripMs },
      `timings for a round trip of ${roundTripMs.toFixed(1)} ms`,
    );
    this.engine.feed({ kind: 'timings', timings });
    this.watch.observers.emit({ kind: 'timingsChanged', timings, roundTripMs });
  }

  #onEntry(entry: Entry, result: { readonly value: Result } | null): void {
    this.proposals.applied(entry, result);
    this.memberChanges.applied(entry);
    this.snapshots?.onApplied(entry);
    this.leadership.onApplied(entry.term);
  }

  #onRaftEvent(event: RaftEvent): void {
    this.watch.told(event);
    this.handover.onEvent(event);
    if (event.kind === 'roleChanged') this.leadership.onRole(event.role, event.term, event.reason);
    if (event.kind === 'snapshotInstalled' && !event.isStale) {
      this.#parts.clusterId.onInstalled();
      this.applier.skipTo(event.index);
    }
    if (event.kind === 'peerRefused') this.peers.refuse(event.id, event.reason);
    this.watch.happened(event);
    if (event.kind === 'removed') this.#owner.onFailed(removed(event.index));
  }
}
