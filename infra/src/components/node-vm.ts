import { Disk } from '@pulumi/gcp/compute/disk.js';
import { Instance } from '@pulumi/gcp/compute/instance.js';
import { ComponentResource, type ComponentResourceOptions, type Input, type Output } from '@pulumi/pulumi';
import { DATA_DEVICE_NAME } from '../boot/scripts.ts';
import { BOOT_DISK_GIB } from '../plan/cost.ts';
import type { PlannedNode } from '../plan/cluster-plan.ts';

export interface NodeVmArgs {
  readonly node: PlannedNode;
  readonly machineType: string;
  readonly dataDiskGib: number;
  readonly maxRunHours: number;
  readonly subnet: Input<string>;
  readonly internalIp: Input<string>;
  readonly externalIp: Input<string>;
  readonly serviceAccount: Input<string>;
  /** cloud-init, the same on all nodes. */
  readonly userData: string;
  readonly settings: Input<string>;
  /** What brings it its keys; null: it has none. */
  readonly credentials: string | null;
  readonly clusterNodes: string;
  /** BUCKET/OBJECT of the bundle that it runs from its next start on; null: the image has the node. */
  readonly bundle: string | null;
}

/**
 * The machine of one node, with a disk of its own for the log. Everything about the cluster is in attributes, which change in
 * place. What Google cannot change on a running machine is refused by the provider, since `allowStoppingForUpdate` is not set: one `up`
 * would stop all nodes at once.
 */
export class NodeVm extends ComponentResource {
  readonly selfLink: Output<string>;

  constructor(name: string, args: NodeVmArgs, options?: ComponentResourceOptions) {
    super('tutti:infra:NodeVm', name, {}, options);
    const { node } = args;
    const { zone, labels } = node;
    const disk = new Disk(
      `${name}-data`,
      { name: `${node.name}-data`, zone, labels, size: args.dataDiskGib, type: 'pd-balanced' },
      { parent: this },
    );
    const machine = new Instance(
      name,
      {
        name: node.name,
        zone,
        labels,
        machineType: args.machineType,
        bootDisk: {
          initializeParams: { image: 'projects/cos-cloud/global/images/family/cos-stable', size: BOOT_DISK_GIB },
        },
        attachedDisks: [{ source: disk.selfLink, deviceName: DATA_DEVICE_NAME }],
        networkInterfaces: [
          { subnetwork: args.subnet, networkIp: args.internalIp, accessConfigs: [{ natIp: args.externalIp }] },
        ],
        serviceAccount: { email: args.serviceAccount, scopes: ['cloud-platform'] },
        shieldedInstanceConfig: { enableSecureBoot: true, enableVtpm: true, enableIntegrityMonitoring: true },
        scheduling: { maxRunDuration: { seconds: args.maxRunHours * 3600 }, instanceTerminationAction: 'STOP' },
        metadata: attributesOf(args),
      },
      { parent: this, deleteBeforeReplace: true },
    );
    this.selfLink = machine.selfLink;
    this.registerOutputs({ selfLink: this.selfLink });
  }
}

function attributesOf(args: NodeVmArgs): Record<string, Input<string>> {
  const { userData, settings, credentials, clusterNodes, bundle } = args;
  return {
    'user-data': userData,
    'tutti-settings': settings,
    ...(credentials !== null && { 'tutti-credentials': credentials }),
    'cluster-nodes': clusterNodes,
    ...(bundle !== null && { 'tutti-bundle': bundle }),
    'enable-oslogin': 'TRUE',
    'block-project-ssh-keys': 'TRUE',
    'google-logging-enabled': 'true',
    'google-monitoring-enabled': 'true',
  };
}
