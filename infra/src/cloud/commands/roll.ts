import type { ClusterHealth } from '../../../../node/src/api/health.ts';
import { exitCodes } from '../../../../node/src/lib/exit-codes.ts';
import type { NodeOutputs, StackOutputs } from '../../outputs.ts';
import { type CloudCommand, type CloudContext, numberOf } from '../command.ts';
import { confirmed } from '../confirm.ts';
import { addressOf, deployedStack } from '../deployed.ts';
import { CloudFailure } from '../failure.ts';
import { askCluster, isOn } from '../reach/cluster.ts';
import { untilNodeSays } from '../reach/formed.ts';
import { bringUp } from './up.ts';

/** Another build, or other settings, on every node, while the cluster stays. */
export const roll: CloudCommand = {
  usage: 'roll',
  description: 'Bring the stack up to date and start its machines anew, one after the other, the leader last.',
  options: [
    ['--yes', 'without asking'],
    ['--no-up', 'only start the machines anew'],
    ['--during-run', 'although a run is on: its report will name what that cost'],
    ['--timeout <seconds>', 'how long a node may take to come back', '600'],
  ],
  examples: ['scripts/cloud roll', 'scripts/cloud roll --no-up --yes'],
  notes:
    'A machine is told to stop, so its node hands over first. The next one waits until it is back and has caught up. ' +
    'One that does not come back ends the roll; the others are as they were.',
  async run(context, _args, options) {
    const timeoutMs = numberOf(options, 'timeout', 1, 86_400) * 1000;
    const why = await context.reach.whyNot();
    if (why !== null) throw new CloudFailure(why);
    // `--no-up` of commander is `up: false`.
    if (options.up !== false) await bringUp(context, options);
    else await confirmed(context, options, 'Start all machines of the stack anew, one after the other?');
    const outputs = await deployedStack(context);
    const before = await wholeCluster(context, outputs, options['duringRun'] === true);
    await rollAll(context, outputs, before, timeoutMs);
    context.say.result({ rolled: outputs.nodes.map(({ id }) => id) }, () => [
      `all ${outputs.nodes.length} nodes are back and have caught up`,
    ]);
    return exitCodes.ok;
  },
};

/** A cluster that lacks a member already must not lose another one. Rejects with a CloudFailure. */
async function wholeCluster({ reach }: CloudContext, outputs: StackOutputs, mayRun: boolean): Promise<ClusterHealth> {
  const { health, run } = await askCluster(reach, outputs, outputs.nodes);
  if (!health.cluster_formed)
    throw new CloudFailure(
      'the cluster is not whole, so no machine is stopped; scripts/cloud status',
      exitCodes.noCluster,
    );
  if (isOn(run) && !mayRun)
    throw new CloudFailure(
      `${run?.runId ?? ''} is on; wait for its end (scripts/cloud result --wait), or --during-run`,
    );
  return health;
}

async function rollAll(
  context: CloudContext,
  outputs: StackOutputs,
  before: ClusterHealth,
  timeoutMs: number,
): Promise<void> {
  const { compute, nowMs, say } = context;
  let { leader_id: leader, commit_index: reached } = before;
  const left = new Set(outputs.nodes);
  while (left.size > 0) {
    const node = nextToRoll([...left], leader);
    left.delete(node);
    const startedMs = nowMs();
    say.progress(`${node.id}${node.id === leader ? ' (the leader)' : ''}: stopping ...`);
    await compute.stop(addressOf(outputs, node));
    say.progress(`${node.id}: starting ...`);
    await compute.start(addressOf(outputs, node));
    const goal = reached;
    const health = await untilNodeSays(context, outputs, node, {
      what: `${node.id} to be back`,
      timeoutMs,
      isTrue: (one) => one.cluster_formed && one.applied_index >= goal,
    });
    say.progress(`${node.id}: back, and caught up, after ${Math.round((nowMs() - startedMs) / 1000)} s`);
    leader = health.leader_id;
    reached = Math.max(reached, health.commit_index);
  }
}

/** The leader as long as there is another: each leader that is stopped costs an election. */
export function nextToRoll(left: readonly NodeOutputs[], leader: string | null): NodeOutputs {
  return left.find(({ id }) => id !== leader) ?? left[0]!;
}
