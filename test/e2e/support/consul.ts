import type { TestContext } from 'vitest';
import type { ClusterHealth } from '../../../node/src/api/health.ts';
import { waitFor } from '../../../scripts/lib/wait-for.ts';
import { availableOrSkip } from '../../support/available.ts';
import { ConsulAgent, type ConsulOptions } from '../../support/consul/agent.ts';
import { findConsul } from '../../support/consul/find.ts';
import type { TestCluster } from './cluster.ts';

/** A busy machine's time for what takes a second. */
export const waitMs = 60_000;

/** A real one, or the test is skipped; in CI it fails. */
export async function startConsul(context: TestContext, options: ConsulOptions = {}): Promise<ConsulAgent> {
  return ConsulAgent.start(await availableOrSkip(context, findConsul), options);
}

/** Until every node tells the reason. */
export async function everyoneSays(cluster: TestCluster, reason: RegExp): Promise<void> {
  for (const { api } of cluster.members) {
    await waitFor(`${api} to say ${reason.source}`, waitMs, async () => {
      const answer = await fetch(`http://${api}/health/cluster`);
      const { cluster_ready: isReady, problems } = (await answer.json()) as ClusterHealth;
      return !isReady && problems.some((problem) => reason.test(problem.reason));
    });
  }
}
