import type { Effects, RaftInput, RaftStatus } from '../../node/src/raft/core.ts';
import type { Message } from '../../node/src/raft/messages.ts';
import { encodeMembership, isBoundVoter } from '../../node/src/raft/membership.ts';
import { majority } from '../../node/src/raft/quorum.ts';
import type { Entry, Incarnation, Member, Membership, NodeId } from '../../node/src/raft/types.ts';
import type { DurableState } from './disk.ts';
import { MembershipChecks } from './membership-checks.ts';
import { canDecide, hasMajority, membershipOf } from './memberships.ts';
import type { NodeObserver, SimulatedNode } from './node.ts';
import type { SimulatedSnapshot } from './snapshots.ts';

export class SafetyViolation extends Error {
  constructor(invariantName: string, what: string) {
    super(`${invariantName}: ${what}`);
    this.name = 'SafetyViolation';
  }
}

/** The invariants of raft.md 2.3, checked after each step and at each message that leaves a node. */
export class SafetyChecks implements NodeObserver {
  readonly #nodes: readonly SimulatedNode[];
  readonly #founders: readonly SimulatedNode[];
  readonly memberships: MembershipChecks;
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
  compactions = 0;
  /** Snapshots that moved a node forward. */
  installs = 0;
  /** Of these, the ones that nobody else was asked for. */
  leased = 0;

  constructor(nodes: readonly SimulatedNode[], listedSize: number) {
    this.#nodes = nodes;
    this.#founders = nodes.slice(0, listedSize);
    this.memberships = new MembershipChecks(listedSize, require);
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
    if (effects.committed.length > 0) this.#checkCommitted(node, before, after, effects.committed);
    for (const event of effects.events) {
      if (event.kind === 'compacted') this.compactions += 1;
      if (event.kind === 'snapshotInstalled' && !event.isStale) this.installs += 1;
    }
    for (const event of effects.events) {
      if (event.kind === 'removed') this.memberships.removed(node, event.index);
    }
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
      const previousTerm = node.mirror.termAt(entry.index - 1)!;
      const known = this.#written.get(name(entry));
      if (known === undefined) this.#written.set(name(entry), { entry, previousTerm });
      else {
        const same = known.previousTerm === previousTerm && isEqual(known.entry, entry);
        require(same, 'log matching', `${node.id} writes another ${name(entry)}`);
      }
    }
  }

  #checkCommitted(node: SimulatedNode, before: RaftStatus, status: RaftStatus, entries: readonly Entry[]): void {
    require(entries[0]!.index === node.handedOut + 1, 'once and in order', `${node.id} at ${name(entries[0]!)}`);
    require(node.handedOut <= node.committed.length, 'nothing is skipped', `${node.id} at ${name(entries[0]!)}`);
    for (const entry of entries) {
      const known = this.#committed[entry.index - 1];
      if (known !== undefined) {
        const same = isEqual(known.entry, entry);
        require(same, 'state machine safety', `${node.id} commits ${name(entry)}, not ${name(known.entry)}`);
        continue;
      }
      require(this.#committed.length === entry.index - 1, 'once and in order', `${name(entry)} leaves a gap`);
      this.#committed.push({ entry, inTerm: status.term });
      this.memberships.committed(entry);
      this.#checkDurable(entry, before.membership ?? membershipOf(node.mirror));
    }
    this.#checkElectable(entries.at(-1)!);
  }

  /** On a majority of those who count where it was committed; before a membership is known, of the list. */
  #checkDurable(entry: Entry, membership: Membership | null): void {
    const holds = ({ id, incarnation }: Member): boolean =>
      this.#nodes.some((node) => node.id === id && diskOf(node, incarnation)?.holds(entry) === true);
    const holders = this.#nodes.filter((node) => holds(node));
    const enough =
      membership === null ? holders.length >= majority(this.#founders.length) : hasMajority(membership, holds);
    require(enough, 'committed is durable', `${name(entry)} is on the disks of ${holders.map(({ id }) => id).join() || 'nobody'}`);
  }

  /** Nobody without a committed entry could win an election if all crashed now (MoreUpToDateCorrect of etcdraft.tla). */
  #checkElectable(entry: Entry): void {
    for (const { id, incarnation, disk } of this.#nodes) {
      const candidate = disk.durable;
      if (candidate.holds(entry)) continue;
      const voters = this.#nodes.filter((voter) => isUpToDate(candidate, voter.disk.durable));
      const membership = membershipOf(candidate);
      const wins =
        membership === null
          ? !disk.durable.hardState.foundedElsewhere &&
            voters.filter((voter) => this.#mayFound(voter)).length >= majority(this.#founders.length)
          : isBoundVoter(membership, { id, incarnation }) && canDecide(membership, voters);
      require(!wins, 'leader completeness', `${id} could be elected without committed ${name(entry)}`);
    }
  }

  /** A lost disk is known to those who have the founding. */
  #mayFound(node: SimulatedNode): boolean {
    const { foundedElsewhere } = node.disk.durable.hardState;
    return this.#founders.includes(node) && !foundedElsewhere && node.wipedDisks.length === 0;
  }

  /** A promise that leaves is covered by the disk it leaves from: a crash at this very moment could not break it. */
  sending(node: SimulatedNode, message: Message): void {
    const { hardState, last } = node.disk.durable;
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
      const covered = hardState.term > message.term || (hardState.term === message.term && last.index >= message.index);
      require(covered, 'promise is durable', `${node.id} acknowledges ${message.index} with ${last.index} on disk`);
    }
  }

  /** raft.md S8: what the log has let go is in a snapshot that a crash would leave. */
  synced(node: SimulatedNode): void {
    const { base, snapshot } = node.disk.durable;
    const covered = base.index <= (snapshot?.metadata.index ?? 0);
    require(covered, 'what is compacted is durable', `${node.id} has no snapshot of what is before entry ${base.index}`);
  }

  /** A snapshot is what its metadata says: everything that was committed up to there, and the membership of that place. */
  snapshotSent(node: SimulatedNode, { metadata, entries }: SimulatedSnapshot): void {
    require(entries.length === metadata.index, 'snapshots are whole', `${node.id} sends ${entries.length} entries`);
    for (const [at, entry] of entries.entries()) {
      const isSame = this.#committed[at] !== undefined && isEqual(entry, this.#committed[at].entry);
      require(isSame, 'snapshots are committed', `${node.id} sends ${name(entry)}`);
    }
    const found = entries.findLast(({ kind }) => kind === 'membership');
    const isTrue =
      found?.index === metadata.membershipIndex &&
      Buffer.compare(encodeMembership(metadata.membership), found.data) === 0;
    require(isTrue, 'snapshots know who counts', `${node.id} says entry ${metadata.membershipIndex}`);
  }

  #recordVote(node: SimulatedNode, term: number, candidate: NodeId): void {
    const key = `${node.incarnation}/${term}`;
    const other = this.#votes.get(key) ?? candidate;
    require(other === candidate, 'one vote per term', `${node.id} votes for ${other} and ${candidate} in term ${term}`);
    this.#votes.set(key, candidate);
  }
}

/** What the disk of this incarnation held last, lost or not: its acknowledgements count. */
function diskOf(node: SimulatedNode, incarnation: Incarnation): DurableState | undefined {
  if (node.incarnation === incarnation) return node.disk.durable;
  return node.wipedDisks.find((wiped) => wiped.incarnation === incarnation)?.state;
}

function isUpToDate(candidate: DurableState, voter: DurableState): boolean {
  const [own, other] = [candidate.last, voter.last];
  return own.term === other.term ? own.index >= other.index : own.term > other.term;
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
