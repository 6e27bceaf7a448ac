import type { Consensus } from '../../consensus/consensus.ts';
import type { Clock } from '../../lib/clock.ts';
import { TuttiError } from '../../lib/errors.ts';
import type { Log } from '../../lib/log.ts';

const method = 'membership.leave';
/** A stop must come to its end well within what supervisors allow. */
const leaveTimeoutMs = 5_000;
const tryAgainAfterMs = 100;
const nothing = new Uint8Array();

/** Every node may come to lead, and be asked by one that leaves. */
export function serveLeaving(consensus: Pick<Consensus<unknown>, 'handle' | 'removeNode'>): void {
  consensus.handle(method, async (_body, from) => {
    await consensus.removeNode(from);
    return nothing;
  });
}

/**
 * Has this node removed from the membership; true once it is. False, and why in the log, where it stays a member: the only voter
 * has nobody to leave the cluster to, and without a majority nobody can be removed.
 */
export async function leave(
  consensus: Pick<Consensus<unknown>, 'status' | 'request' | 'subscribe'>,
  clock: Clock,
  log: Log,
): Promise<boolean> {
  const { membership, nodeId } = consensus.status();
  if (membership === null) return true;
  if (membership.voters.length === 1 && membership.voters[0]?.id === nodeId) {
    log.info({}, 'stays a member: there is no other voter to leave the cluster to');
    return false;
  }
  const deadlineMs = clock.nowMs() + leaveTimeoutMs;
  const removal = whenRemoved(consensus);
  try {
    const failure = await Promise.race([removal.happened, askUntil(consensus, clock, deadlineMs)]);
    if (failure === null) log.info({}, 'has left the cluster');
    else log.warn({}, `stays a member, which the others miss from now on: ${failure}`);
    return failure === null;
  } finally {
    removal.forget();
  }
}

/** The log says it, often before the leader's answer comes. */
function whenRemoved(consensus: Pick<Consensus<unknown>, 'subscribe'>): {
  readonly happened: Promise<null>;
  readonly forget: () => void;
} {
  const { promise, resolve } = Promise.withResolvers<null>();
  const forget = consensus.subscribe((event) => {
    if (event.kind === 'fatal' && TuttiError.from(event.error).code === 'REMOVED') resolve(null);
  });
  return { happened: promise, forget };
}

/** Null once the leader has done it; else, at the deadline, why not. */
async function askUntil(
  consensus: Pick<Consensus<unknown>, 'status' | 'request'>,
  clock: Clock,
  deadlineMs: number,
): Promise<string | null> {
  let failure = 'no leader is known';
  while (clock.nowMs() < deadlineMs) {
    const { leaderId } = consensus.status();
    if (leaderId !== null) {
      try {
        await consensus.request(leaderId, method, nothing, deadlineMs - clock.nowMs());
        return null;
      } catch (thrown) {
        failure = TuttiError.from(thrown).message;
      }
    }
    await new Promise<void>((resolve) => void clock.at(clock.nowMs() + tryAgainAfterMs, resolve));
  }
  return failure;
}
