import type { Clock } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';
import type { RaftInput } from '../raft/core.ts';
import type { NodeId } from '../raft/types.ts';
import type { PeerIdentity, PeerProblem, Transport } from '../transport/transport.ts';
import type { ConsensusEvent } from './events.ts';
import { RefusalLog } from './refusal-log.ts';

/** How many problems are kept: an operator looks at the newest, and a cluster of nine with every peer wrong fits twice. */
export const maxProblems = 20;

/**
 * A problem that was not met for this long is over. Who is refused tries again after 2 s (REFUSED_DELAY_MS), and an attempt takes
 * 3 s at most, so this is three attempts of the slowest.
 */
export const problemLastsMs = 15_000;

interface Seen {
  readonly reason: string;
  readonly seenMs: number;
}

export interface PeerWatchOptions {
  readonly transport: Transport;
  readonly log: Log;
  readonly clock: Clock;
  readonly feed: (input: RaftInput) => void;
  readonly emit: (event: ConsensusEvent) => void;
  /** Whoever waits for an answer of this peer must stop waiting. */
  readonly onLost: (id: NodeId, reason: string) => void;
}

/** Who is connected, and what is wrong with those who should be. Connections are logged by the transport. */
export class PeerWatch {
  readonly #options: PeerWatchOptions;
  readonly #connected = new Map<NodeId, PeerIdentity>();
  readonly #refusals: RefusalLog;
  /** By address, seen last is last. */
  readonly #problems = new Map<string, Seen>();
  /** How often any was seen. */
  #sightings = 0;

  constructor(options: PeerWatchOptions) {
    this.#options = options;
    this.#refusals = new RefusalLog(options.log, options.clock);
  }

  /** What is wrong now, one for each place, seen last is last: what was met lately, and what open streams have noticed. */
  get problems(): readonly PeerProblem[] {
    const nowMs = this.#options.clock.nowMs();
    const met = [...this.#problems].filter(([, { seenMs }]) => nowMs - seenMs < problemLastsMs);
    const noticed = this.#options.transport.peers().flatMap(({ address, state, problem }) => {
      const isLasting = state === 'connected' && problem !== null && met.every(([place]) => place !== address);
      return isLasting ? [{ address, reason: problem }] : [];
    });
    return [...noticed, ...met.map(([address, { reason }]) => ({ address, reason }))];
  }

  /** The session of the process that is connected under this id now; null when none is. */
  sessionOf(id: NodeId): string | null {
    return this.#connected.get(id)?.session ?? null;
  }

  up(peer: PeerIdentity): void {
    const { nodeId, incarnation, session, clusterId, electionPriority } = peer;
    const earlier = this.#connected.get(nodeId);
    if (earlier !== undefined && earlier.session !== session) this.down(earlier, 'replaced by a new process');
    this.#connected.set(nodeId, peer);
    this.#options.emit({ kind: 'peerUp', peer });
    this.#options.feed({ kind: 'peerUp', peer: { id: nodeId, incarnation }, clusterId, priority: electionPriority });
    // Still connected: the core has nothing against it, so what was wrong with it is repaired.
    if (this.sessionOf(nodeId) === session) this.#forgetProblemsOf(nodeId);
  }

  down(peer: PeerIdentity, reason: string): void {
    // Late news of a process that was replaced already.
    if (this.sessionOf(peer.nodeId) !== peer.session) return;
    this.#connected.delete(peer.nodeId);
    this.#options.onLost(peer.nodeId, reason);
    this.#options.emit({ kind: 'peerDown', peer, reason });
    this.#options.feed({ kind: 'peerDown', id: peer.nodeId });
  }

  /** Not while another process of that name is connected: then it is nobody's news any more. */
  ended(peer: PeerIdentity): void {
    if (this.sessionOf(peer.nodeId) === null) this.#options.feed({ kind: 'peerEnded', id: peer.nodeId });
  }

  /** The core found that this peer may not take part. */
  refuse(id: NodeId, reason: string): void {
    this.#refusals.refused(id, reason);
    const address = this.#addressOf(id);
    const before = this.#sightings;
    this.#options.transport.refuse(id, reason);
    // A transport may have reported the refusal as a mismatch by now, in its own words.
    if (this.#sightings !== before) return;
    // A refused peer tries again every few seconds, until somebody acts.
    if (this.#problems.get(address)?.reason === reason) this.seen({ address, reason });
    else this.report({ address, reason });
  }

  /** A problem this node found itself. */
  report(problem: PeerProblem): void {
    const { address, reason } = problem;
    this.#options.log.error({ address, reason }, `problem with the peer at ${address}: ${reason}`);
    this.note(problem);
  }

  /** A problem the transport found, and has logged. */
  note(problem: PeerProblem): void {
    this.seen(problem);
    this.#options.emit({ kind: 'problem', problem });
  }

  /** One that was found before is met again. The newest takes the place of what else was wrong at its address. */
  seen({ address, reason }: PeerProblem): void {
    this.#sightings += 1;
    this.#problems.delete(address);
    this.#problems.set(address, { reason, seenMs: this.#options.clock.nowMs() });
    const [oldest] = this.#problems.keys();
    if (this.#problems.size > maxProblems && oldest !== undefined) this.#problems.delete(oldest);
  }

  #addressOf(id: NodeId): string {
    const status = this.#options.transport.peers().find(({ identity }) => identity?.nodeId === id);
    return status?.address ?? id;
  }

  #forgetProblemsOf(id: NodeId): void {
    this.#problems.delete(this.#addressOf(id));
  }
}
