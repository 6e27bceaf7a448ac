import type { MemberChange } from '../../node/src/raft/change.ts';
import { changed } from '../../node/src/raft/change.ts';
import type { Effects, RaftCore, RaftOptions } from '../../node/src/raft/core.ts';
import { decodeMembership, encodeMembership } from '../../node/src/raft/membership.ts';
import type { Message } from '../../node/src/raft/messages.ts';
import { createRaft } from '../../node/src/raft/raft.ts';
import type { Entry, Membership } from '../../node/src/raft/types.ts';
import { DurableState } from './disk.ts';
import type { FaultPlan } from './faults.ts';
import { membershipOf } from './memberships.ts';
import type { Mutant } from './mutant.ts';

type EntryMap = (entry: Entry) => Entry;

function inMessage(message: Message, map: EntryMap): Message {
  return message.kind === 'appendRequest' ? { ...message, entries: message.entries.map(map) } : message;
}

/**
 * A core that is given other entries than those in its log, and hands out those again: what it counts by is not what it keeps.
 * What it says of its membership is what the log says.
 */
function between(options: RaftOptions, inward: EntryMap, outward: EntryMap): RaftCore {
  const log = new DurableState();
  log.entries = [...options.entries];
  const core = createRaft({ ...options, entries: options.entries.map(inward) });
  const out = (effects: Effects): Effects => {
    const persist = effects.persist && { ...effects.persist, entries: effects.persist.entries.map(outward) };
    if (persist !== null) log.apply(persist);
    return {
      ...effects,
      persist,
      sendNow: effects.sendNow.map((message) => inMessage(message, outward)),
      committed: effects.committed.map(outward),
    };
  };
  return {
    step: (input, nowMs) =>
      out(core.step(input.kind === 'message' ? { ...input, message: inMessage(input.message, inward) } : input, nowMs)),
    deadlineMs: () => core.deadlineMs(),
    status: () => ({ ...core.status(), membership: membershipOf(log) }),
    snapshotAt: (index) => core.snapshotAt(index),
  };
}

/** The memberships of others are taken for what `see` makes of them. */
function seeing(options: RaftOptions, see: (membership: Membership) => Membership): RaftCore {
  const originals = new Map<string, Entry>();
  const keyOf = ({ index, term }: Entry): string => `${index}@${term}`;
  return between(
    options,
    (entry) => {
      if (entry.kind !== 'membership') return entry;
      originals.set(keyOf(entry), entry);
      return { ...entry, data: encodeMembership(see(decodeMembership(entry.data))) };
    },
    (entry) => originals.get(keyOf(entry)) ?? entry,
  );
}

/** raft.md M4: a joint membership is decided by the voters to be alone. */
function countsOneHalf(options: RaftOptions): RaftCore {
  return seeing(options, (membership) => ({ ...membership, outgoing: null }));
}

/** A learner counts as a voter. */
function countsLearners(options: RaftOptions): RaftCore {
  return seeing(options, (membership) => ({
    ...membership,
    learners: [],
    voters: [...membership.voters, ...membership.learners.map((id) => ({ id, incarnation: `${id}#0` }))],
  }));
}

/** raft.md M8: who counts is who counted when the last of the list was bound, whatever the log says since. */
function countsTheFounders(options: RaftOptions): RaftCore {
  let founders: Membership | null = null;
  return seeing(options, (membership) => {
    if (founders === null || founders.unmet > 0) founders = membership;
    return founders;
  });
}

/** raft.md M1, M10: a change does not wait for the one before it, nor for a commit of this leader in its term. */
function changesWithoutWaiting(options: RaftOptions): RaftCore {
  const smuggled = new Set<string>();
  const keyOf = ({ index, term }: Entry): string => `${index}@${term}`;
  const core = between(
    options,
    (entry) => entry,
    (entry) => (smuggled.has(keyOf(entry)) ? { ...entry, kind: 'membership' } : entry),
  );
  const change = (changes: readonly MemberChange[], nowMs: number): Effects => {
    const effects = core.step({ kind: 'change', changes }, nowMs);
    const { lastIndex, term, membership } = core.status();
    if (effects.change?.accepted !== false || effects.change.code !== 'inProgress' || membership === null)
      return effects;
    const next = changed({ ...membership, outgoing: null }, changes.slice(0, 1), (id) => `${id}#0`);
    if (typeof next === 'string') return effects;
    const key = `${lastIndex + 1}@${term}`;
    smuggled.add(key);
    const proposed = core.step({ kind: 'propose', data: [encodeMembership(next)] }, nowMs);
    if (proposed.proposal?.accepted !== true) smuggled.delete(key);
    return proposed;
  };
  return {
    ...core,
    step: (input, nowMs) => (input.kind === 'change' ? change(input.changes, nowMs) : core.step(input, nowMs)),
  };
}

/** Members that change all the time, while leaders are cut off and die. */
const restless: Partial<FaultPlan> = {
  size: 3,
  spares: 2,
  chaosMs: 6_000,
  changeMeanMs: 60,
  clockJumpMeanMs: Infinity,
  removeDeadAfterMs: Infinity,
  network: { minDelayMs: 0.5, maxDelayMs: 12, straggle: 0, drop: 0.03, duplicate: 0 },
  maxSyncMs: 2,
  syncStall: 0,
  crashMeanMs: 500,
  crashLeader: 0.6,
  downMeanMs: 150,
  cutMeanMs: 400,
  cutForMeanMs: 300,
  proposalMeanMs: 20,
  priorities: [0, 0, 0, 0, 0],
  leaseDriftPpm: null,
  snapshotMeanMs: Infinity,
  wipe: false,
};

export const membershipMutants: readonly Mutant[] = [
  {
    name: 'counts one half of a joint membership (M4)',
    fromSeed: 26,
    withinSeeds: 10,
    foundAs: 'committed is durable',
    create: countsOneHalf,
    focus: restless,
  },
  {
    name: 'counts learners',
    fromSeed: 3,
    withinSeeds: 10,
    foundAs: 'committed is durable',
    create: countsLearners,
    focus: restless,
  },
  {
    name: 'counts the founders, whoever is a member now (M8)',
    fromSeed: 1,
    withinSeeds: 10,
    foundAs: 'committed is durable',
    create: countsTheFounders,
    focus: restless,
  },
  {
    name: 'changes members without waiting (M1, M10)',
    fromSeed: 1,
    withinSeeds: 10,
    foundAs: 'committed is durable',
    create: changesWithoutWaiting,
    focus: restless,
  },
];
