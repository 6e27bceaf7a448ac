import { type Command, InvalidArgumentError } from 'commander';
import { TuttiError } from '../lib/errors.ts';
import { exitCodes } from '../lib/exit-codes.ts';
import { exitCodeOf } from '../results/build-report.ts';
import { readSettings } from '../settings/read.ts';
import { checkOut, printReport } from './output.ts';
import { loadPlan } from './plan-file.ts';
import { progressLine } from './progress.ts';

interface RunOptions {
  readonly generators?: string;
  readonly metricsAddr?: string;
  readonly json?: true;
  readonly quiet?: true;
  readonly out?: string;
}

/** run and validate: this machine alone. Nothing of the cluster is loaded (held by test/integration/standalone). */
export function addRunCommands(program: Command): void {
  program
    .command('run <plan>')
    .description('Run a plan on this machine alone.')
    .option('--generators <count>', 'generator processes [GENERATORS, default: one per core]')
    .option(
      '--metrics-addr <address>',
      'where to serve GET /metrics meanwhile, or none [METRICS_ADDR, default: 127.0.0.1:9090]',
    )
    .option('--json', 'print the result as JSON')
    .option('--quiet', 'no progress')
    .option('--out <file>', 'write the result as JSON', (value) => {
      if (value === '') throw new InvalidArgumentError('a file name is needed');
      return value;
    })
    .addHelpText(
      'after',
      '\nExamples:\n  tutti run examples/minimal.yaml\n  tutti run plan.yaml --json --quiet > result.json\n',
    )
    .action(run);
  program
    .command('validate <plan>')
    .description('Check a plan and stop before the load.')
    .option('--json', 'print the plan as it is understood, defaults filled in')
    .action(validate);
}

function validate(file: string, options: { readonly json?: true }): void {
  const { plan } = loadPlan(file);
  if (options.json) return console.log(JSON.stringify(plan, null, 2));
  const load =
    plan.load.model === 'rps' ? `${plan.load.ratePerSecond} iterations/s` : `${plan.workers ?? 10} concurrent users`;
  const steps = plan.scenarios.reduce((count, scenario) => count + scenario.steps.length, 0);
  console.log(
    `${file}: valid. ${load} for ${plan.durationMs / 1000} s, ${plan.scenarios.length} scenarios with ${steps} steps, against ${plan.baseUrl}`,
  );
}

async function run(file: string, options: RunOptions): Promise<void> {
  const settings = readSettings(process.env, {
    ...(options.generators === undefined ? {} : { generators: options.generators }),
    ...(options.metricsAddr === undefined ? {} : { metricsAddress: options.metricsAddr }),
  });
  if (settings.clusterEnabled) {
    throw new TuttiError(
      'SETTINGS_INVALID',
      'CLUSTER_ENABLED is true, and `tutti run` is a run on this machine alone: use `tutti node` and `tutti submit`, or unset it',
    );
  }
  const { text, plan } = loadPlan(file);
  checkOut(options.out);
  const { runStandalone } = await import('../standalone/run.ts');
  const { createLog } = await import('../lib/logger.ts');
  const line = progressLine(options);
  const stop = new AbortController();
  const onSignal = (): void => {
    if (stop.signal.aborted) process.exit(exitCodes.stopped);
    line.say('stopping: waiting for the requests in flight (again to give up at once)');
    stop.abort();
  };
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
  const report = await runStandalone({
    plan,
    planText: text,
    generators: settings.generators,
    metricsAddress: settings.metricsAddress,
    hostNames: settings.apiHostNames,
    onProgress: (progress) => line.show(progress),
    signal: stop.signal,
    log: createLog({ level: settings.logLevel, format: settings.logFormat, fields: () => ({}) }),
  });
  line.end();
  printReport(report, { json: options.json ?? false, out: options.out ?? null });
  process.exitCode = exitCodeOf(report);
}
