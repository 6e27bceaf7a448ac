import { setTimeout as delay } from 'node:timers/promises';
import type { ClusterHealth } from '../api/health.ts';
import { noMajority } from '../lib/no-majority.ts';
import type { ClusterClient } from './client.ts';

const lookEveryMs = 500;
/** A node tells of itself at once; one that does not is left out of this look. */
const answerWithinMs = 1_000;

type Health = Pick<ClusterHealth, 'node_id' | 'leader_id' | 'term' | 'problems'>;

/** Says on and on, until `signal`, when the nodes lose their leader or their majority, and when there is one again. */
export async function tellLeadership(
  client: ClusterClient,
  say: (sentence: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const leadership = new Leadership();
  const isOver = (): boolean => signal.aborted;
  while (!isOver()) {
    const answers = await client.everyNode<ClusterHealth>('/health/cluster', answerWithinMs, signal);
    if (isOver()) return;
    const sentence = leadership.seen(answers, performance.now());
    if (sentence !== null) say(sentence);
    await delay(lookEveryMs, undefined, { signal }).catch((error: unknown) => {
      if (!isOver()) throw error;
    });
  }
}

/** What there is to say about the leader of a cluster that is watched from outside: changes only, a sentence each. */
export class Leadership {
  #leader: string | null = null;
  #lostAtMs: number | null = null;
  #said = '';

  /** `answers`: what each node that answered says now. Null: nothing new. Says nothing before a leader was seen. */
  seen(answers: readonly Health[], nowMs: number): string | null {
    const term = Math.max(0, ...answers.map((answer) => answer.term));
    // A node that is cut off may name the leader of an earlier term.
    const leader = answers.find((answer) => answer.term === term && answer.leader_id !== null)?.leader_id ?? null;
    if (leader !== null) return this.#led(leader, nowMs);
    if (this.#leader === null) return null;
    this.#lostAtMs ??= nowMs;
    const sentence = sentenceOf(answers);
    if (sentence === this.#said) return null;
    this.#said = sentence;
    return sentence;
  }

  #led(leader: string, nowMs: number): string | null {
    const [before, lostAtMs] = [this.#leader, this.#lostAtMs];
    this.#leader = leader;
    this.#lostAtMs = null;
    this.#said = '';
    if (lostAtMs !== null)
      return `${leader} leads, after ${((nowMs - lostAtMs) / 1_000).toFixed(1)} s without a leader`;
    return before === null || before === leader ? null : `${leader} leads now, in place of ${before}`;
  }
}

function sentenceOf(answers: readonly Health[]): string {
  if (answers.length === 0) return 'none of the given nodes answers';
  const problem = answers.flatMap(({ problems }) => problems).find(({ reason }) => reason.startsWith(noMajority));
  const names = answers.map((answer) => answer.node_id).sort();
  const what =
    problem === undefined
      ? `no leader is known to ${names.join(', ')}`
      : // What follows are remedies, for the log of the node.
        problem.reason.split('; ').slice(0, 2).join('; ');
  return `${what}; until there is one, load goes on up to the horizon only`;
}
