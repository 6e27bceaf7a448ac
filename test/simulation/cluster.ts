import { createHash } from 'node:crypto';
import type { Effects, LeaseOptions, RaftInput, RaftStatus } from '../../node/src/raft/core.ts';
import { carriesPromise } from '../../node/src/raft/effects.ts';
import type { Message } from '../../node/src/raft/messages.ts';
import { timingProfiles } from '../../node/src/raft/types.ts';
import { SafetyChecks } from './checks.ts';
import type { FaultPlan } from './faults.ts';
import { SimulatedNetwork } from './network.ts';
import type { CreateCore, NodeObserver, NodeWorld } from './node.ts';
import { SimulatedNode } from './node.ts';
import { Random } from './random.ts';
import { Scheduler } from './scheduler.ts';

/** Lines of the trace that a failure shows. */
const SHOWN_TRACE_LINES = 60;

/** A whole cluster in one process under one seed. */
export class SimulatedCluster {
  readonly scheduler = new Scheduler();
  readonly network: SimulatedNetwork;
  readonly nodes: SimulatedNode[];
  readonly checks: SafetyChecks;
  readonly plan: FaultPlan;
  maxSyncMs: number;
  syncStall: number;
  onElection: (node: SimulatedNode) => void = () => undefined;
  /** Called when a vote or an acknowledgement leaves a node. */
  onPromise: (node: SimulatedNode, message: Message) => void = () => undefined;
  steps = 0;
  readonly #endRandom: Random;
  readonly #clockRandom: Random;
  readonly #linked = new Set<string>();
  /** The incarnation each node last shook hands with, by direction. */
  readonly #handshakes = new Map<string, string>();
  readonly #hash = createHash('sha256');
  readonly #recent: string[] = [];
  #proposals = 0;
  #reads = 0;

