import { idsAt, named, replacedBy, selfLink } from './gcp-network.ts';
import type { ResourceKind, Rule } from './resource-kind.ts';
import { textOf, textsAt } from './values.ts';

const registry = 'https://registry.terraform.io/providers/hashicorp/google/latest/docs/resources';
const rest = 'https://cloud.google.com/compute/docs/reference/rest/v1';

export const gcpMachine: Readonly<Record<string, ResourceKind>> = {
  'gcp:compute/disk:Disk': {
    module: 'compute/disk',
    docs: `${registry}/compute_disk`,
    api: 'compute.googleapis.com',
    autonamed: 'name',
    rules: [
      named(`${rest}/disks#Disk.FIELDS.name`),
      // A disk grows in place; one that is to be smaller is made anew, and the stand-in replaces it in either case.
      ...replacedBy(
        `${registry}/compute_disk#argument-reference`,
        'name',
        'project',
        'zone',
        'type',
        'image',
        'snapshot',
        'size',
      ),
    ],
    id: ({ project, inputs }) => `projects/${project}/zones/${textOf(inputs, 'zone')}/disks/${textOf(inputs, 'name')}`,
    computed: { project: ({ project }) => project, selfLink },
  },
  'gcp:compute/instance:Instance': {
    module: 'compute/instance',
    docs: `${registry}/compute_instance`,
    api: 'compute.googleapis.com',
    autonamed: 'name',
    uses: (context) => [
      ...idsAt(context, 'networkInterfaces.subnetwork'),
      ...idsAt(context, 'attachedDisks.source'),
      ...textsAt(context.inputs, 'serviceAccount.email').map(
        (email) => `projects/${context.project}/serviceAccounts/${email}`,
      ),
    ],
    rules: [
      named(`${rest}/instances#Instance.FIELDS.name`),
      {
        excludes: ['metadataStartupScript', 'metadata.startup-script'],
        docs: `${registry}/compute_instance#metadata_startup_script-1`,
      },
      ...replacedBy(
        `${registry}/compute_instance#argument-reference`,
        ...[
          'name',
          'project',
          'zone',
          'hostname',
          'description',
          'metadataStartupScript',
          'scratchDisks',
          'guestAccelerators',
        ],
        ...[
          'bootDisk.autoDelete',
          'bootDisk.deviceName',
          'bootDisk.source',
          'bootDisk.initializeParams',
          'resourcePolicies',
        ],
        ...[
          'networkInterfaces.#',
          'networkInterfaces.nicType',
          'networkInterfaces.queueCount',
          'reservationAffinity',
          'params',
        ],
        ...[
          'scheduling.preemptible',
          'scheduling.provisioningModel',
          'scheduling.maxRunDuration',
          'confidentialInstanceConfig',
        ],
      ),
      // "If you try to update a property that requires stopping the instance without setting this field, the update will fail."
      ...[
        'machineType',
        'minCpuPlatform',
        'serviceAccount',
        'enableDisplay',
        'shieldedInstanceConfig',
        'advancedMachineFeatures',
      ]
        .concat('networkInterfaces.network', 'networkInterfaces.subnetwork', 'networkInterfaces.networkIp')
        .map((stops): Rule => ({ stops, docs: `${registry}/compute_instance#allow_stopping_for_update-1` })),
      { unordered: 'serviceAccount.scopes', docs: `${registry}/compute_instance#scopes-1` },
      { unordered: 'tags', docs: `${registry}/compute_instance#tags-1` },
    ],
    id: ({ project, inputs }) =>
      `projects/${project}/zones/${textOf(inputs, 'zone')}/instances/${textOf(inputs, 'name')}`,
    computed: {
      project: ({ project }) => project,
      selfLink,
      instanceId: ({ serial }) => `${1_000_000_000_000_000_000n + BigInt(serial)}`,
      currentStatus: () => 'RUNNING',
      cpuPlatform: () => 'Intel Broadwell',
    },
    keeps: ({ deletionProtection }) => (deletionProtection === true ? 'deletion protection is on' : null),
  },
};
