import { exitCodes } from '../../../../node/src/lib/exit-codes.ts';
import type { StackConfig } from '../../config/schema.ts';
import { judgeApis, neededApis } from '../doctor/apis.ts';
import { type Finding, missing, ok, unknown } from '../doctor/finding.ts';
import { constraintNames, judgePolicies } from '../doctor/policies.ts';
import { judgeQuotas, needOf } from '../doctor/quotas.ts';
import { judgeRights, operatorPermissions } from '../doctor/rights.ts';
import type { CloudCommand, CloudContext } from '../command.ts';
import { CloudFailure } from '../failure.ts';
import type { Quota } from '../google/compute.ts';
import { GoogleFailure } from '../google/rest.ts';
import type { Say } from '../say.ts';

/** Everything that can be in the way of `up`, each with the command that mends it; changes nothing. */
export const doctor: CloudCommand = {
  usage: 'doctor',
  description:
    'Look for what is in the way: configuration, plan, login, project, APIs, rights, quotas, organization policies.',
  options: [],
  examples: ['scripts/cloud doctor', 'scripts/cloud doctor --json'],
  async run(context) {
    const findings = await examine(context);
    context.say.result({ findings }, () => findings.flatMap((finding) => linesOf(finding, context.say.paint)));
    return findings.some(({ state }) => state === 'missing') ? exitCodes.unexpected : exitCodes.ok;
  },
};

async function examine(context: CloudContext): Promise<readonly Finding[]> {
  const { engine, facts, reach } = context;
  const way = await reach.whyNot();
  const tools =
    way === null ? ok('gcloud', 'on the PATH') : missing('gcloud', way, 'https://cloud.google.com/sdk/docs/install');
  const why = await facts.login();
  const login =
    why === null
      ? ok('login', 'Application Default Credentials give a token')
      : missing('login', why, 'gcloud auth application-default login');
  let config: StackConfig;
  try {
    config = await engine.config();
  } catch (thrown) {
    if (!(thrown instanceof CloudFailure)) throw thrown;
    const chapter = thrown.exitCode === exitCodes.invalidInput ? 'A stack' : 'From an empty project to a result';
    return [tools, missing('stack', thrown.message, `docs/google-cloud.md, "${chapter}"`), login];
  }
  const stack = ok('stack', `${config.stack} in ${config.project}, ${config.regions.join(', ')}`);
  const found = [tools, stack, await planFinding(context, config), login];
  if (why !== null) return found;
  const parts = await Promise.all([
    projectFindings(context, config),
    facts.enabled(config.project, neededApis).then((enabled) => [judgeApis(config.project, enabled)]),
    facts.granted(config.project, operatorPermissions).then((granted) => judgeRights(config.project, granted)),
    quotaFindings(context, config),
    policyFindings(context, config),
  ]);
  return [...found, ...parts.flat()];
}

async function planFinding({ engine }: CloudContext, { plan }: StackConfig): Promise<Finding> {
  try {
    await engine.checkPlan();
    return ok('plan', `${plan} is one that a leader takes`);
  } catch (thrown) {
    if (!(thrown instanceof CloudFailure)) throw thrown;
    return missing(
      'plan',
      thrown.message,
      'pulumi config set tutti:plan PLAN (a path from the folder infra), or mend the file',
    );
  }
}

async function projectFindings({ facts }: CloudContext, { project }: StackConfig): Promise<readonly Finding[]> {
  const [state, billing] = await Promise.all([facts.state(project), facts.billingEnabled(project)]);
  const link = `gcloud billing projects link ${project} --billing-account=ACCOUNT`;
  return [
    state === 'ACTIVE'
      ? ok('project', `${project} is there`)
      : state === null
        ? unknown('project', `${project} is not there, or you may not see it`, `gcloud projects describe ${project}`)
        : missing('project', `${project} is ${state}`, `gcloud projects undelete ${project}`),
    billing === true
      ? ok('billing', 'is enabled')
      : billing === null
        ? unknown('billing', 'is not to be seen', `gcloud billing projects describe ${project}`)
        : missing('billing', 'is not enabled, and no machine starts without', link),
  ];
}

/** What the stack has already is in use, so only what is to come is needed. */
async function quotaFindings({ compute }: CloudContext, config: StackConfig): Promise<readonly Finding[]> {
  const { project, regions, stack } = config;
  const wanted = config.nodesPerRegion + config.loadNodesPerRegion;
  const seen = async <Value>(asked: Promise<Value>): Promise<Value | null> => {
    try {
      return await asked;
    } catch (thrown) {
      if (thrown instanceof GoogleFailure) return null;
      throw thrown;
    }
  };
  const machines = (await seen(compute.machines(project, stack))) ?? [];
  const toCome = (region: string): number =>
    Math.max(0, wanted - machines.filter(({ zone }) => zone.startsWith(`${region}-`)).length);
  const quotasOf = (region: string | null): Promise<readonly Quota[] | null> => seen(compute.quotas(project, region));
  const cpus = regions.reduce((sum, region) => {
    const need = needOf(config, toCome(region));
    return sum + (need.CPUS ?? need.N2_CPUS ?? need.C3_CPUS ?? 0);
  }, 0);
  const all = await Promise.all([
    quotasOf(null).then((quotas) => judgeQuotas(project, null, quotas, { CPUS_ALL_REGIONS: cpus })),
    ...regions.map(async (region) =>
      judgeQuotas(project, region, await quotasOf(region), needOf(config, toCome(region))),
    ),
  ]);
  return all.flat();
}

async function policyFindings({ facts }: CloudContext, { project }: StackConfig): Promise<readonly Finding[]> {
  const asked = constraintNames.map(async (name) => [name, await facts.policy(project, name)] as const);
  return judgePolicies(project, new Map(await Promise.all(asked)));
}

const marks = { ok: ['green', 'ok     '], missing: ['red', 'MISSING'], unknown: ['yellow', 'unknown'] } as const;

function linesOf({ command, detail, state, what }: Finding, paint: Say['paint']): readonly string[] {
  const [colour, mark] = marks[state];
  return [`${paint(colour, mark)}  ${what}: ${detail}`, ...(command === null ? [] : [`           ${command}`])];
}
