import type { RaftCore, RaftOptions } from '../../node/src/raft/core.ts';
import { createRaft } from '../../node/src/raft/raft.ts';
import type { Entry } from '../../node/src/raft/types.ts';
import { DurableState } from './disk.ts';
import { wrap } from './mutant.ts';
import type { Mutant } from './mutant.ts';
import { cutOffLeaders, shortReigns } from './mutant-focus.ts';

/** raft.md E3: the reply does not wait for the disk. */
function promisesBeforePersist(options: RaftOptions): RaftCore {
  return wrap(createRaft(options), {
    after: (effects) => ({
      ...effects,
      sendNow: [...effects.sendNow, ...effects.sendAfterPersist],
      sendAfterPersist: [],
    }),
  });
}

/** raft.md R10: the leader counts itself as soon as it has given the entries to its disk. */
function countsItselfBeforePersist(options: RaftOptions): RaftCore {
  return wrap(createRaft(options), {
    after: (effects, core, _input, nowMs) => {
      if (effects.persist === null || core.status().role !== 'leader') return effects;
      const more = core.step({ kind: 'persisted', ticket: effects.persist.ticket }, nowMs);
      return {
        ...effects,
        sendNow: [...effects.sendNow, ...more.sendNow],
        sendAfterPersist: [...effects.sendAfterPersist, ...more.sendAfterPersist],
        committed: [...effects.committed, ...more.committed],
        events: [...effects.events, ...more.events],
      };
    },
  });
}

/** raft.md R1, figure 8: followers are told to commit whatever a majority holds, of any term. */
function commitsOldTermsByCounting(options: RaftOptions): RaftCore {
  const writing: { readonly ticket: number; upTo: number }[] = [];
  let durableIndex = options.entries.length;
  const core = createRaft(options);
  const needed = Math.floor(options.listedSize / 2) + 1;
  return wrap(core, {
    before: (input) => {
      if (input.kind === 'persisted') {
        durableIndex = writing.findLast(({ ticket }) => ticket <= input.ticket)?.upTo ?? durableIndex;
      }
      return input;
    },
    after: (effects) => {
      const { peers, lastIndex } = core.status();
      const { persist } = effects;
      if (persist?.truncateFrom != null) {
        durableIndex = Math.min(durableIndex, persist.truncateFrom - 1);
        for (const batch of writing) batch.upTo = Math.min(batch.upTo, persist.truncateFrom - 1);
      }
      if (persist !== null) writing.push({ ticket: persist.ticket, upTo: lastIndex });
      const matched = [...peers.map(({ matchIndex }) => matchIndex), durableIndex].sort((a, b) => b - a);
      const held = matched[needed - 1] ?? 0;
      const sendNow = effects.sendNow.map((message) =>
        message.kind === 'appendRequest' ? { ...message, commitIndex: Math.max(message.commitIndex, held) } : message,
      );
      return { ...effects, sendNow };
    },
  });
}

/** raft.md R2 (etcd#1203, scylladb#9965): a follower commits up to the leader's commit or the end of its own log. */
function commitsBeyondWhatWasVerified(options: RaftOptions): RaftCore {
  const log = new DurableState();
  log.entries = [...options.entries];
  let handedOut = 0;
  return wrap(createRaft(options), {
    after: (effects, core, input) => {
      if (effects.persist !== null) log.apply(effects.persist);
      const told = input.kind === 'message' && input.message.kind === 'appendRequest' ? input.message : null;
      const follows = told !== null && told.term === core.status().term && core.status().role === 'follower';
      const upTo = Math.max(core.status().commitIndex, follows ? Math.min(told.commitIndex, log.entries.length) : 0);
      const committed: Entry[] = log.entries.slice(handedOut, Math.max(handedOut, upTo));
      handedOut += committed.length;
      return { ...effects, committed };
    },
  });
}

/** raft.md R9: whatever was written last counts as durable, also what replaced it meanwhile. */
function confusesTickets(options: RaftOptions): RaftCore {
  let lastTicket = 0;
  return wrap(createRaft(options), {
    before: (input) => (input.kind === 'persisted' ? { ...input, ticket: lastTicket } : input),
    after: (effects) => {
      lastTicket = effects.persist?.ticket ?? lastTicket;
      return effects;
    },
  });
}

const durable = 'promise is durable';
const onQuorum = 'committed is durable';

/** Each was found within a third to a half of its bound (`npm run simulate -- --seeds 100 --mutants ''`). */
export const logMutants: readonly Mutant[] = [
  {
    name: 'promises before persist (E3)',
    fromSeed: 1,
    withinSeeds: 5,
    foundAs: durable,
    create: promisesBeforePersist,
  },
  {
    name: 'counts itself before persist (R10)',
    fromSeed: 1,
    withinSeeds: 30,
    foundAs: onQuorum,
    create: countsItselfBeforePersist,
  },
  {
    name: 'commits old terms by counting (R1)',
    fromSeed: 44,
    withinSeeds: 10,
    foundAs: onQuorum,
    create: commitsOldTermsByCounting,
    focus: shortReigns,
  },
  {
    name: 'commits beyond what was verified (R2)',
    fromSeed: 1,
    withinSeeds: 20,
    foundAs: 'state machine safety',
    create: commitsBeyondWhatWasVerified,
    focus: cutOffLeaders,
  },
  { name: 'confuses tickets (R9)', fromSeed: 1, withinSeeds: 30, foundAs: onQuorum, create: confusesTickets },
];
