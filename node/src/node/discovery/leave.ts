import type { Consensus } from '../../consensus/consensus.ts';
import type { Clock } from '../../lib/clock.ts';
import { TuttiError } from '../../lib/errors.ts';
import type { Log } from '../../lib/log.ts';
import { memberIds } from '../../raft/membership.ts';

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

type Leaver = Pick<Consensus<unknown>, 'status' | 'request' | 'subscribe'>;

/**
 * `last`: it is the only member, so there is no cluster to leave. `stayed`: it could not be removed, for want of a majority, or
 * because it is the only voter and others are about to become voters.
 */
export type Left = 'left' | 'last' | 'stayed';

/** Has this node removed from the membership; why it stayed is in the log. */
export async function leave(consensus: Leaver, clock: Clock, log: Log): Promise<Left> {
  const removal = whenRemoved(consensus);
  try {
    const outcome = await Promise.race([removal.happened, askUntil(consensus, clock, clock.nowMs() + leaveTimeoutMs)]);
    if (outcome === 'left') log.info({}, 'has left the cluster');
    if (outcome === 'left' || outcome === 'last') return outcome;
    log.warn({}, `stays a member, which the others miss from now on: ${outcome.failure}`);
    return 'stayed';
  } finally {
    removal.forget();
  }
}

type Outcome = 'left' | 'last' | { readonly failure: string };

/** The log says it, often before the leader's answer comes. */
function whenRemoved(consensus: Pick<Leaver, 'subscribe'>): {
  readonly happened: Promise<'left'>;
  readonly forget: () => void;
} {
  const { promise, resolve } = Promise.withResolvers<'left'>();
  const forget = consensus.subscribe((event) => {
    if (event.kind === 'fatal' && TuttiError.from(event.error).code === 'REMOVED') resolve('left');
  });
  return { happened: promise, forget };
}

async function askUntil(consensus: Leaver, clock: Clock, deadlineMs: number): Promise<Outcome> {
  let failure = 'no leader is known';
  while (clock.nowMs() < deadlineMs) {
    const { leaderId, membership, nodeId } = consensus.status();
    if (membership === null) return 'left';
    const members = memberIds(membership);
    const isNamed = members.includes(nodeId);
    if (members.length === 1 && isNamed) return 'last';
    if (leaderId !== null) {
      try {
        await consensus.request(leaderId, method, nothing, deadlineMs - clock.nowMs());
        return 'left';
      } catch (thrown) {
        const { code, message } = TuttiError.from(thrown);
        failure = message;
        // The others have taken the removal for certain, and talk to this node no more.
        if (code === 'PEER_UNREACHABLE' && !isNamed) return 'left';
        if (code === 'SHUTTING_DOWN') return { failure };
      }
    } else if (!isNamed) return 'left';
    await new Promise<void>((resolve) => void clock.at(clock.nowMs() + tryAgainAfterMs, resolve));
  }
  return { failure };
}
