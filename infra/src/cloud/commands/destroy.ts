import { exitCodes } from '../../../../node/src/lib/exit-codes.ts';
import type { CloudCommand } from '../command.ts';
import { confirmed } from '../confirm.ts';
import { outputsOrUnread } from '../deployed.ts';
import { describeChanges } from '../engine/events.ts';

/** `pulumi destroy`, and then a look at whether anything that costs is left. */
export const destroy: CloudCommand = {
  usage: 'destroy',
  description:
    'Take the stack away, and look whether anything is left that costs. Results stay, unless tutti:keepResults is false.',
  options: [['--yes', 'without showing first what would be done']],
  examples: ['scripts/cloud destroy', 'scripts/cloud destroy --yes --stack dev'],
  async run(context, _args, options) {
    const { compute, engine, say } = context;
    const outputs = await outputsOrUnread(context);
    // What was made says where it is, whatever the configuration has become.
    const { project, stack } = outputs === null || outputs === 'unread' ? await engine.config() : outputs;
    const tell = (line: string): void => say.progress(line);
    if (options.yes !== true) {
      const changes = await engine.previewDestroy(tell);
      say.progress(describeChanges(changes));
      await confirmed(context, options, `Take ${stack} in ${project} away?`);
    }
    say.progress(`taking ${stack} away ...`);
    await engine.destroy(tell);
    const left = await compute.costly(project, stack);
    const results = outputs !== null && outputs !== 'unread' && outputs.keepResults ? outputs.results : null;
    const search = `gcloud storage buckets list --project=${project} --filter=labels.stack=${stack}`;
    say.result({ left, results }, () => [
      left.length === 0 ? 'no machine, disk or address is left' : 'STILL THERE, and it costs:',
      ...left.map(({ kind, name, place }) => `  ${kind} ${name} in ${place}`),
      ...(outputs === 'unread' ? [`results may have stayed: ${search}`] : []),
      ...(results === null
        ? []
        : [`the results stay in ${results}; gcloud storage rm --recursive ${results} removes them`]),
    ]);
    return left.length === 0 ? exitCodes.ok : exitCodes.unexpected;
  },
};
