import { exitCodes } from '../../../../node/src/lib/exit-codes.ts';
import { type CloudCommand, numberOf } from '../command.ts';
import { addressOf, deployedStack, nodeNamed } from '../deployed.ts';
import { CloudFailure } from '../failure.ts';

/** The API of one node on a port of this machine, until it is interrupted. */
export const tunnel: CloudCommand = {
  usage: 'tunnel [node]',
  description: 'Open a way to the API of a node, through Identity-Aware Proxy, until Ctrl-C.',
  options: [['--port <port>', 'of this machine; 0 takes any that is free', '8080']],
  examples: ['scripts/cloud tunnel', 'scripts/cloud tunnel europe-west1-1 --port 0'],
  notes:
    'Any node will do: they answer for each other. In another terminal: npx tutti status --node http://127.0.0.1:8080',
  async run(context, [name], options) {
    const port = numberOf(options, 'port', 0, 65_535);
    const outputs = await deployedStack(context);
    const node = name === undefined ? await firstRunning(context, outputs) : nodeNamed(outputs, name);
    const why = await context.reach.whyNot();
    if (why !== null) throw new CloudFailure(why);
    context.say.progress(`opening a way to ${node.id}; the first to a machine takes half a minute ...`);
    const way = await context.reach.open(addressOf(outputs, node), port);
    try {
      context.say.result({ node: node.id, url: way.url }, () => [
        `${way.url} is the API of ${node.id}, until Ctrl-C`,
        `  npx tutti status --node ${way.url}`,
        ...(outputs.apiToken === null
          ? []
          : [`what changes something needs the token: ${tokenCommand(outputs.apiToken)}`]),
      ]);
      const interrupted = new Promise<null>((resolve) => {
        if (context.signal.aborted) resolve(null);
        context.signal.addEventListener('abort', () => resolve(null), { once: true });
      });
      const ended = await Promise.race([way.ended, interrupted]);
      if (ended !== null) throw new CloudFailure(`the way to ${node.id} has ended: ${ended}`);
      return exitCodes.ok;
    } finally {
      await way.close();
    }
  },
};

/** "API_AUTH_TOKEN=$(gcloud secrets versions access latest --secret=... --project=...)" */
function tokenCommand(secret: string): string {
  const [, project = '', name = ''] = /^projects\/([^/]+)\/secrets\/(.+)$/.exec(secret) ?? [];
  return `API_AUTH_TOKEN=$(gcloud secrets versions access latest --secret=${name} --project=${project})`;
}

async function firstRunning(
  { compute }: Pick<Parameters<CloudCommand['run']>[0], 'compute'>,
  outputs: Awaited<ReturnType<typeof deployedStack>>,
): Promise<(typeof outputs.nodes)[number]> {
  const machines = await compute.machines(outputs.project, outputs.stack);
  const running = new Set(machines.filter(({ status }) => status === 'RUNNING').map((machine) => machine.name));
  const node = outputs.nodes.find(({ instance }) => running.has(instance));
  if (node !== undefined) return node;
  throw new CloudFailure('no machine of the stack is running; scripts/cloud status', exitCodes.noCluster);
}
