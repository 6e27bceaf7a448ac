import type { ClusterHealth } from '../../node/src/api/health.ts';
import type { NodeReport } from '../../node/src/results/report.ts';

/** Sentences of the demo for somebody who sees a cluster for the first time. Pure, so that they can be held to be true. */

type Leading = Pick<ClusterHealth, 'leader_id' | 'term'>;

/** Tells each change of the leader once: on a busy machine there may be one that nobody asked for. */
export class LeaderStory {
  #told: string | null = null;
  #term = 0;

  /** Null: nothing new, or said by a node that is behind. */
  seen({ leader_id: leader, term }: Leading): string | null {
    if (leader === null || leader === this.#told || term < this.#term) return null;
    const before = this.#told;
    this.#told = leader;
    this.#term = term;
    if (before === null) return `${leader} was elected leader (term ${term})`;
    return `${leader} leads now, in place of ${before} (term ${term})`;
  }
}

/** What the death of a node cost: what it sent and could not hand in any more, then what nobody sent. Times are run times. */
export function lossSentence(killed: string, killedAtMs: number, lost: NonNullable<NodeReport['lost']>): string {
  const { fromMs, toMs, arrivals } = lost;
  const count = arrivals === null ? '' : ` (${arrivals} iterations)`;
  const missing = `Missing is the share of ${killed} from ${seconds(fromMs)} to ${seconds(toMs)}${count}, named above.`;
  const notSent = `from then up to the horizon at ${seconds(toMs)}, where the others took it over, nobody sent it.`;
  if (killedAtMs <= fromMs) return `${missing} ${killed} was killed at about ${seconds(killedAtMs)}; ${notSent}`;
  // A node hands its measurements in once a second: those of its last moments die with it.
  return `${missing} Up to about ${seconds(killedAtMs)}, when it was killed, ${killed} had sent it, but what it measured died with it; ${notSent}`;
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}
