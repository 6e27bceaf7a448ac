import { Network as Vpc } from '@pulumi/gcp/compute/network.js';
import { Subnetwork } from '@pulumi/gcp/compute/subnetwork.js';
import { ComponentResource, type ComponentResourceOptions, type Output } from '@pulumi/pulumi';
import type { PlannedRegion } from '../plan/cluster-plan.ts';

export interface NetworkArgs {
  readonly regions: readonly PlannedRegion[];
}

/** One network for all regions, with a subnet in each: internal addresses reach each other without any tunnel. */
export class Network extends ComponentResource {
  readonly id: Output<string>;
  /** By region. */
  readonly subnets: ReadonlyMap<string, Output<string>>;

  constructor(name: string, { regions }: NetworkArgs, options?: ComponentResourceOptions) {
    super('tutti:infra:Network', name, {}, options);
    const vpc = new Vpc(name, { name, autoCreateSubnetworks: false, routingMode: 'GLOBAL' }, { parent: this });
    this.id = vpc.id;
    this.subnets = new Map(
      regions.map(({ name: region, subnetName, cidr }) => {
        const subnet = new Subnetwork(
          subnetName,
          { name: subnetName, network: vpc.id, region, ipCidrRange: cidr, privateIpGoogleAccess: true },
          { parent: this },
        );
        return [region, subnet.id];
      }),
    );
    this.registerOutputs({ id: this.id });
  }
}
