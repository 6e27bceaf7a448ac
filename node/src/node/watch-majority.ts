import type { Consensus } from '../consensus/consensus.ts';
import { missingMajority } from '../consensus/missing-majority.ts';
import type { Clock } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';

/** Longer than the members of a cluster take that are started one after the other: one of them is no alarm before the next. */
export const lastsMs = 30_000;
const lookEveryMs = 1000;

/** Says in the log why no leader is known for lack of members, once for each set of them. Returns what ends it. */
export function watchMajority(
  consensus: Pick<Consensus<unknown>, 'status' | 'peers'>,
  clock: Clock,
  log: Log,
): () => void {
  const said = new Set<string>();
  let sinceMs: number | null = null;
  let cancel = (): void => undefined;
  const look = (): void => {
    const nowMs = clock.nowMs();
    const problem = missingMajority(consensus.status(), consensus.peers());
    if (problem === null) {
      sinceMs = null;
      said.clear();
    } else {
      sinceMs ??= nowMs;
      if (nowMs - sinceMs >= lastsMs && !said.has(problem.reason)) {
        // As many as there are sets of missing members, which are few.
        said.add(problem.reason);
        log.error({ address: problem.address }, problem.reason);
      }
    }
    cancel = clock.at(nowMs + lookEveryMs, look);
  };
  look();
  return () => cancel();
}
