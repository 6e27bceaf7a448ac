import type { Effects, RaftInput, RaftStatus } from '../../node/src/raft/core.ts';
import type { Message } from '../../node/src/raft/messages.ts';
import { majority } from '../../node/src/raft/quorum.ts';
import type { Entry, NodeId } from '../../node/src/raft/types.ts';
import type { DurableState } from './disk.ts';
import type { NodeObserver, SimulatedNode } from './node.ts';

export class SafetyViolation extends Error {
  constructor(invariantName: string, what: string) {
    super(`${invariantName}: ${what}`);
    this.name = 'SafetyViolation';
  }
}

/** The invariants of raft.md 2.3, checked after each step and at each message that leaves a node. */
export class SafetyChecks implements NodeObserver {
  readonly #nodes: readonly SimulatedNode[];
  readonly #leaders = new Map<number, NodeId>();
  readonly #votes = new Map<string, NodeId>();
  /** Every entry ever appended, by index and term, with the term before it: equality here is log matching by induction. */
  readonly #written = new Map<string, { readonly entry: Entry; readonly previousTerm: number }>();
  /** What the cluster has committed, and the lowest term in which it is known to be. */
  readonly #committed: { readonly entry: Entry; readonly inTerm: number }[] = [];

  /** How much was committed when each read began that is not answered yet. */
  readonly #readsBegan = new Map<number, number>();
  /** Reads that were answered. */
  reads = 0;
  /** Of these, the ones that nobody else was asked for. */
  leased = 0;

  constructor(nodes: readonly SimulatedNode[]) {
    this.#nodes = nodes;
  }

  get committed(): readonly Entry[] {
    return this.#committed.map(({ entry }) => entry);
  }

  stepped(node: SimulatedNode, input: RaftInput, before: RaftStatus, effects: Effects): void {
    const after = node.core!.status();
    require(after.term >= before.term, 'monotonic term', `${node.id} went from ${before.term} to ${after.term}`);
    require(after.commitIndex >=
      before.commitIndex, 'monotonic commit', `${node.id} went back to ${after.commitIndex}`);
    require(after.commitIndex <= after.lastIndex, 'commit within the log', `${node.id} commits ${after.commitIndex}`);
    if (after.role === 'leader') this.#checkLeader(node, before, after, effects);
    this.#checkWritten(node, effects);
    if (effects.committed.length > 0) this.#checkCommitted(node, after, effects.committed);
    for (const outcome of effects.reads) {
      if (!outcome.accepted) continue;
      this.#checkRead(node, after, outcome.readId, outcome.index);
      if (input.kind === 'read' && input.readId === outcome.readId) this.leased += 1;
    }
  }

  readBegins(readId: number): void {
    this.#readsBegan.set(readId, this.#committed.length);
  }

