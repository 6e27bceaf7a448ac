import { Firewall as Rule } from '@pulumi/gcp/compute/firewall.js';
import { ComponentResource, type ComponentResourceOptions, type Input } from '@pulumi/pulumi';
import { IAP_RANGE } from '../plan/addresses.ts';
import { RAFT_PORT } from '../plan/cluster-plan.ts';

export interface FirewallArgs {
  readonly network: Input<string>;
  /** The service accounts of the nodes. */
  readonly accounts: Input<string>[];
}

/** As many accounts as one rule may name (cloud.google.com/firewall/docs/firewalls#service-accounts-vs-tags). */
const MAX_ACCOUNTS = 10;

/**
 * Who may reach the nodes: each other on one port, by their service accounts (a tag can be set by anybody who may edit a machine),
 * and SSH through Identity-Aware Proxy. All else that comes in is refused. What goes out is the load. The rules hold for the
 * whole network, which has the nodes of this stack and nothing else.
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
    for (const [index, sources] of inTens(accounts).entries())
      new Rule(
        index === 0 ? `${name}-raft` : `${name}-raft-${index + 1}`,
        { ...common, allows: [{ protocol: 'tcp', ports: [String(RAFT_PORT)] }], sourceServiceAccounts: sources },
        parent,
      );
    new Rule(
      `${name}-iap-ssh`,
      { ...common, allows: [{ protocol: 'tcp', ports: ['22'] }], sourceRanges: [IAP_RANGE] },
      parent,
    );
    this.registerOutputs();
  }
}

function inTens<T>(all: readonly T[]): readonly T[][] {
  const count = Math.ceil(all.length / MAX_ACCOUNTS);
  return Array.from({ length: count }, (_, index) => all.slice(index * MAX_ACCOUNTS, (index + 1) * MAX_ACCOUNTS));
}
