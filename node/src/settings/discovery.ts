import { boolean, dialledAddress, oneOf, setting, type Setting, text, wholeNumber } from './fields.ts';

const forConsul = 'For DISCOVERY_MODE=consul.';
/** It becomes part of a name in DNS (RFC 1123 section 2.1). */
const label = text
  .regex(
    /^[a-z0-9]([a-z0-9-]{0,48}[a-z0-9])?$/,
    'must have 1 to 50 lower-case letters, digits and hyphens (not at an end)',
  )
  .nullable()
  .default(null);

export const discoverySettings = {
  role: setting(
    'CLUSTER_ROLE',
    oneOf(['voter', 'learner']).nullable().default(null),
    'what CLUSTER_NODES says, else voter',
    'learner: this node generates load and has no vote, now or later. Where a list says what it is, the same.',
  ),
  founders: setting(
    'CLUSTER_FOUNDERS',
    text
      .regex(/^gs:\/\/[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]\/\S+$/, 'must be gs://bucket/object')
      .nullable()
      .default(null),
    'none (required when DISCOVERY_MODE is gce)',
    'gs://bucket/object: the list, as of CLUSTER_NODES, of those who found the cluster. Written once; nodes wait for it. For DISCOVERY_MODE=gce.',
  ),
  gceMetadataHost: {
    ...setting(
      'GCE_METADATA_HOST',
      text.nullable().default(null),
      '169.254.169.254',
      'Where the metadata server of the machine is, as Google’s libraries read it, too. For DISCOVERY_MODE=gce.',
    ),
    flag: null,
  },
  clusterName: setting(
    'CLUSTER_ID',
    label,
    'default',
    `Which cluster: nodes of the same service and id become one. ${forConsul}`,
  ),
  expectNodes: setting(
    'CLUSTER_EXPECT_NODES',
    wholeNumber(1, 1000).nullable().default(null),
    'none (this or CLUSTER_MIN_PEERS is required)',
    `How many nodes found the cluster, this one included; who comes later joins it. ${forConsul}`,
  ),
  minPeers: setting(
    'CLUSTER_MIN_PEERS',
    wholeNumber(0, 999).nullable().default(null),
    'none',
    `The same counted without this node: how many others it waits for. ${forConsul}`,
  ),
  serviceName: setting(
    'CONSUL_SERVICE_NAME',
    label,
    'loadtest-cluster',
    `The service as which the nodes are registered. ${forConsul}`,
  ),
  consulDns: setting(
    'CONSUL_DNS',
    dialledAddress.nullable().default(null),
    'none',
    `Consul’s DNS as host:port, usually port 8600: peers are found by its SRV records instead of HTTP. ${forConsul}`,
  ),
  leaveOnStop: {
    ...setting(
      'CLUSTER_LEAVE_ON_STOP',
      boolean.default(false),
      'false',
      `A node that is stopped in order leaves the cluster for good, and begins anew when it is started again. ${forConsul}`,
    ),
    isSwitch: true,
  },
} satisfies Record<string, Setting>;