  constructor(seed: number, plan: FaultPlan, createCore: CreateCore) {
    this.plan = plan;
    this.maxSyncMs = plan.maxSyncMs;
    this.syncStall = plan.syncStall;
    const diskRandom = new Random(seed, 'disk');
    const transferRandom = new Random(seed, 'snapshot transfers');
    this.#endRandom = new Random(seed, 'end');
    this.#clockRandom = new Random(seed, 'clocks');
    this.network = new SimulatedNetwork(plan.network, new Random(seed, 'network'), this.scheduler);
    const world: NodeWorld = {
      scheduler: this.scheduler,
      observer: this.#observer(),
      createCore,
      options: {
        ...{ listedSize: plan.size, timings: timingProfiles.lan, removeDeadAfterMs: plan.removeDeadAfterMs },
        limits: { ...plan.limits, maxTrailingBytes: plan.maxTrailingBytes },
        lease: leaseOf(plan),
      },
      snapshots: {
        transmit: (from, to, snapshot) => {
          this.checks.snapshotSent(this.node(from), snapshot);
          const known = this.#handshakes.get(`${from}>${to}`);
          this.network.send({ from, to }, () => {
            const receiver = this.node(to);
            this.trace(`${to} receives a snapshot of ${snapshot.metadata.index} from ${from}`);
            if (receiver.incarnation === known) receiver.whenAwake(() => receiver.snapshots.receive(snapshot));
          });
        },
        transferMs: () => transferRandom.between(1, plan.maxTransferMs),
      },
      transmit: (message, fromIncarnation) => {
        const receiver = this.node(message.to);
        const known = this.#handshakes.get(`${message.from}>${message.to}`);
        this.network.send(message, () => {
          // A connection ends with the process it leads to; a restarted one is reached by old messages all the same, as
          // the harsher case, but a disk under another incarnation only after a handshake with that one.
          if (receiver.incarnation === known) receiver.feed({ kind: 'message', message, fromIncarnation });
        });
      },
      syncMs: () => (diskRandom.chance(this.syncStall) ? 1_000 : diskRandom.between(0.05, this.maxSyncMs)),
    };
    this.nodes = Array.from({ length: plan.size + plan.spares }, (_, at) => {
      const id = `n${at + 1}`;
      const rate = 1 + (this.#clockRandom.between(-1, 1) * plan.clockDriftPpm) / 1e6;
      const self = { id, priority: plan.priorities[at] ?? 0, clockRate: rate, isSpare: at >= plan.size };
      return new SimulatedNode(self, world, new Random(seed, `node ${id}`));
    });
    this.checks = new SafetyChecks(this.nodes, plan.size);
  }

  node(id: string): SimulatedNode {
    return this.nodes.find((node) => node.id === id)!;
  }

  get leader(): SimulatedNode | undefined {
    const leaders = this.nodes.filter((node) => node.core?.status().role === 'leader');
    return leaders.sort((a, b) => b.core!.status().term - a.core!.status().term)[0];
  }

  /** The connections: both ends learn of a new one at once, and of a lost one when this looks again. */
  refreshLinks(): void {
    for (const [at, a] of this.nodes.entries()) {
      for (const b of this.nodes.slice(at + 1)) this.#refreshLink(a, b);
    }
  }

  #refreshLink(a: SimulatedNode, b: SimulatedNode): void {
    const key = `${a.id}-${b.id}`;
    const isOpen = a.isUp && b.isUp && this.#isReachable(a, b);
    if (isOpen === this.#linked.has(key)) return;
    // A process that stands still takes no part in a handshake.
    if (isOpen && [a, b].some(({ pausedUntilMs }) => this.scheduler.nowMs < pausedUntilMs)) return;
    // What came to a process in its pause comes first: what it sends then is not for whom it shakes hands with now.
    if (isOpen) for (const end of [a, b]) end.whenAwake(() => undefined);
    if (isOpen) this.#linked.add(key);
    else this.#linked.delete(key);
    for (const [end, peer] of [
      [a, b],
      [b, a],
    ] as const) {
      const { id, incarnation, clusterId, priority } = peer;
      if (isOpen) this.#handshakes.set(`${end.id}>${id}`, incarnation);
      end.feed(isOpen ? { kind: 'peerUp', peer: { id, incarnation }, clusterId, priority } : { kind: 'peerDown', id });
    }
  }

  /** The doors know the list, and who was added once the founding is through; nobody else. */
  #isReachable(a: SimulatedNode, b: SimulatedNode): boolean {
    if (this.network.isCut(a.id, b.id) || this.network.isCut(b.id, a.id)) return false;
    const knowsAll = (node: SimulatedNode): boolean => node.isSpare || node.core?.status().membership?.unmet === 0;
    return (!a.isSpare && !b.isSpare) || (knowsAll(a) && knowsAll(b));
  }

  /** Whoever is refused at the handshake tries again. */
  #refused(by: SimulatedNode, id: string): void {
    const [a, b] = [by, this.node(id)].sort((one, other) => this.nodes.indexOf(one) - this.nodes.indexOf(other));
    if (this.plan.spares === 0 || !this.#linked.delete(`${a!.id}-${b!.id}`)) return;
    a!.feed({ kind: 'peerDown', id: b!.id });
    b!.feed({ kind: 'peerDown', id: a!.id });
  }

