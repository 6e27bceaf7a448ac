import { checkOut, printReport } from '../../../../node/src/cli/output.ts';
import { loadPlan } from '../../../../node/src/cli/plan-file.ts';
import { exitCodes } from '../../../../node/src/lib/exit-codes.ts';
import { exitCodeOf } from '../../../../node/src/results/build-report.ts';
import { bucketOf, objectOf } from '../../outputs.ts';
import { describeEgress, egressOf } from '../../plan/egress.ts';
import { type CloudCommand, numberOf, textOf } from '../command.ts';
import { deployedStack } from '../deployed.ts';
import { awaitResult } from '../results.ts';

/** Beyond the plan's own duration: the leader's next look at the bucket, preparation, requests in flight, and the result's way. */
const aroundRunMs = 300_000;

/** The next test: the plan to where the leader looks for it. */
export const upload: CloudCommand = {
  usage: 'upload <plan>',
  description: 'Check a plan and put it into the bucket, where the leader finds it within seconds and runs it.',
  options: [
    ['--wait', 'wait for the result and print it'],
    ['--timeout <seconds>', 'how long to wait beyond the duration of the plan', String(aroundRunMs / 1000)],
    ['--out <file>', 'with --wait: write the result as JSON'],
  ],
  examples: ['scripts/cloud upload examples/checkout.yaml --wait'],
  notes:
    'While another run is on, a plan that differs in its load alone changes that run; any other begins when it has ended.',
  async run(context, [file = ''], options) {
    const aroundMs = numberOf(options, 'timeout', 1, 30 * 86_400) * 1000;
    const { plan, text } = loadPlan(file);
    checkOut(textOf(options, 'out') ?? undefined);
    const outputs = await deployedStack(context);
    const { bucket, object } = objectOf(outputs.plan);
    context.say.progress(describeEgress(egressOf(plan)));
    const { bytes, generation } = await context.storage.write(bucket, object, text, 'application/yaml');
    const submission = `${outputs.plan}#${generation}`;
    if (options.wait !== true) {
      const next = 'scripts/cloud result --wait';
      context.say.result({ submission, generation, bytes, next }, () => [
        `${submission} (${bytes} bytes)`,
        `next: ${next}`,
      ]);
      return exitCodes.ok;
    }
    context.say.progress(`${submission}: waiting for its result; the plan takes ${plan.durationMs / 1000} s`);
    const timeoutMs = plan.durationMs + aroundMs;
    const { report } = await awaitResult(context, { bucket: bucketOf(outputs.results), submission, timeoutMs });
    printReport(report, { json: context.say.json, out: textOf(options, 'out') });
    return exitCodeOf(report);
  },
};
