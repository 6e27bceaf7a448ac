import type { Consensus } from 'tutti/consensus';
import { TuttiError } from 'tutti/consensus';
import { decodeOutcome, encode, isWrite } from './commands.ts';
import type { Answer, Command, Outcome, Write } from './commands.ts';
import type { KeyValueStore } from './store.ts';

const method = 'key-value.execute';

/** A leader that lost its majority notices within an election timeout and says so; past this it is hung or cut off. */
const answerTimeoutMs = 5_000;

/** Carries out a command, whichever member leads; rejects with a TuttiError. */
export type Execute = (command: Command) => Promise<Answer>;

/**
 * Reads here, once this member has caught up with the leader. Forwards each write to the leader, this member included, and never
 * sends one twice: whether that is safe only the client knows, since only it knows whether it gave a request id.
 */
export function createExecute(consensus: Consensus<Answer>, store: KeyValueStore): Execute {
  // Proposed as they come: only a member that has proved itself gets here, and it runs this code, which has checked them.
  consensus.handle(method, async (body) => encode(await outcomeOf(consensus.propose(body))));

  return async (command) => {
    if (!isWrite(command)) return consensus.read(() => store.look(command));
    const { leaderId } = consensus.status();
    if (leaderId === null) throw new TuttiError('NO_LEADER', 'no leader is known at the moment; try again');
    const outcome = await ask(consensus, leaderId, command);
    if (outcome.ok) return outcome.answer;
    // The leader's own word: for all but OUTCOME_UNKNOWN it means that nothing happened.
    throw new TuttiError(outcome.code, outcome.message);
  };
}

async function ask(consensus: Consensus<Answer>, leaderId: string, write: Write): Promise<Outcome> {
  if (!isReachable(consensus, leaderId)) {
    throw new TuttiError('NO_LEADER', `the leader "${leaderId}" cannot be reached at the moment; try again`);
  }
  try {
    return decodeOutcome(await consensus.request(leaderId, method, encode(write), answerTimeoutMs));
  } catch (thrown) {
    const error = TuttiError.from(thrown);
    // Refused before it was sent, or before the leader looked at it. Everything else may have happened after it was proposed.
    if (error.code === 'BUSY') throw error;
    throw new TuttiError(
      'OUTCOME_UNKNOWN',
      `the leader "${leaderId}" did not say what became of it: ${error.message}`,
      {
        cause: error,
      },
    );
  }
}

function isReachable(consensus: Consensus<Answer>, id: string): boolean {
  if (id === consensus.status().nodeId) return true;
  return consensus.peers().some(({ identity, state }) => identity?.nodeId === id && state === 'connected');
}

/**
 * An error goes back as an answer, not as the failure of the request: so the one who asked can tell "the leader refused" from
 * "nobody knows what the leader did".
 */
async function outcomeOf(proposed: Promise<{ readonly result: Answer }>): Promise<Outcome> {
  try {
    return { ok: true, answer: (await proposed).result };
  } catch (thrown) {
    const { code, message } = TuttiError.from(thrown);
    return { ok: false, code, message };
  }
}
