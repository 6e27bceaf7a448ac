import { getProject, getStack, log, RunError, runtime } from '@pulumi/pulumi';
import { fileURLToPath } from 'node:url';
import { makeBundle } from './src/bundle/bundle.ts';
import { parseStackConfig, StackConfigError } from './src/config/parse.ts';
import type { Outputs } from './src/describe-stack.ts';
import { readPlanFile } from './src/plan-file.ts';
import { deploy } from './src/program.ts';

/** The keys of this program's namespace, without it. */
function ownValues(): Record<string, string> {
  const own = `${getProject()}:`;
  const entries = Object.entries(runtime.allConfig()).filter(([key]) => key.startsWith(own));
  return Object.fromEntries(entries.map(([key, value]) => [key.slice(own.length), value]));
}

function run(): Outputs {
  try {
    const project = runtime.allConfig()['gcp:project'];
    const config = parseStackConfig({ project, stack: getStack(), values: ownValues() });
    const repository = fileURLToPath(new URL('..', import.meta.url));
    return deploy(config, readPlanFile(config.plan), () => makeBundle(repository));
  } catch (error) {
    // What a user can mend is shown without a stack trace.
    throw error instanceof StackConfigError ? new RunError(error.message) : error;
  }
}

export const { project, stack, clusterNodes, plan, results, keepResults, keys, nodes, timings, cost, apiToken, next } =
  run();

const { egressOfPlan } = cost;
void log.info(
  `${nodes.length} nodes, about ${cost.usdPerHour} USD an hour and ${cost.usdUntilStopped} USD until they stop themselves; ` +
    (egressOfPlan === null
      ? `the load comes on top, and the plan fixes no rate: ${cost.egressUsdPerHourAtOneGbitPerNode} USD an hour if each node sends 1 Gbit/s. `
      : `the plan sends ${egressOfPlan.gb === 0 ? 'less than 0.001' : `about ${egressOfPlan.gb}`} GB on top (${egressOfPlan.usd} USD). `) +
    'This program has not yet been tried on Google Cloud: docs/google-cloud.md.',
);
if (!runtime.isDryRun()) void log.info(`next: ${next}`);
