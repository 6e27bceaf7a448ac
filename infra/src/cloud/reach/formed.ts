import type { ClusterHealth } from '../../../../node/src/api/health.ts';
import { exitCodes } from '../../../../node/src/lib/exit-codes.ts';
import type { NodeOutputs, StackOutputs } from '../../outputs.ts';
import type { CloudContext } from '../command.ts';
import { addressOf } from '../deployed.ts';
import { CloudFailure } from '../failure.ts';
import { healthAt } from './cluster.ts';
import type { Way } from './reach.ts';

const lookEveryMs = 2_000;

/**
 * Waits until a node says what is wished for, through a way that is opened again when it ends: a machine that boots answers late.
 * Says what it sees whenever that changes. Rejects with a CloudFailure when the time is over.
 */
export async function untilNodeSays(
  context: CloudContext,
  outputs: StackOutputs,
  node: NodeOutputs,
  wish: { readonly what: string; readonly timeoutMs: number; readonly isTrue: (health: ClusterHealth) => boolean },
): Promise<ClusterHealth> {
  const { nowMs, pause, reach, say, signal } = context;
  const deadlineMs = nowMs() + wish.timeoutMs;
  let way: Way | null = null;
  let seen = '';
  const tell = (text: string): void => {
    if (text !== seen) say.progress(`  ${node.id}: ${text}`);
    seen = text;
  };
  try {
    for (;;) {
      try {
        way ??= await reach.open(addressOf(outputs, node), 0);
        const health = await healthAt(way.url);
        if (wish.isTrue(health)) return health;
        tell(standingOf(health));
      } catch (thrown) {
        signal.throwIfAborted();
        tell((thrown as Error).message);
        await way?.close();
        way = null;
      }
      if (nowMs() >= deadlineMs)
        throw new CloudFailure(
          `waited ${Math.round(wish.timeoutMs / 1000)} s for ${wish.what} (last: ${seen}); scripts/cloud status, scripts/cloud logs ${node.id}`,
          exitCodes.noCluster,
        );
      await pause(lookEveryMs);
    }
  } finally {
    await way?.close();
  }
}

/** "2 of 3 members connected, no leader yet" */
function standingOf({ leader_id: leader, members }: ClusterHealth): string {
  const connected = members.filter((member) => member.connected).length;
  return `${connected} of ${members.length} members connected, ${leader === null ? 'no leader yet' : `${leader} leads`}`;
}