  /** What was committed anywhere before a read began is seen by it: reads are linearizable. */
  #checkRead(node: SimulatedNode, status: RaftStatus, readId: number, index: number): void {
    const committedBefore = this.#readsBegan.get(readId);
    require(committedBefore !== undefined, 'each read is answered once', `${node.id} answers read ${readId} again`);
    this.#readsBegan.delete(readId);
    this.reads += 1;
    require(index >= committedBefore!, 'linearizable reads', `${node.id} would read ${index} of ${committedBefore!}`);
    require(index <= status.commitIndex, 'reads of what is committed', `${node.id} would read ${index}`);
  }

  #checkLeader(node: SimulatedNode, before: RaftStatus, after: RaftStatus, effects: Effects): void {
    const other = this.#leaders.get(after.term) ?? node.id;
    require(other === node.id, 'election safety', `${other} and ${node.id} lead term ${after.term}`);
    this.#leaders.set(after.term, node.id);
    const stays = before.role === 'leader' && before.term === after.term;
    require(!stays || effects.persist?.truncateFrom == null, 'leader append only', `${node.id} truncates its log`);
    if (stays) return;
    for (const { entry, inTerm } of this.#committed) {
      const has = inTerm >= after.term || node.mirror.holds(entry);
      require(has, 'leader completeness', `${node.id} leads term ${after.term} without committed ${name(entry)}`);
    }
  }

  #checkWritten(node: SimulatedNode, effects: Effects): void {
    for (const entry of effects.persist?.entries ?? []) {
      const previousTerm = node.mirror.entries[entry.index - 2]?.term ?? 0;
      const known = this.#written.get(name(entry));
      if (known === undefined) this.#written.set(name(entry), { entry, previousTerm });
      else {
        const same = known.previousTerm === previousTerm && isEqual(known.entry, entry);
        require(same, 'log matching', `${node.id} writes another ${name(entry)}`);
      }
    }
  }

  #checkCommitted(node: SimulatedNode, status: RaftStatus, entries: readonly Entry[]): void {
    require(entries[0]!.index === node.committed.length + 1, 'once and in order', `${node.id} at ${name(entries[0]!)}`);
    for (const entry of entries) {
      const known = this.#committed[entry.index - 1];
      if (known !== undefined) {
        const same = isEqual(known.entry, entry);
        require(same, 'state machine safety', `${node.id} commits ${name(entry)}, not ${name(known.entry)}`);
        continue;
      }
      require(this.#committed.length === entry.index - 1, 'once and in order', `${name(entry)} leaves a gap`);
      this.#committed.push({ entry, inTerm: status.term });
      const holders = this.#nodes.filter((other) => diskStates(other).some((disk) => disk.holds(entry)));
      const enough = holders.length >= majority(this.#nodes.length);
      require(enough, 'committed is durable', `${name(entry)} is on the disks of ${holders.map(({ id }) => id).join() || 'nobody'}`);
    }
    this.#checkElectable(entries.at(-1)!);
  }

  /** Nobody without a committed entry could win an election if all crashed now (MoreUpToDateCorrect of etcdraft.tla). */
  #checkElectable(entry: Entry): void {
    const disks = this.#nodes.map(({ disk }) => disk.durable);
    for (const [at, candidate] of disks.entries()) {
      if (candidate.holds(entry)) continue;
      const votes = this.#nodes.filter(
        (node, other) => node.wipedDisks.length === 0 && isUpToDate(candidate, disks[other]!),
      );
      const wins = votes.length >= majority(this.#nodes.length);
      require(!wins, 'leader completeness', `${this.#nodes[at]!.id} could be elected without committed ${name(entry)}`);
    }
  }

  /** A promise that leaves is covered by the disk it leaves from: a crash at this very moment could not break it. */
  sending(node: SimulatedNode, message: Message): void {
    const { hardState, entries } = node.disk.durable;
    if (message.kind === 'voteResponse' && message.granted && !message.preVote) {
      const { requestTerm } = message;
      const covered =
        hardState.term > requestTerm || (hardState.term === requestTerm && hardState.votedFor === message.to);
      require(covered, 'promise is durable', `${node.id} sends a vote for ${message.to} in term ${requestTerm}`);
      this.#recordVote(node, requestTerm, message.to);
    }
    if (message.kind === 'voteRequest' && !message.preVote) {
      require(hardState.term >= message.term, 'promise is durable', `${node.id} campaigns in term ${message.term}`);
      this.#recordVote(node, message.term, node.id);
    }
    if (message.kind === 'appendResponse' && message.success) {
      const covered =
        hardState.term > message.term || (hardState.term === message.term && entries.length >= message.index);
      require(covered, 'promise is durable', `${node.id} acknowledges ${message.index} with ${entries.length} on disk`);
    }
  }

  #recordVote(node: SimulatedNode, term: number, candidate: NodeId): void {
    const key = `${node.incarnation}/${term}`;
    const other = this.#votes.get(key) ?? candidate;
    require(other === candidate, 'one vote per term', `${node.id} votes for ${other} and ${candidate} in term ${term}`);
    this.#votes.set(key, candidate);
  }
}

function diskStates(node: SimulatedNode): DurableState[] {
  return [node.disk.durable, ...node.wipedDisks];
}

function isUpToDate(candidate: DurableState, voter: DurableState): boolean {
  if (candidate.lastTerm !== voter.lastTerm) return candidate.lastTerm > voter.lastTerm;
  return candidate.entries.length >= voter.entries.length;
}

function isEqual(a: Entry, b: Entry): boolean {
  return (
    a === b || (a.term === b.term && a.index === b.index && a.kind === b.kind && Buffer.compare(a.data, b.data) === 0)
  );
}

function name(entry: Entry): string {
  return `entry ${entry.index} of term ${entry.term}`;
}

function require(holds: boolean, invariantName: string, what: string): void {
  if (!holds) throw new SafetyViolation(invariantName, what);
}
