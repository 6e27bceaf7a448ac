import type { StackConfig } from '../config/schema.ts';
import type { NodeOutputs } from '../outputs.ts';
import { planCluster } from '../plan/cluster-plan.ts';
import { CloudFailure } from './failure.ts';

/**
 * Throws CloudFailure where a configuration lacks half or more of the voters that are there: with their machines deleted the others are no
 * majority, and cannot agree on anything any more, who is gone included (ADR 114). Pure.
 */
export function refuseLostMajority(nodes: readonly NodeOutputs[], config: StackConfig): void {
  const wanted = new Set(planCluster(config).nodes.map(({ id }) => id));
  const voters = nodes.filter(({ role }) => role === 'voter');
  const gone = voters.filter(({ id }) => !wanted.has(id)).map(({ id }) => id);
  if (gone.length === 0 || gone.length * 2 < voters.length) return;
  throw CloudFailure.input(
    `this would take ${gone.join(', ')} away at once, ${gone.length} of ${voters.length} voters, and the cluster could not go on without them; ` +
      'take fewer than half away, up, and then the next; or make the stack anew: scripts/cloud destroy, scripts/cloud up',
  );
}
