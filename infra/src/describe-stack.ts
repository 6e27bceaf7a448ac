import type { Output, Unwrap } from '@pulumi/pulumi';
import type { StackConfig } from './config/schema.ts';
import type { StackOutputs } from './outputs.ts';
import type { ClusterPlan } from './plan/cluster-plan.ts';
import { type CostEstimate, estimateCost } from './plan/cost.ts';
import type { Egress } from './plan/egress.ts';
import { fullSecretName, tokenSecretOf } from './plan/secrets.ts';

export interface NodeOutput {
  readonly id: string;
  readonly role: 'voter' | 'learner';
  readonly region: string;
  readonly zone: string;
  readonly instance: string;
  readonly internalIp: Output<string>;
  readonly externalIp: Output<string>;
  readonly keysSecret: string | null;
}

interface Described {
  readonly project: string;
  readonly stack: string;
  readonly clusterNodes: string;
  readonly plan: Output<string>;
  readonly results: Output<string>;
  readonly keepResults: boolean;
  readonly keys: StackConfig['keys'];
  readonly nodes: NodeOutput[];
  readonly timings: Mutable<ClusterPlan['timings']>;
  readonly cost: CostEstimate;
  readonly apiToken: string | null;
  readonly next: string;
}

/** A schema's lists are not readonly. */
type Mutable<Value> = Value extends readonly (infer One)[]
  ? Mutable<One>[]
  : Value extends object
    ? { [Key in keyof Value]: Mutable<Value[Key]> }
    : Value;

/** What a stack says of itself (`pulumi stack output --json`): exactly what the scripts read, or it does not compile. */
export type Outputs = Unwrap<Described> extends StackOutputs ? Described : never;

export interface Made {
  readonly plan: Output<string>;
  readonly results: Output<string>;
  readonly nodes: NodeOutput[];
  readonly egress: Egress;
}

/** The outputs of a stack, from what was planned and what was made. */
export function describeStack(config: StackConfig, cluster: ClusterPlan, { egress, ...made }: Made): Outputs {
  const { keepResults, keys, project, runtime, stack } = config;
  const { clusterNodes, timings } = cluster;
  return {
    ...made,
    project,
    stack,
    clusterNodes,
    keepResults,
    keys,
    timings: { ...timings, central: [...timings.central] },
    cost: estimateCost({ ...runtime, nodes: cluster.nodes.length }, egress),
    apiToken: keys === 'none' ? null : fullSecretName(project, tokenSecretOf(cluster)),
    next: nextCommand(config),
  };
}

/** After `pulumi up`: keys that are brought by hand, where no node starts without; else the result of the plan that is there. */
function nextCommand({ keys, stack }: StackConfig): string {
  return `scripts/cloud ${keys === 'external' ? 'keys' : 'result --wait'} --stack ${stack}`;
}
