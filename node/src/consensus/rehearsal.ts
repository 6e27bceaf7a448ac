import type { Effects, RaftCore, RaftInput } from '../raft/core.ts';
import { encodeMembership } from '../raft/membership.ts';
import type { Message } from '../raft/messages.ts';
import { createRaft } from '../raft/raft.ts';
import type { Member, NodeId } from '../raft/types.ts';
import { timingProfiles } from '../raft/types.ts';
import { decodeFrame, encodeFrame } from '../transport/codec.ts';
import { defaultRaftLimits } from './options.ts';

const members: readonly Member[] = ['a', 'b', 'c'].map((id) => ({ id, incarnation: id }));
const clusterId = 'rehearsal';
/** Each brings two elections; later ones cost what they cost in earnest. */
const rounds = 10;
const commands = [new Uint8Array(256), new Uint8Array(256)];

/**
 * Takes three members that exist only here, without disk, network or clock, through what happens when a leader goes: a hand-over, the
 * end of a process, votes, the first entries of the next leader, and forgets them. Their messages go through the bytes of the wire. Code
 * that runs for the first time is read, compiled and interpreted then, milliseconds at each step between the end of a leader and the next
 * write; here it costs a start instead (docs/performance.md). Returns the elections that were won.
 */
export function rehearseElections(): number {
  const cast = new Cast();
  cast.elect();
  for (let round = 0; round < rounds; round++) {
    cast.write();
    cast.toLeader({ kind: 'transfer', to: null });
    cast.write();
    cast.endLeader();
  }
  return cast.elections;
}

class Cast {
  readonly #cores: ReadonlyMap<NodeId, RaftCore>;
  readonly #post: Message[] = [];
  #nowMs = 0;
  #readId = 0;
  elections = 0;

  constructor() {
    this.#cores = new Map(members.map((member) => [member.id, createCore(member)]));
    for (const { id } of members) this.#step(id, { kind: 'tick' });
    for (const { id } of members) this.#meet(id);
  }

  /** Lets time pass, from one deadline to the next, until somebody leads. */
  elect(): void {
    for (let step = 0; step < 1_000 && this.#leader() === null; step++) {
      const [id, core] = [...this.#cores].reduce((first, next) =>
        next[1].deadlineMs() < first[1].deadlineMs() ? next : first,
      );
      this.#nowMs = Math.max(this.#nowMs, core.deadlineMs());
      this.#step(id, { kind: 'tick' });
      this.#deliver();
    }
  }

  write(): void {
    this.toLeader({ kind: 'propose', data: commands });
    this.toLeader({ kind: 'read', readId: ++this.#readId });
    // The heartbeat that tells the others of the commit.
    this.#nowMs += timingProfiles.lan.heartbeatMs;
    this.toLeader({ kind: 'tick' });
  }

  toLeader(input: RaftInput): void {
    const leader = this.#leader();
    if (leader === null) return;
    this.#step(leader, input);
    this.#deliver();
  }

  /** The process of the leader ends, the others notice at once, elect another, and the first one is back. */
  endLeader(): void {
    const leader = this.#leader();
    if (leader === null) return;
    this.#step(leader, { kind: 'resign' });
    this.#post.length = 0;
    for (const { id } of members) if (id !== leader) this.#step(id, { kind: 'peerDown', id: leader });
    for (const { id } of members) if (id !== leader) this.#step(id, { kind: 'peerEnded', id: leader });
    this.elect();
    for (const { id } of members) this.#meet(id);
    this.#deliver();
  }

  #leader(): NodeId | null {
    return members.find(({ id }) => this.#cores.get(id)!.status().role === 'leader')?.id ?? null;
  }

  #meet(id: NodeId): void {
    for (const peer of members) if (peer.id !== id) this.#step(id, { kind: 'peerUp', peer, clusterId });
  }

  #step(id: NodeId, input: RaftInput): void {
    const core = this.#cores.get(id)!;
    const effects = core.step(input, this.#nowMs);
    this.#elections(effects);
    this.#post.push(...effects.sendNow, ...effects.sendAfterPersist);
    if (effects.persist !== null) this.#step(id, { kind: 'persisted', ticket: effects.persist.ticket });
  }

  #elections({ events }: Effects): void {
    this.elections += events.filter(({ kind }) => kind === 'electionWon').length;
  }

  #deliver(): void {
    for (let message = this.#post.shift(); message !== undefined; message = this.#post.shift()) {
      const frame = decodeFrame(encodeFrame({ kind: 'raft', message }), message);
      if (frame.kind !== 'raft') continue;
      this.#step(message.to, { kind: 'message', message: frame.message, fromIncarnation: message.from });
    }
  }
}

function createCore(self: Member): RaftCore {
  const membership = { clusterId, voters: members, unmet: 0, learners: [], outgoing: null, addresses: {} };
  return createRaft({
    ...{ self, listedSize: members.length, proposedClusterId: clusterId, timings: timingProfiles.lan },
    ...{ removeDeadAfterMs: Infinity, random: () => 0.5, snapshot: null, limits: defaultRaftLimits },
    ...{ hardState: { term: 1, votedFor: null, foundedElsewhere: true }, base: { index: 0, term: 0 } },
    entries: [{ index: 1, term: 1, kind: 'membership', data: encodeMembership(membership) }],
  });
}
