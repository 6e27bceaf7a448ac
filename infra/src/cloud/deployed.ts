import { exitCodes } from '../../../node/src/lib/exit-codes.ts';
import type { NodeOutputs, StackOutputs } from '../outputs.ts';
import type { CloudContext } from './command.ts';
import { CloudFailure } from './failure.ts';
import type { MachineAddress } from './google/compute.ts';

/** The outputs of a stack that is up. Rejects with a CloudFailure where nothing is. */
export async function deployedStack({ engine }: Pick<CloudContext, 'engine'>): Promise<StackOutputs> {
  const outputs = await engine.outputs();
  if (outputs !== null) return outputs;
  throw new CloudFailure(
    `the stack ${await engine.stack()} has nothing yet; make it: scripts/cloud up`,
    exitCodes.noCluster,
  );
}

/** Null: nothing is there yet. `unread`: it was made by another version, whose outputs are others. */
export async function outputsOrUnread({
  engine,
}: Pick<CloudContext, 'engine'>): Promise<StackOutputs | null | 'unread'> {
  try {
    return await engine.outputs();
  } catch (thrown) {
    if (thrown instanceof CloudFailure) return 'unread';
    throw thrown;
  }
}

export const addressOf = ({ project }: StackOutputs, { zone, instance }: NodeOutputs): MachineAddress => ({
  project,
  zone,
  instance,
});

/** The node of that id, or of that machine. Throws CloudFailure. */
export function nodeNamed({ nodes }: StackOutputs, name: string): NodeOutputs {
  const node = nodes.find(({ id, instance }) => id === name || instance === name);
  if (node !== undefined) return node;
  throw CloudFailure.input(`there is no node ${name}; there are ${nodes.map(({ id }) => id).join(', ')}`);
}
