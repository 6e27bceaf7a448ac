import type { ClusterHealth } from '../../../../node/src/api/health.ts';
import { ask } from '../../../../node/src/cli/ask.ts';
import type { RunProgress } from '../../../../node/src/coordinator/service.ts';
import { TuttiError } from '../../../../node/src/lib/errors.ts';
import type { NodeOutputs, StackOutputs } from '../../outputs.ts';
import { addressOf } from '../deployed.ts';
import { CloudFailure } from '../failure.ts';
import type { Reach } from './reach.ts';

const answerTimeoutMs = 5_000;

/** What a cluster says of itself, by the node that was asked. */
export interface ClusterWord {
  readonly health: ClusterHealth;
  /** Null: there was none yet, or no leader to tell of it. */
  readonly run: RunProgress | null;
}

/** Rejects with a TuttiError. */
export async function healthAt(url: string): Promise<ClusterHealth> {
  return (await ask(url, get('/health/cluster'), answerTimeoutMs)) as ClusterHealth;
}

/** Rejects with a TuttiError. */
export async function wordAt(url: string): Promise<ClusterWord> {
  const health = await healthAt(url);
  if (health.leader_id === null) return { health, run: null };
  try {
    return { health, run: (await ask(url, get('/run'), answerTimeoutMs)) as RunProgress };
  } catch (thrown) {
    if (TuttiError.from(thrown).code === 'RUN_NOT_FOUND') return { health, run: null };
    throw thrown;
  }
}

/** Whether a run is on: between its submission and its end. */
export const isOn = (run: RunProgress | null): boolean =>
  run !== null && run.state !== 'finished' && run.state !== 'aborted';

/**
 * Asks one of these nodes after the other what the cluster says, until one answers. Rejects with a CloudFailure that says why none
 * did.
 */
export async function askCluster(
  reach: Reach,
  outputs: StackOutputs,
  nodes: readonly NodeOutputs[],
): Promise<ClusterWord> {
  const why = await reach.whyNot();
  if (why !== null) throw new CloudFailure(why);
  const failures: string[] = [];
  for (const node of nodes) {
    try {
      const way = await reach.open(addressOf(outputs, node), 0);
      try {
        return await wordAt(way.url);
      } finally {
        await way.close();
      }
    } catch (thrown) {
      failures.push(`${node.id}: ${(thrown as Error).message}`);
    }
  }
  throw new CloudFailure(failures.length === 0 ? 'no machine is running' : failures.join('\n'));
}

function get(path: string): { method: 'GET'; path: string; headers: Record<string, string>; body: null } {
  return { method: 'GET', path, headers: {}, body: null };
}
