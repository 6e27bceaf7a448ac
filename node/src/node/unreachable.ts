import type { Consensus } from '../consensus/consensus.ts';
import type { Clock } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';

/** Longer than a restart of a peer takes, shorter than an operator wonders. */
const silentForMs = 3000;
const lookEveryMs = 1000;

interface Missing {
  readonly sinceMs: number;
  readonly saidReason: string | null;
}

/**
 * Says once, per listed address and reason, that nobody is reached there: a wrong address in the list is otherwise silent, since
 * nobody is there to answer. Returns what ends it.
 */
export function watchUnreachable(peers: Consensus<unknown>['peers'], clock: Clock, log: Log): () => void {
  const missing = new Map<string, Missing>();
  let cancel = (): void => undefined;
  const look = (): void => {
    const nowMs = clock.nowMs();
    for (const { address, expectedId, state, problem } of peers()) {
      if (state === 'connected') missing.delete(address);
      else {
        const known = missing.get(address) ?? { sinceMs: nowMs, saidReason: null };
        const reason = problem ?? 'no answer yet';
        const isNews = nowMs - known.sinceMs >= silentForMs && known.saidReason !== reason;
        if (isNews)
          log.warn(
            { address, peer: expectedId, reason },
            `nobody is reached at ${address}, as CLUSTER_NODES has it: ${reason}`,
          );
        missing.set(address, { sinceMs: known.sinceMs, saidReason: isNews ? reason : known.saidReason });
      }
    }
    cancel = clock.at(nowMs + lookEveryMs, look);
  };
  look();
  return () => cancel();
}