  crash(node: SimulatedNode): void {
    this.trace(`${node.id} crashes`);
    node.crash();
    for (const key of this.#linked) {
      if (!key.split('-').includes(node.id)) continue;
      this.#linked.delete(key);
      const other = this.node(key.split('-').find((id) => id !== node.id)!);
      other.feed({ kind: 'peerDown', id: node.id });
      if (this.plan.maxEndNewsMs === Infinity) continue;
      this.scheduler.in(this.#endRandom.between(0.1, this.plan.maxEndNewsMs), () => {
        if (!node.isUp) other.feed({ kind: 'peerEnded', id: node.id });
      });
    }
  }

  /** The connection of two living nodes breaks, and one of them takes the other for ended until it is open again. */
  reportFalseEnd(witness: SimulatedNode, living: SimulatedNode): void {
    const key = [witness, living]
      .sort((a, b) => this.nodes.indexOf(a) - this.nodes.indexOf(b))
      .map(({ id }) => id)
      .join('-');
    if (!this.#linked.delete(key)) return;
    this.trace(`${witness.id} takes ${living.id} for ended`);
    living.feed({ kind: 'peerDown', id: witness.id });
    witness.feed({ kind: 'peerDown', id: living.id });
    witness.feed({ kind: 'peerEnded', id: living.id });
  }

  /** Proposes `count` commands at `node`; returns whether it took them. */
  propose(node: SimulatedNode, count = 1): boolean {
    const data = Array.from({ length: count }, () => {
      this.#proposals += 1;
      return new TextEncoder().encode(`command ${this.#proposals}`);
    });
    return node.step({ kind: 'propose', data })?.proposal?.accepted ?? false;
  }

  /** The answer, whenever it comes, is judged by the checks: it must see all that is committed now. */
  read(node: SimulatedNode, byLease = false): void {
    if (!node.isUp) return;
    this.#reads += 1;
    this.checks.readBegins(this.#reads);
    node.feed({ kind: 'read', readId: this.#reads, byLease });
  }

  trace(line: string): void {
    const stamped = `${this.scheduler.nowMs.toFixed(4)} ${line}`;
    this.#hash.update(stamped);
    this.#recent.push(stamped);
    if (this.#recent.length > 2 * SHOWN_TRACE_LINES) this.#recent.splice(0, SHOWN_TRACE_LINES);
  }

  recentTrace(): readonly string[] {
    return this.#recent.slice(-SHOWN_TRACE_LINES);
  }

  /** Equal for two runs of a seed: nothing in the cluster depends on anything but the seed. */
  traceHash(): string {
    return this.#hash.copy().digest('hex');
  }

  #observer(): NodeObserver {
    return {
      stepped: (node, input, before, effects) => {
        this.steps += 1;
        this.trace(describe(node, input, effects));
        this.checks.stepped(node, input, before, effects);
        if (effects.events.some(({ kind }) => kind === 'electionWon')) this.onElection(node);
        for (const event of effects.events) {
          if (event.kind === 'peerRefused') this.scheduler.in(0, () => this.#refused(node, event.id));
        }
      },
      sending: (node, message) => {
        this.checks.sending(node, message);
        if (carriesPromise(message)) this.onPromise(node, message);
      },
      synced: (node) => this.checks.synced(node),
    };
  }
}

function leaseOf({ leaseDriftPpm }: FaultPlan): LeaseOptions | null {
  return leaseDriftPpm === null ? null : { maxClockDriftPpm: leaseDriftPpm };
}

function describe(node: SimulatedNode, input: RaftInput, effects: Effects): string {
  const status: RaftStatus = node.core!.status();
  const { persist, sendNow, sendAfterPersist, committed } = effects;
  const written =
    persist === null
      ? ''
      : ` writes ${persist.ticket}:${persist.truncateFrom ?? ''}+${persist.entries.length}` +
        (persist.base === null ? '' : ` behind ${persist.base.index}`);
  return (
    `${node.id} ${status.role} t${status.term} ${status.commitIndex}/${status.lastIndex} <- ${describeInput(input)}` +
    `${written} sends ${sendNow.length}+${sendAfterPersist.length} commits ${committed.length}`
  );
}

function describeInput(input: RaftInput): string {
  switch (input.kind) {
    case 'message': {
      const { entries, ...rest } = { entries: [], ...input.message };
      return `${Object.values(rest).join(' ')} [${entries.length}]`;
    }
    case 'persisted':
      return `persisted ${input.ticket}`;
    case 'peerUp':
      return `peerUp ${input.peer.id}`;
    case 'peerDown':
    case 'peerEnded':
      return `${input.kind} ${input.id}`;
    case 'resign':
      return 'resign';
    case 'timings':
      return `timings ${input.timings.electionTimeoutMinMs}`;
    case 'read':
      return `read ${input.readId}${input.byLease === true ? ' by lease' : ''}`;
    case 'transfer':
      return `transfer ${input.to ?? 'to any'}`;
    case 'change':
      return `change ${input.changes.map(({ kind, id }) => `${kind} ${id}`).join()}`;
    case 'propose':
      return `propose ${input.data.length}`;
    case 'snapshotSaved':
    case 'snapshotInstalled':
      return `${input.kind} ${input.snapshot.index}@${input.snapshot.term}`;
    case 'snapshotEnded':
      return `snapshotEnded ${input.id}`;
    case 'tick':
      return 'tick';
  }
}
