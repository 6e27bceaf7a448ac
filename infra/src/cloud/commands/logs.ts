import { exitCodes } from '../../../../node/src/lib/exit-codes.ts';
import type { NodeOutputs, StackOutputs } from '../../outputs.ts';
import { type CloudCommand, type CloudContext, numberOf } from '../command.ts';
import { addressOf, deployedStack, nodeNamed } from '../deployed.ts';
import type { LogEntry } from '../google/logging.ts';

const pollMs = 5_000;
/** Cloud Logging shows an entry some seconds late, so the same minute is asked for again. */
const overlapMs = 60_000;

/** What the machines wrote to Cloud Logging, or one of them to its serial port, where the boot is. */
export const logs: CloudCommand = {
  usage: 'logs [node]',
  description: 'Print what the nodes have logged (Cloud Logging), or, with --serial, how a machine booted.',
  options: [
    ['--since <minutes>', 'from so many minutes ago on', '15'],
    ['--limit <entries>', 'the newest of them', '200'],
    ['--follow', 'go on with what comes'],
    ['--serial', "the serial port of one machine: its boot, and cloud-init's part in it"],
  ],
  examples: ['scripts/cloud logs --since 5', 'scripts/cloud logs us-east1-1 --serial', 'scripts/cloud logs --follow'],
  async run(context, [name], options) {
    const since = numberOf(options, 'since', 0.1, 43_200);
    const limit = numberOf(options, 'limit', 1, 1000);
    const outputs = await deployedStack(context);
    const wanted = name === undefined ? outputs.nodes : [nodeNamed(outputs, name)];
    if (options.serial === true) return serial(context, outputs, wanted);
    const machines = await context.compute.machines(outputs.project, outputs.stack);
    const idOf = new Map(machines.map((machine) => [machine.name, machine.id]));
    const nodes = new Map(wanted.flatMap(({ id, instance }) => [[idOf.get(instance) ?? '', id] as const]));
    nodes.delete('');
    const seen = new Set<string>();
    const show = async (from: number, isFirst: boolean): Promise<void> => {
      const question = { project: outputs.project, ids: [...nodes.keys()], since: new Date(from).toISOString(), limit };
      const entries = (await context.logging.entries(question)).filter(({ insertId }) => !seen.has(insertId));
      for (const entry of entries) seen.add(entry.insertId);
      const lines = (): readonly string[] => entries.map((entry) => lineOf(entry, nodes));
      const isNothing = entries.length === 0;
      if (isFirst && isNothing) context.say.progress(`nothing was logged in the last ${since} minutes`);
      if (!isNothing || (isFirst && context.say.json)) context.say.result({ entries }, lines);
    };
    await show(Date.now() - since * 60_000, true);
    while (options.follow === true) {
      await context.pause(pollMs);
      await show(Date.now() - overlapMs, false);
    }
    return exitCodes.ok;
  },
};

const lineOf = ({ at, machineId, severity, text }: LogEntry, nodes: ReadonlyMap<string, string>): string =>
  `${at} ${nodes.get(machineId) ?? machineId} ${severity === 'DEFAULT' ? '' : `${severity} `}${text}`;

async function serial(
  { compute, say }: CloudContext,
  outputs: StackOutputs,
  wanted: readonly NodeOutputs[],
): Promise<typeof exitCodes.ok> {
  for (const node of wanted) {
    const text = await compute.serialPort(addressOf(outputs, node));
    say.result({ node: node.id, text }, () => [...(wanted.length > 1 ? [`== ${node.id}`] : []), text.trimEnd()]);
  }
  return exitCodes.ok;
}
