import type { MemberChange } from '../../../node/src/raft/change.ts';
import type { Effects, LeaseOptions, RaftCore, RaftInput, RaftLimits } from '../../../node/src/raft/core.ts';
import { encodeMembership } from '../../../node/src/raft/membership.ts';
import type { Message } from '../../../node/src/raft/messages.ts';
import { createRaft } from '../../../node/src/raft/raft.ts';
import type { Entry, LogPosition, Member, NodeId, SnapshotMetadata } from '../../../node/src/raft/types.ts';
import { timingProfiles } from '../../../node/src/raft/types.ts';

export const timings = timingProfiles.lan;

export const roomyLimits: RaftLimits = {
  maxAppendBytes: 100_000,
  maxInflightBytes: 1_000_000,
  maxUncommittedBytes: 1_000_000,
  maxProposalBytes: 10_000,
  maxTrailingBytes: 0,
};

export function command(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

export function memberOf(id: NodeId): Member {
  return { id, incarnation: `${id}-disk` };
}

/** A log with these terms; its first entry founds a cluster of `voters`, each with the incarnation `<id>-disk`. */
export function logOf(
  terms: readonly number[],
  voters: readonly NodeId[],
  { unmet = 0, learners = [], outgoing }: Pick<RigOptions, 'unmet' | 'learners' | 'outgoing'> = {},
): Entry[] {
  const joint = outgoing === undefined ? null : { voters: outgoing.map(memberOf), unmet: 0 };
  const founding = encodeMembership({
    ...{ clusterId: 'c1', voters: voters.map(memberOf), unmet, learners, outgoing: joint },
  });
  return terms.map((term, at) =>
    at === 0
      ? { index: 1, term, kind: 'membership', data: founding }
      : { index: at + 1, term, kind: 'command', data: command(`${at + 1}@${term}`) },
  );
}

export interface RigOptions {
  readonly id?: NodeId;
  readonly voters?: readonly NodeId[];
  readonly listedSize?: number;
  readonly unmet?: number;
  readonly learners?: readonly NodeId[];
  /** Of a joint membership. */
  readonly outgoing?: readonly NodeId[];
  /** Terms of the log; empty: not founded. */
  readonly log?: readonly number[];
  readonly term?: number;
  readonly votedFor?: NodeId | null;
  readonly foundedElsewhere?: boolean;
  readonly removeDeadAfterMs?: number;
  readonly snapshot?: SnapshotMetadata | null;
  /** Entries of `log` up to it are gone. */
  readonly base?: LogPosition;
  readonly random?: () => number;
  readonly priority?: number;
  readonly lease?: LeaseOptions;
  readonly limits?: Partial<RaftLimits>;
}

type Incoming<M> = M extends Message ? Omit<M, 'to'> : never;

/** One core and a hand to feed it. Effects of the last step stay readable; nothing is persisted unless told. */
export class Rig {
  readonly core: RaftCore;
  readonly id: NodeId;
  nowMs = 1_000;
  #ticket = 0;

  constructor(options: RigOptions = {}) {
    const { id = 'n1', voters = ['n1', 'n2', 'n3'], log = [1], unmet = 0 } = options;
    this.id = id;
    const entries = logOf(log, voters, options).filter(({ index }) => index > (options.base?.index ?? 0));
    this.core = createRaft({
      self: { id, incarnation: `${id}-disk` },
      listedSize: options.listedSize ?? voters.length + unmet,
      proposedClusterId: `by-${id}`,
      timings,
      removeDeadAfterMs: options.removeDeadAfterMs ?? Infinity,
      random: options.random ?? (() => 0.5),
      priority: options.priority ?? 0,
      lease: options.lease ?? null,
      snapshot: options.snapshot ?? null,
      base: options.base ?? { index: 0, term: 0 },
      hardState: {
        term: options.term ?? entries.at(-1)?.term ?? 0,
        votedFor: options.votedFor ?? null,
        foundedElsewhere: options.foundedElsewhere ?? false,
      },
      entries,
      limits: { ...roomyLimits, ...options.limits },
    });
    this.step({ kind: 'tick' });
  }

  get status(): ReturnType<RaftCore['status']> {
    return this.core.status();
  }

  step(input: RaftInput): Effects {
    const effects = this.core.step(input, this.nowMs);
    if (effects.persist !== null) this.#ticket = effects.persist.ticket;
    return effects;
  }

  receive(message: Incoming<Message>, fromIncarnation = `${message.from}-disk`): Effects {
    return this.step({ kind: 'message', message: { ...message, to: this.id }, fromIncarnation });
  }

  meet(id: NodeId, clusterId: string | null = null, incarnation = `${id}-disk`): Effects {
    return this.step({ kind: 'peerUp', peer: { id, incarnation }, clusterId });
  }

  change(...changes: MemberChange[]): Effects {
    return this.step({ kind: 'change', changes });
  }

  propose(...texts: string[]): Effects {
    return this.step({ kind: 'propose', data: texts.map(command) });
  }

  /** All that was given to the disk is durable. */
  persist(ticket = this.#ticket): Effects {
    return this.step({ kind: 'persisted', ticket });
  }

  /** Lets time pass until the next deadline, and ticks. */
  tick(): Effects {
    this.nowMs = Math.max(this.nowMs, this.core.deadlineMs());
    return this.step({ kind: 'tick' });
  }

  /** As `tick`, until a leader's heartbeats leave: what is due before them, news of a commit, is passed. */
  beat(): Effects {
    const effects = this.tick();
    return this.status.role === 'leader' && sent(effects, 'heartbeat').length === 0 ? this.beat() : effects;
  }

  grant(from: NodeId, preVote: boolean, granted = true): Effects {
    const requestTerm = preVote ? this.status.term + 1 : this.status.term;
    return this.receive({
      kind: 'voteResponse',
      from,
      term: this.status.term,
      preVote,
      requestTerm,
      granted,
      reason: '',
    });
  }

  /** Up to the real election, its own vote durable. */
  campaign(supporters: readonly NodeId[] = ['n2']): Effects {
    this.tick();
    let effects: Effects = this.persist();
    for (const id of supporters) {
      if (this.status.role === 'preCandidate') effects = this.grant(id, true);
    }
    this.persist();
    return effects;
  }

  /** Leader with its first entry durable here, and nowhere else. */
  lead(supporters: readonly NodeId[] = ['n2']): Effects {
    this.campaign(supporters);
    let won: Effects | null = null;
    for (const id of supporters) {
      if (this.status.role === 'candidate') won = this.grant(id, false);
    }
    this.persist();
    if (won === null || this.status.role !== 'leader') throw new Error(`${this.id} was not elected`);
    return won;
  }

  acknowledge(from: NodeId, index: number): Effects {
    return this.receive({
      kind: 'appendResponse',
      from,
      term: this.status.term,
      success: true,
      index,
      hintIndex: 0,
      hintTerm: 0,
    });
  }

  refuse(from: NodeId, index: number, hintIndex: number, hintTerm: number): Effects {
    const { term } = this.status;
    return this.receive({ kind: 'appendResponse', from, term, success: false, index, hintIndex, hintTerm });
  }

  append(
    from: NodeId,
    term: number,
    prev: readonly [number, number],
    terms: readonly number[],
    commitIndex = 0,
  ): Effects {
    const [prevLogIndex, prevLogTerm] = prev;
    const entries = terms.map((of, at) => {
      const index = prevLogIndex + 1 + at;
      return { index, term: of, kind: 'command' as const, data: command(`${index}@${of}`) };
    });
    return this.receive({ kind: 'appendRequest', from, term, prevLogIndex, prevLogTerm, entries, commitIndex });
  }

  /** An append of one entry: a membership of these. */
  appendMembership(
    from: NodeId,
    term: number,
    prev: readonly [number, number],
    { clusterId, voters, learners }: { clusterId: string; voters: readonly NodeId[]; learners: readonly NodeId[] },
    commitIndex = 0,
  ): Effects {
    const [prevLogIndex, prevLogTerm] = prev;
    const data = encodeMembership({ clusterId, voters: voters.map(memberOf), unmet: 0, learners });
    const entries = [{ index: prevLogIndex + 1, term, kind: 'membership' as const, data }];
    return this.receive({ kind: 'appendRequest', from, term, prevLogIndex, prevLogTerm, entries, commitIndex });
  }

  heartbeat(from: NodeId, term: number, commitIndex = 0): Effects {
    return this.receive({ kind: 'heartbeat', from, term, commitIndex, round: 1, leaseMs: 0 });
  }

  voteRequest(
    from: NodeId,
    term: number,
    last: readonly [number, number],
    { preVote = false, transfer = false } = {},
  ): Effects {
    const [lastLogIndex, lastLogTerm] = last;
    return this.receive({ kind: 'voteRequest', from, term, preVote, lastLogIndex, lastLogTerm, transfer });
  }
}

/** The messages of one kind that a step sends, held back or not. */
export function sent<K extends Message['kind']>(effects: Effects, kind: K): Extract<Message, { kind: K }>[] {
  const all: readonly Message[] = [...effects.sendNow, ...effects.sendAfterPersist];
  return all.filter((message): message is Extract<Message, { kind: K }> => message.kind === kind);
}
