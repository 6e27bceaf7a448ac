import { exitCodes } from '../../../../node/src/lib/exit-codes.ts';
import { bucketOf, objectOf, type StackOutputs } from '../../outputs.ts';
import type { CloudCommand, CloudContext } from '../command.ts';
import { addressOf, deployedStack } from '../deployed.ts';
import type { Machine } from '../google/compute.ts';
import { askCluster } from '../reach/cluster.ts';
import { readResult, resultNames } from '../results.ts';
import { joinStatus, type Said } from '../status/status.ts';
import { statusLines } from '../status/text.ts';

/** What Compute Engine says of the machines, the buckets of plan and results, and the cluster of itself. */
export const status: CloudCommand = {
  usage: 'status',
  description: 'Show machines, cluster, run, plan and results, as far as each can be seen.',
  options: [['--no-tunnel', 'do not ask the cluster: what Compute Engine and the buckets say is enough']],
  examples: ['scripts/cloud status', 'scripts/cloud status --json --no-tunnel'],
  async run(context, _args, options) {
    const outputs = await deployedStack(context);
    const machines = await context.compute.machines(outputs.project, outputs.stack);
    const cluster: Said['cluster'] =
      options.tunnel === false ? { unknown: 'as asked (--no-tunnel)' } : await clusterWord(context, outputs, machines);
    const [lastOperations, stored] = await Promise.all([
      operationsOf(context, outputs, machines),
      storedOf(context, outputs),
    ]);
    const joined = joinStatus({ outputs, machines, lastOperations, cluster, ...stored });
    context.say.result(joined, () => statusLines(joined, context.say.paint));
    const isDown =
      joined.cluster === null
        ? joined.nodes.some(({ machine }) => machine !== 'RUNNING')
        : joined.cluster.leader === null;
    return isDown ? exitCodes.noCluster : exitCodes.ok;
  },
};

async function clusterWord(
  { reach }: CloudContext,
  outputs: StackOutputs,
  machines: readonly Machine[],
): Promise<Said['cluster']> {
  const running = new Set(machines.filter((machine) => machine.status === 'RUNNING').map(({ name }) => name));
  try {
    return await askCluster(
      reach,
      outputs,
      outputs.nodes.filter(({ instance }) => running.has(instance)),
    );
  } catch (thrown) {
    return { unknown: (thrown as Error).message };
  }
}

async function operationsOf(
  { compute }: CloudContext,
  outputs: StackOutputs,
  machines: readonly Machine[],
): Promise<ReadonlyMap<string, string>> {
  const stopped = machines.filter(({ status }) => status !== 'RUNNING');
  const found = await Promise.all(
    stopped.map(async ({ id, name, zone }) => {
      const address = addressOf(outputs, { ...outputs.nodes[0]!, zone, instance: name });
      return [name, await compute.lastOperation(address, id)] as const;
    }),
  );
  return new Map(found.flatMap(([name, operation]) => (operation === null ? [] : [[name, operation] as const])));
}

async function storedOf(
  { storage }: CloudContext,
  outputs: StackOutputs,
): Promise<Pick<Said, 'plan' | 'resultCount' | 'newest'>> {
  const { bucket, object } = objectOf(outputs.plan);
  const results = bucketOf(outputs.results);
  const [plan, names] = await Promise.all([storage.stat(bucket, object), resultNames(storage, results)]);
  const name = names.at(-1);
  return {
    plan,
    resultCount: names.length,
    newest: name === undefined ? null : await readResult(storage, results, name),
  };
}
