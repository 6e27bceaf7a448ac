import { isAnswering, whyNotConnected } from '../consensus/absent-peer.ts';
import type { Consensus } from '../consensus/consensus.ts';
import type { Clock } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';

/** Longer than a restart of a peer takes, shorter than an operator wonders. */
const silentForMs = 3000;
const lookEveryMs = 1000;

/** Two reasons may take turns at one address; beyond this many the words differ each time, and say nothing new. */
const maxReasons = 8;

interface Missing {
  readonly sinceMs: number;
  readonly said: Set<string>;
}

/**
 * Says once, per listed address and reason, that a peer is not connected: a wrong address in the list is otherwise silent, since
 * nobody is there to answer. `origin`: what has the addresses. Returns what ends it.
 */
export function watchUnreachable(
  peers: Consensus<unknown>['peers'],
  origin: string,
  clock: Clock,
  log: Log,
): () => void {
  const missing = new Map<string, Missing>();
  let cancel = (): void => undefined;
  const look = (): void => {
    const nowMs = clock.nowMs();
    for (const peer of peers()) {
      const { address, expectedId, state } = peer;
      const reason = whyNotConnected(peer);
      if (reason === null) {
        missing.delete(address);
        continue;
      }
      const known = missing.get(address) ?? { sinceMs: nowMs, said: new Set() };
      missing.set(address, known);
      // Who is refused was reached, and the refusal has been said.
      if (state === 'refused' || nowMs - known.sinceMs < silentForMs) continue;
      if (known.said.has(reason) || known.said.size >= maxReasons) continue;
      known.said.add(reason);
      const what = isAnswering(peer) ? 'the node' : 'nobody is reached';
      log.warn({ address, peer: expectedId, reason }, `${what} at ${address}, as ${origin} has it: ${reason}`);
    }
    cancel = clock.at(nowMs + lookEveryMs, look);
  };
  look();
  return () => cancel();
}
