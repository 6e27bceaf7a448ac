import type { Clock } from '../../../node/src/lib/clock.ts';
import { silentLog } from '../../../node/src/lib/log.ts';
import type { Consensus, ConsensusEvent, StateMachine } from '../../../node/src/consensus/consensus.ts';
import { openConsensus } from '../../../node/src/consensus/open.ts';
import type { ConsensusOptions } from '../../../node/src/consensus/options.ts';
import { defaultRaftLimits } from '../../../node/src/consensus/options.ts';
import type { Effects, RaftCore, RaftInput, RaftStatus } from '../../../node/src/raft/core.ts';
import { foundedBy } from '../../../node/src/raft/membership.ts';
import type { AppendResponse, Heartbeat } from '../../../node/src/raft/messages.ts';
import type { Entry, PersistBatch, SnapshotMetadata } from '../../../node/src/raft/types.ts';
import { emptyHardState, timingProfiles } from '../../../node/src/raft/types.ts';
import type { LogStore, RecoveredLog } from '../../../node/src/storage/log-store.ts';
import type {
  PeerFrame,
  PeerIdentity,
  PeerStatus,
  Transport,
  TransportHandlers,
} from '../../../node/src/transport/transport.ts';
import { bare } from '../../support/observed.ts';

/** Lets promise reactions run; nothing here waits for time. */
export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Time and turns that pass only when a test says so. */
export class ManualTime {
  nowMs = 1_000;
  #timers: { atMs: number; callback: () => void }[] = [];
  #deferred: (() => void)[] = [];

  readonly clock: Clock = {
    nowMs: () => this.nowMs,
    at: (atMs, callback) => {
      const timer = { atMs, callback };
      this.#timers.push(timer);
      return () => {
        this.#timers = this.#timers.filter((other) => other !== timer);
      };
    },
  };

  readonly defer = (callback: () => void): void => void this.#deferred.push(callback);

  get timersMs(): number[] {
    return this.#timers.map(({ atMs }) => atMs).sort((a, b) => a - b);
  }

  get deferredCount(): number {
    return this.#deferred.length;
  }

