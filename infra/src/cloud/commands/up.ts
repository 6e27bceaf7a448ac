import { exitCodes } from '../../../../node/src/lib/exit-codes.ts';
import type { StackOutputs } from '../../outputs.ts';
import { type CloudCommand, type CloudContext, type CommandOptions, numberOf } from '../command.ts';
import { confirmed } from '../confirm.ts';
import { addressOf, deployedStack, outputsOrUnread } from '../deployed.ts';
import { describeChanges } from '../engine/events.ts';
import { CloudFailure } from '../failure.ts';
import { untilNodeSays } from '../reach/formed.ts';
import { refuseLostMajority } from '../voters.ts';

/** `pulumi up`, and then until there is a cluster. */
export const up: CloudCommand = {
  usage: 'up',
  description: 'Make the stack or bring it up to date, and wait until the cluster is formed.',
  options: [
    ['--yes', 'without showing first what would be done'],
    ['--no-wait', 'do not wait for the cluster'],
    ['--timeout <seconds>', 'how long to wait for it', '900'],
  ],
  examples: ['scripts/cloud up', 'scripts/cloud up --yes --stack dev'],
  notes: 'What a user uploaded stays, unless the plan file of the stack has changed since the last time.',
  async run(context, _args, options) {
    const timeoutMs = numberOf(options, 'timeout', 1, 86_400) * 1000;
    const { keys } = await context.engine.config();
    // Keys that are brought by hand come after the first `up`; until they are there no node starts.
    const isWaiting = options.wait !== false && keys !== 'external';
    const why = isWaiting ? await context.reach.whyNot() : null;
    if (why !== null)
      throw CloudFailure.input(`${why}\nWithout it nobody sees when the cluster is formed: --no-wait does without`);
    await context.engine.checkPlan();
    await bringUp(context, options);
    const outputs = await deployedStack(context);
    await startStopped(context, outputs);
    if (isWaiting) await untilFormed(context, outputs, timeoutMs);
    context.say.result({ formed: isWaiting, ...outputs }, () => [
      isWaiting ? 'the cluster is formed' : 'all is made; whether the cluster is formed was not looked at',
      `  plan     ${outputs.plan}`,
      `  results  ${outputs.results}`,
      `next: ${outputs.next}`,
    ]);
    return exitCodes.ok;
  },
};

/** Shows what would be done, asks, and does it. */
export async function bringUp(context: CloudContext, options: CommandOptions): Promise<void> {
  const { engine, say } = context;
  const tell = (line: string): void => say.progress(line);
  const before = await outputsOrUnread(context);
  if (before !== null && before !== 'unread') refuseLostMajority(before.nodes, await engine.config());
  if (options.yes !== true) {
    say.progress(`looking at what is to be done in ${await engine.stack()} ...`);
    const changes = await engine.preview(tell);
    say.progress(describeChanges(changes));
    await confirmed(context, options, `Do it to ${await engine.stack()}?`);
  }
  say.progress(`bringing ${await engine.stack()} up ...`);
  await engine.up(tell);
}

/** Pulumi lets a machine that has stopped itself be, since nothing of what it was told has changed. */
async function startStopped({ compute, say }: CloudContext, outputs: StackOutputs): Promise<void> {
  const machines = await compute.machines(outputs.project, outputs.stack);
  const stopped = new Set(machines.filter(({ status }) => status === 'TERMINATED').map(({ name }) => name));
  await Promise.all(
    outputs.nodes
      .filter(({ instance }) => stopped.has(instance))
      .map((node) => {
        say.progress(`${node.id}: its machine had stopped; starting it ...`);
        return compute.start(addressOf(outputs, node));
      }),
  );
}

/** A machine needs a minute or two to boot; any one will do, for it tells of all. */
async function untilFormed(context: CloudContext, outputs: StackOutputs, timeoutMs: number): Promise<void> {
  const first = outputs.nodes[0]!;
  context.say.progress(`waiting until the ${outputs.nodes.length} nodes have formed a cluster ...`);
  const health = await untilNodeSays(context, outputs, first, {
    what: 'the cluster to be formed',
    timeoutMs,
    isTrue: ({ cluster_formed: formed, members }) => formed && members.length >= outputs.nodes.length,
  });
  context.say.progress(`formed: ${health.leader_id ?? ''} leads`);
}
