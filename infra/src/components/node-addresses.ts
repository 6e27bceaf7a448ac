import { Address } from '@pulumi/gcp/compute/address.js';
import { ComponentResource, type ComponentResourceOptions, type Input, type Output } from '@pulumi/pulumi';
import type { PlannedNode } from '../plan/cluster-plan.ts';

export interface NodeAddressesArgs {
  readonly node: PlannedNode;
  readonly subnet: Input<string>;
}

/**
 * Two addresses that outlive the machine: an internal one for the other nodes, which is the planned one, and an external one that
 * the load comes from (a target can allow it by name, and it has all ports, which Cloud NAT has not).
 */
export class NodeAddresses extends ComponentResource {
  readonly internal: Output<string>;
  readonly external: Output<string>;

  constructor(name: string, { node, subnet }: NodeAddressesArgs, options?: ComponentResourceOptions) {
    super('tutti:infra:NodeAddresses', name, {}, options);
    // A pinned address cannot be made anew before the old one is gone.
    const child = { parent: this, deleteBeforeReplace: true };
    const { region, labels } = node;
    const internal = new Address(
      `${name}-internal`,
      {
        name: `${node.name}-int`,
        region,
        labels,
        addressType: 'INTERNAL',
        subnetwork: subnet,
        address: node.internalIp,
      },
      child,
    );
    const external = new Address(
      `${name}-external`,
      { name: `${node.name}-ext`, region, labels, addressType: 'EXTERNAL' },
      child,
    );
    this.internal = internal.address;
    this.external = external.address;
    this.registerOutputs({ internal: this.internal, external: this.external });
  }
}
