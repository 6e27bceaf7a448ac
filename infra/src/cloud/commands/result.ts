import { checkOut, printReport } from '../../../../node/src/cli/output.ts';
import { exitCodes } from '../../../../node/src/lib/exit-codes.ts';
import { exitCodeOf } from '../../../../node/src/results/build-report.ts';
import { bucketOf, objectOf, type StackOutputs } from '../../outputs.ts';
import { type CloudCommand, type CloudContext, numberOf, textOf } from '../command.ts';
import { deployedStack } from '../deployed.ts';
import { CloudFailure } from '../failure.ts';
import { awaitResult, readResult, resultNames, type StoredResult } from '../results.ts';

/** The newest result, another by its run, or the one that is to come. */
export const result: CloudCommand = {
  usage: 'result',
  description: 'Print the newest result in the results bucket, as `tutti result` does.',
  options: [
    ['--run <id>', 'that of this run instead'],
    ['--list', 'the names of all results, oldest first'],
    ['--wait', 'wait for the result of the plan that is in the bucket now'],
    ['--timeout <seconds>', 'how long to wait', '3600'],
    ['--out <file>', 'write it as JSON'],
  ],
  examples: ['scripts/cloud result', 'scripts/cloud result --wait --json > result.json', 'scripts/cloud result --list'],
  async run(context, _args, options) {
    const timeoutMs = numberOf(options, 'timeout', 1, 30 * 86_400) * 1000;
    checkOut(textOf(options, 'out') ?? undefined);
    const outputs = await deployedStack(context);
    const { say, storage } = context;
    const bucket = bucketOf(outputs.results);
    if (options.list === true) {
      const names = await resultNames(storage, bucket);
      say.result({ bucket, names }, () => names.map((name) => `gs://${bucket}/${name}`));
      return exitCodes.ok;
    }
    const found =
      options.wait === true
        ? await awaitResult(context, { bucket, submission: await submissionNow(context, outputs), timeoutMs })
        : await stored(context, bucket, textOf(options, 'run'));
    say.progress(`gs://${bucket}/${found.name}`);
    printReport(found.report, { json: say.json, out: textOf(options, 'out') });
    return exitCodeOf(found.report);
  },
};

/** What the plan in the bucket is submitted as. */
export async function submissionNow({ storage }: CloudContext, { plan }: StackOutputs): Promise<string> {
  const { bucket, object } = objectOf(plan);
  const now = await storage.stat(bucket, object);
  if (now === null)
    throw new CloudFailure(`there is no ${plan}; put a plan there: scripts/cloud upload PLAN`, exitCodes.noCluster);
  return `${plan}#${now.generation}`;
}

async function stored({ storage }: CloudContext, bucket: string, run: string | null): Promise<StoredResult> {
  const names = await resultNames(storage, bucket);
  const name = names.findLast((one) => run === null || one.endsWith(`-${run}.json`));
  if (name !== undefined) return readResult(storage, bucket, name);
  throw new CloudFailure(
    run === null
      ? `there is no result in gs://${bucket} yet; wait for it: scripts/cloud result --wait`
      : `there is no result of ${run} in gs://${bucket}; scripts/cloud result --list`,
    exitCodes.noCluster,
  );
}