  /** One turn of the event loop: what was deferred before it began. */
  runDeferred(): void {
    for (const callback of this.#deferred.splice(0)) callback();
  }

  /** Lets time pass from timer to timer, with all turns in between, until `find` finds something. */
  async until<T>(what: string, find: () => T | null | undefined | false, withinMs = 5_000): Promise<T> {
    const lastMs = this.nowMs + withinMs;
    for (;;) {
      // Disk twins and proposals settle by promises, which need turns but no time.
      for (let turns = 0; turns < 2; turns++) {
        this.runDeferred();
        await turn();
      }
      const found = find();
      if (found !== null && found !== undefined && found !== false) return found;
      const nextMs = this.timersMs[0] ?? Infinity;
      if (Math.max(nextMs, this.nowMs) > lastMs) throw new Error(`waited ${withinMs} ms of virtual time for ${what}`);
      if (this.#deferred.length === 0) this.advance(Math.max(0, nextMs - this.nowMs));
    }
  }

  /** Fires what is due, in order. */
  advance(byMs: number): void {
    this.nowMs += byMs;
    const due = this.#timers.filter(({ atMs }) => atMs <= this.nowMs).sort((a, b) => a.atMs - b.atMs);
    this.#timers = this.#timers.filter((timer) => !due.includes(timer));
    for (const { callback } of due) callback();
  }
}

export const noEffects: Effects = {
  persist: null,
  sendNow: [],
  sendAfterPersist: [],
  committed: [],
  sendSnapshots: [],
  events: [],
  reads: [],
  proposal: null,
  change: null,
};

/** A core that does what the test says, and keeps what it was fed. */
export class ScriptedCore implements RaftCore {
  readonly inputs: RaftInput[] = [];
  deadline = 1e9;
  /** Answers the next input alone. */
  next: Partial<Effects> | null = null;
  respond: (input: RaftInput) => Partial<Effects> = () => ({});
  state: RaftStatus = {
    ...{ id: 'a', role: 'follower', term: 1, votedFor: null, leaderId: null, lastIndex: 0, commitIndex: 0 },
    ...{ baseIndex: 0, snapshotIndex: 0, membership: null, committedInTerm: false, peers: [] },
  };

  step(input: RaftInput): Effects {
    this.inputs.push(input);
    const effects = this.next ?? this.respond(input);
    this.next = null;
    return { ...noEffects, ...effects };
  }

  deadlineMs(): number {
    return this.deadline;
  }

  status(): RaftStatus {
    return this.state;
  }

  snapshotAt(index: number): SnapshotMetadata {
    return {
      index,
      term: this.state.term,
      membershipIndex: 1,
      membership: foundedBy({ clusterId: 'c', voters: [], unmet: 0 }),
    };
  }

  fedKinds(): string[] {
    return this.inputs.map(({ kind }) => kind);
  }
}

/** A store whose batches become durable when the test says so. */
export class ManualStore implements LogStore {
  readonly appended: PersistBatch[] = [];
  recovered: RecoveredLog = { hardState: emptyHardState, base: { index: 0, term: 0 }, entries: [] };
  closed = false;
  readonly #pending = new Map<number, { resolve: () => void; reject: (error: Error) => void }>();

  open(): Promise<RecoveredLog> {
    return Promise.resolve(this.recovered);
  }

  append(batch: PersistBatch): Promise<void> {
    this.appended.push(batch);
    return new Promise((resolve, reject) => this.#pending.set(batch.ticket, { resolve, reject }));
  }

  finish(ticket: number): Promise<void> {
    this.#pending.get(ticket)!.resolve();
    return turn();
  }

  fail(ticket: number, error: Error): Promise<void> {
    this.#pending.get(ticket)!.reject(error);
    return turn();
  }

  close(): Promise<void> {
    this.closed = true;
    return Promise.resolve();
  }
}

/** Keeps what was sent; speaks through its handlers as the test says. */
export class RecordingTransport implements Transport {
  readonly sent: { to: string; frame: PeerFrame }[] = [];
  readonly refusals: string[] = [];
  /** Beyond the list, by id. */
  readonly added = new Map<string, string>();
  handlers!: TransportHandlers;
  statuses: PeerStatus[] = [];
  accepts = true;
  closed = false;
  onSend: (to: string, frame: PeerFrame) => void = () => undefined;

  start(handlers: TransportHandlers): Promise<void> {
    this.handlers = handlers;
    return Promise.resolve();
  }

  send(to: string, frame: PeerFrame): boolean {
    this.sent.push({ to, frame });
    this.onSend(to, frame);
    return this.accepts;
  }

  /** As the real ones: whose place it has is not given another. */
  addPeer(id: string, address: string): void {
    if (!this.added.has(id)) this.added.set(id, address);
  }

  dropPeer(id: string): void {
    this.added.delete(id);
  }

  movePeer(id: string, address: string): void {
    this.added.set(id, address);
  }

  peers(): readonly PeerStatus[] {
    return this.statuses;
  }

  clockOffset(): null {
    return null;
  }

  refuse(id: string, reason: string): void {
    this.refusals.push(`${id}: ${reason}`);
  }

  close(): Promise<void> {
    this.closed = true;
    return Promise.resolve();
  }

  /** The Raft messages that left, by kind and number. */
  messages(): string[] {
    return this.sent.flatMap(({ frame }) => {
      if (frame.kind !== 'raft') return [];
      const { message } = frame;
      if (message.kind === 'heartbeat') return [`heartbeat ${message.round}`];
      return message.kind === 'appendResponse' ? [`ack ${message.index}`] : [message.kind];
    });
  }
}

export const heartbeat = (round: number): Heartbeat => ({
  ...{ kind: 'heartbeat', from: 'a', to: 'b', term: 1, commitIndex: 0, round, leaseMs: 0 },
});

export const ack = (index: number): AppendResponse => ({
  ...{ kind: 'appendResponse', from: 'a', to: 'b', term: 1, success: true, index, hintIndex: 0, hintTerm: 0 },
});

export const batch = (ticket: number): PersistBatch => ({
  ticket,
  hardState: null,
  truncateFrom: null,
  base: null,
  entries: [],
});

export const entry = (index: number, text: string | null = null, term = 1): Entry => ({
  ...{ index, term, kind: text === null ? 'noop' : 'command', data: Buffer.from(text ?? '') },
});

export const peer = (nodeId: string, session = `${nodeId}-1`): PeerIdentity => ({
  ...{
    nodeId,
    incarnation: `disk-of-${nodeId}`,
    session,
    clusterId: null,
    listedSize: 3,
    region: 'r',
    apiAddress: '',
    electionPriority: 0,
    isLearner: false,
  },
});

/** Remembers what it applied; answers with it in capitals. */
export class Recorder implements StateMachine<string> {
  readonly applied: string[] = [];
  /** Makes its snapshots larger, in bytes. */
  padding = 0;
  snapshots = 0;
  restores = 0;
  /** Awaited within a restore. */
  gate: () => void | Promise<void> = () => undefined;

  apply(command: Uint8Array): string {
    const text = Buffer.from(command).toString();
    this.applied.push(text);
    return text.toUpperCase();
  }

  snapshot(): Uint8Array[] {
    this.snapshots += 1;
    return [Buffer.from(`${JSON.stringify(this.applied)}\n`), new Uint8Array(this.padding)];
  }

  async restore(snapshot: Uint8Array): Promise<void> {
    await this.gate();
    this.restores += 1;
    const [texts] = Buffer.from(snapshot).toString('latin1').split('\n');
    this.applied.splice(0, Infinity, ...(JSON.parse(texts!) as string[]));
  }
}

export interface Rig {
  readonly time: ManualTime;
  readonly core: ScriptedCore;
  readonly store: ManualStore;
  readonly transport: RecordingTransport;
  readonly machine: Recorder;
  readonly consensus: Consensus<string>;
  readonly events: ConsensusEvent[];
  /** What the handshake would say of this node. */
  readonly identity: () => PeerIdentity;
  /** Makes the core step, with these effects. */
  readonly step: (effects: Partial<Effects>) => void;
}

/** A host around a scripted core on node "a". */
export async function openRig(
  overrides: Partial<ConsensusOptions<string>> & { core?: ScriptedCore; store?: ManualStore } = {},
): Promise<Rig> {
  const { core = new ScriptedCore(), store = new ManualStore(), ...options } = overrides;
  const time = new ManualTime();
  const transport = new RecordingTransport();
  const machine = new Recorder();
  let identity!: () => PeerIdentity;
  const consensus = await openConsensus<string>({
    self: {
      nodeId: 'a',
      incarnation: 'disk-of-a',
      session: 'a-1',
      region: 'r',
      apiAddress: '',
      electionPriority: 0,
      isLearner: false,
    },
    ...{ listedSize: 3, store, stateMachine: machine, timings: timingProfiles.lan, limits: defaultRaftLimits },
    ...{ clock: time.clock, defer: time.defer, random: () => 0.5, log: silentLog, proposedClusterId: 'c' },
    transport: (self) => {
      identity = self;
      return transport;
    },
    createCore: () => core,
    ...options,
  });
  const events: ConsensusEvent[] = [];
  consensus.subscribe(
    (event) => events.push(bare(event)),
    ({ kind }) => !['started', 'stopped', 'appended', 'committed', 'quorum', 'health'].includes(kind),
  );
  time.runDeferred();
  const step = (effects: Partial<Effects>): void => {
    core.next = effects;
    transport.handlers.onFrame(peer('b'), { kind: 'raft', message: { ...heartbeat(0), from: 'b', to: 'a' } });
  };
  return { time, core, store, transport, machine, consensus, events, identity, step };
}

export const roleChanged = (role: RaftStatus['role'], term: number, reason = 'test') =>
  ({ kind: 'roleChanged', role, term, reason }) as const;
