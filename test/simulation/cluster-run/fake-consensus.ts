import { foundedBy } from '../../../node/src/raft/membership.ts';
import type { CommandResult } from '../../../node/src/cluster/commands.ts';
import type {
  Consensus,
  ConsensusEvent,
  ObservedEvent,
  ConsensusStatus,
  RequestHandler,
} from '../../../node/src/consensus/consensus.ts';
import { TuttiError } from '../../../node/src/lib/errors.ts';
import { createReplicatedState, type ReplicatedState } from '../../../node/src/runtime/replicated-state.ts';
import type { ClockOffset, PeerIdentity, PeerStatus } from '../../../node/src/transport/transport.ts';
import type { FakeCluster } from './fake-cluster.ts';
import type { MachineClock } from './world.ts';
import { timingProfiles } from '../../../node/src/raft/types.ts';
import type { ConsensusStats } from '../../../node/src/consensus/stats.ts';
import { observed } from '../../support/observed.ts';

export interface LogEntry {
  readonly term: number;
  readonly data: Uint8Array;
  readonly settle: {
    resolve(value: { index: number; result: CommandResult }): void;
    reject(error: Error): void;
  } | null;
  readonly proposer: FakeConsensus | null;
}

/** One process' end of a fake cluster. */
export class FakeConsensus implements Consensus<CommandResult> {
  readonly replicated: ReplicatedState = createReplicatedState();
  readonly clock: MachineClock;
  readonly id: string;
  readonly session: string;
  isAlive = true;
  readonly #cluster: FakeCluster;
  readonly #handlers = new Map<string, RequestHandler>();
  readonly #listeners = new Set<(event: ObservedEvent) => void>();
  readonly #links = new Map<string, PeerIdentity>();
  readonly #offsets = new Map<string, ClockOffset>();
  #paused: (() => void)[] | null = null;
  #applied = 0;
  #term = 0;
  #leaderId: string | null = null;
  #leadingTerm: number | null = null;
  #pending = new Set<LogEntry>();

  constructor(cluster: FakeCluster, id: string, session: string, clock: MachineClock) {
    this.#cluster = cluster;
    this.id = id;
    this.session = session;
    this.clock = clock;
    clock.gate = (callback) => this.#whenRunning(callback);
  }

  get identity(): PeerIdentity {
    const { id: nodeId, session } = this;
    const region = nodeId < 'n2' ? 'north' : 'south';
    return {
      nodeId,
      session,
      region,
      incarnation: nodeId,
      clusterId: 'sim',
      listedSize: 0,
      apiAddress: '',
      electionPriority: 0,
      isLearner: false,
    };
  }

  /** SIGSTOP and SIGCONT: nothing happens, then everything at once. */
  pause(): void {
    this.#paused ??= [];
  }

  resume(): void {
    const waiting = this.#paused ?? [];
    this.#paused = null;
    for (const callback of waiting) this.#whenRunning(callback);
  }

  #whenRunning(callback: () => void): void {
    if (!this.isAlive) return;
    if (this.#paused !== null) this.#paused.push(callback);
    else callback();
  }

  snapshot(): Promise<never> {
    return Promise.reject(new Error('this cluster keeps its whole log'));
  }

  status(): ConsensusStatus {
    return {
      nodeId: this.id,
      incarnation: this.id,
      role: this.#leadingTerm === null ? 'follower' : 'leader',
      term: this.#term,
      leaderId: this.#leaderId,
      lastIndex: this.#cluster.log.length,
      commitIndex: this.#applied,
      appliedIndex: this.#applied,
      snapshotIndex: 0,
      membership: foundedBy({
        clusterId: 'sim',
        voters: ['n0', 'n1', 'n2', 'n3', 'n4'].map((id) => ({ id, incarnation: id })),
        unmet: 0,
      }),
      listedSize: 0,
      timings: timingProfiles.lan,
      leading: this.#leadingTerm !== null,
      problems: [],
    };
  }

