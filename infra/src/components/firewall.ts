import { Firewall as Rule } from '@pulumi/gcp/compute/firewall.js';
import { ComponentResource, type ComponentResourceOptions, type Input } from '@pulumi/pulumi';
import { IAP_RANGE } from '../plan/addresses.ts';
import { RAFT_PORT } from '../plan/cluster-plan.ts';

export interface FirewallArgs {
  readonly network: Input<string>;
  /** The service accounts of the nodes; a rule may name ten. */
  readonly accounts: Input<string>[];
}

/**
 * Who may reach the nodes: each other on one port, by their service accounts (a tag can be set by anybody who may edit a machine),
 * and SSH through Identity-Aware Proxy. All else that comes in is refused. What goes out is the load.
 */
export class Firewall extends ComponentResource {
  constructor(name: string, { network, accounts }: FirewallArgs, options?: ComponentResourceOptions) {
    super('tutti:infra:Firewall', name, {}, options);
    const common = { network, direction: 'INGRESS' };
    const parent = { parent: this };
    new Rule(
      `${name}-deny`,
      { ...common, priority: 65_000, denies: [{ protocol: 'all' }], sourceRanges: ['0.0.0.0/0'] },
      parent,
    );
    new Rule(
      `${name}-raft`,
      {
        ...common,
        allows: [{ protocol: 'tcp', ports: [String(RAFT_PORT)] }],
        sourceServiceAccounts: accounts,
        targetServiceAccounts: accounts,
      },
      parent,
    );
    new Rule(
      `${name}-iap-ssh`,
      {
        ...common,
        allows: [{ protocol: 'tcp', ports: ['22'] }],
        sourceRanges: [IAP_RANGE],
        targetServiceAccounts: accounts,
      },
      parent,
    );
    this.registerOutputs();
  }
}
