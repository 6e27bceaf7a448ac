import { IAMMember } from '@pulumi/gcp/projects/iammember.js';
import { Account } from '@pulumi/gcp/serviceaccount/account.js';
import { ComponentResource, type ComponentResourceOptions, type Output } from '@pulumi/pulumi';
import type { PlannedNode } from '../plan/cluster-plan.ts';

export interface IdentityArgs {
  readonly project: string;
  readonly node: PlannedNode;
}

const roles = ['roles/logging.logWriter', 'roles/monitoring.metricWriter'];

/** The service account of one node, without keys, and what it may do in the project. Rights on buckets are given by these. */
export class Identity extends ComponentResource {
  readonly email: Output<string>;
  /** "serviceAccount:EMAIL", as rights are given to. */
  readonly member: Output<string>;

  constructor(name: string, { project, node }: IdentityArgs, options?: ComponentResourceOptions) {
    super('tutti:infra:Identity', name, {}, options);
    const account = new Account(
      name,
      { accountId: node.accountId, displayName: `tutti node ${node.id}` },
      { parent: this },
    );
    this.email = account.email;
    this.member = account.member;
    for (const role of roles)
      new IAMMember(`${name}-${role.split('.')[1]!}`, { project, role, member: account.member }, { parent: this });
    this.registerOutputs({ email: this.email });
  }
}