  propose(data: Uint8Array): Promise<{ readonly index: number; readonly result: CommandResult }> {
    if (!this.isAlive || this.#leadingTerm === null)
      return Promise.reject(new TuttiError('NOT_LEADER', 'not the leader'));
    const { promise, resolve, reject } = Promise.withResolvers<{ index: number; result: CommandResult }>();
    const entry = { term: this.#leadingTerm, data, settle: { resolve, reject }, proposer: this };
    this.#pending.add(entry);
    this.#cluster.propose(entry, this);
    return promise;
  }

  read(): Promise<never> {
    return Promise.reject(new TuttiError('NOT_LEADER', 'nothing here reads this way'));
  }

  transferLeadership(): Promise<void> {
    return Promise.reject(new TuttiError('TRANSFER_FAILED', 'who leads here is up to the test'));
  }

  readonly changeMembers = (): Promise<void> =>
    Promise.reject(new TuttiError('CHANGE_IMPOSSIBLE', 'who belongs here is up to the test'));

  readonly addNode = this.changeMembers;
  readonly promote = this.changeMembers;
  readonly demote = this.changeMembers;
  readonly removeNode = this.changeMembers;

  request(to: string, method: string, body: Uint8Array, timeoutMs: number): Promise<Uint8Array> {
    const { world, nodes } = this.#cluster;
    return new Promise((resolve, reject) => {
      const cancel = world.after(timeoutMs, () =>
        this.#whenRunning(() => reject(new TuttiError('TIMEOUT', `${to} did not answer`))),
      );
      const delay = (run: () => void): void => void world.after(to === this.id ? 0 : world.random.between(1, 15), run);
      if (to !== this.id && !this.#links.has(to)) {
        cancel();
        reject(new TuttiError('PEER_UNREACHABLE', `${to} is not connected`));
        return;
      }
      delay(() => {
        const peer = nodes.get(to);
        if (peer === undefined || !this.#cluster.reachable(this, peer)) return;
        peer.#whenRunning(() => {
          const handler = peer.#handlers.get(method);
          if (handler === undefined) return;
          const answer = (run: () => void): void =>
            delay(() => {
              if (this.#cluster.reachable(this, peer) && this.isAlive) this.#whenRunning(run);
            });
          handler(body, this.id).then(
            (value) => answer(() => resolve(value)),
            (error: unknown) => answer(() => reject(TuttiError.from(error))),
          );
        });
      });
    });
  }

  handle(method: string, handler: RequestHandler): void {
    this.#handlers.set(method, handler);
  }

  stepDown(): Promise<void> {
    return Promise.reject(new Error('nobody steps down here'));
  }

  stats(): ConsensusStats {
    throw new Error('nothing is counted here');
  }

  subscribe(listener: (event: ObservedEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  peers(): readonly PeerStatus[] {
    return this.#cluster.listed
      .filter((id) => id !== this.id)
      .map((id) => {
        const identity = this.#links.get(id) ?? null;
        const state = identity === null ? 'connecting' : 'connected';
        return { address: `${id}:7400`, expectedId: id, identity, state, problem: null, lastHeardMs: 0 };
      });
  }

  movePeer(): void {
    throw new Error('nobody moves here');
  }

  clockOffset(to: string): ClockOffset | null {
    if (to === this.id) return { offsetMs: 0, errorMs: 0, roundTripMs: 0 };
    return this.#offsets.get(to) ?? null;
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  // What the cluster does to this node.

  met(peer: FakeConsensus): void {
    this.#whenRunning(() => {
      if (this.#links.get(peer.id)?.session === peer.session) return;
      this.#links.set(peer.id, peer.identity);
      const errorMs = this.#cluster.world.random.between(0.1, 3);
      const offMs = this.#cluster.world.random.between(-errorMs, errorMs);
      const offsetMs = peer.clock.nowMs() - this.clock.nowMs() + offMs;
      this.#offsets.set(peer.id, { offsetMs, errorMs, roundTripMs: 2 * errorMs });
      this.#emit({ kind: 'peerUp', peer: peer.identity });
    });
  }

  lost(peer: FakeConsensus): void {
    this.#whenRunning(() => {
      if (this.#cluster.reachable(this, peer) || this.#links.get(peer.id)?.session !== peer.session) return;
      this.#links.delete(peer.id);
      this.#offsets.delete(peer.id);
      this.#emit({ kind: 'peerDown', peer: peer.identity, reason: 'silent' });
    });
  }

  hearLeader(leader: FakeConsensus, term: number): void {
    this.#whenRunning(() => {
      if (term < this.#term || !this.#cluster.reachable(this, leader)) return;
      if (term > this.#term && this.#leadingTerm !== null) this.loseLeadership('a later term');
      this.#term = term;
      this.#leaderId = leader.id;
      this.#emit({ kind: 'raft', event: { kind: 'leaderChanged', leaderId: leader.id, term } });
      this.catchUp();
    });
  }

  lead(term: number): void {
    this.#whenRunning(() => {
      if (this.#cluster.leader !== this || this.#cluster.term !== term || this.#applied < this.#cluster.committed)
        return;
      this.#leadingTerm = term;
      this.#emit({ kind: 'leadershipGained', term });
    });
  }

  loseLeadership(reason: string): void {
    this.#whenRunning(() => {
      this.#leaderId = null;
      const term = this.#leadingTerm;
      if (term === null) return;
      this.#leadingTerm = null;
      for (const { settle } of this.#pending) settle?.reject(new TuttiError('OUTCOME_UNKNOWN', reason));
      this.#pending.clear();
      this.#emit({ kind: 'leadershipLost', term, reason });
    });
  }

  /** Applies what is committed, if the leader can tell us so. */
  catchUp(): void {
    this.#whenRunning(() => {
      const { leader, log } = this.#cluster;
      if (leader === null || !this.#cluster.reachable(this, leader)) return;
      while (this.#applied < this.#cluster.committed) {
        const entry = log[this.#applied]!;
        const index = ++this.#applied;
        if (entry.data.length === 0) continue;
        const result = this.replicated.stateMachine.apply(entry.data, { index, term: entry.term });
        if (entry.proposer === this && this.#pending.delete(entry)) entry.settle?.resolve({ index, result });
      }
      this.#emit({ kind: 'applied', index: this.#applied });
    });
  }

  #emit(event: ConsensusEvent): void {
    for (const listener of this.#listeners) listener(observed(event));
  }
}
