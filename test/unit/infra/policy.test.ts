import { beforeAll, describe, expect, it } from 'vitest';
import { type Resource, rules, violations } from '../../../infra/policy/rules.ts';
import { type Graph } from './engine.ts';
import { stackOf, seven, three, valuesOf } from './stack.ts';

const labels = { application: 'tutti', stack: 'dev', 'managed-by': 'pulumi' };
const good: readonly Resource[] = [
  {
    type: 'gcp:storage/bucket:Bucket',
    name: 'b',
    props: { labels, publicAccessPrevention: 'enforced', uniformBucketLevelAccess: true },
  },
  {
    type: 'gcp:compute/firewall:Firewall',
    name: 'f',
    props: { direction: 'INGRESS', allows: [{ protocol: 'tcp', ports: ['7000'] }], sourceServiceAccounts: ['a@b'] },
  },
  {
    type: 'gcp:compute/instance:Instance',
    name: 'i',
    props: {
      labels,
      metadata: { 'enable-oslogin': 'TRUE', 'block-project-ssh-keys': 'TRUE', 'tutti-settings': 'CLUSTER_NODE_ID=a\n' },
      shieldedInstanceConfig: { enableSecureBoot: true, enableVtpm: true, enableIntegrityMonitoring: true },
      scheduling: { maxRunDuration: { seconds: 3600 }, instanceTerminationAction: 'STOP' },
      serviceAccount: { email: 'node@my-project.iam.gserviceaccount.com' },
      networkInterfaces: [{ subnetwork: 'projects/p/regions/r/subnetworks/tutti-dev-r' }],
    },
  },
  { type: 'gcp:compute/network:Network', name: 'n', props: { autoCreateSubnetworks: false } },
  {
    type: 'gcp:projects/iAMMember:IAMMember',
    name: 'g',
    props: { role: 'roles/logging.logWriter', member: 'serviceAccount:a@b' },
  },
  {
    type: 'gcp:secretmanager/secretIamMember:SecretIamMember',
    name: 's',
    props: { role: 'roles/secretmanager.secretAccessor', member: 'serviceAccount:a@b' },
  },
];
const changed = (name: string, props: object): Resource => {
  const one = good.find((resource) => resource.name === name)!;
  return { ...one, props: { ...one.props, ...props } };
};
const metadataOf = (more: object): object => ({ metadata: { ...(good[2]!.props.metadata as object), ...more } });

describe('the rules', () => {
  it('let pass what is as it should be', () => {
    for (const resource of good) expect(violations(resource)).toEqual([]);
  });

  const bad: readonly (readonly [rule: string, resource: Resource])[] = [
    ['no-public-bucket', changed('b', { publicAccessPrevention: 'inherited' })],
    ['uniform-access', changed('b', { uniformBucketLevelAccess: undefined })],
    ['no-open-firewall', changed('f', { sourceRanges: ['10.0.0.0/8', '0.0.0.0/0'] })],
    ['no-open-firewall', changed('f', { sourceRanges: ['::/0'] })],
    ['firewall-by-account', changed('f', { sourceServiceAccounts: [], sourceRanges: ['10.0.0.0/8'] })],
    ['firewall-by-account', changed('f', { sourceTags: ['web'] })],
    ['no-account-keys', { type: 'gcp:serviceaccount/key:Key', name: 'k', props: {} }],
    ['no-primitive-roles', changed('g', { role: 'roles/editor' })],
    [
      'no-primitive-roles',
      { type: 'gcp:storage/bucketIAMBinding:BucketIAMBinding', name: 'x', props: { role: 'roles/viewer' } },
    ],
    ['no-public-grant', changed('g', { member: 'allUsers' })],
    [
      'no-public-grant',
      {
        type: 'gcp:storage/bucketIAMBinding:BucketIAMBinding',
        name: 'x',
        props: { members: ['allAuthenticatedUsers'] },
      },
    ],
    ['secrets-one-by-one', changed('g', { role: 'roles/secretmanager.secretAccessor' })],
    ['shielded-vm', changed('i', { shieldedInstanceConfig: { enableSecureBoot: true, enableVtpm: true } })],
    ['os-login', changed('i', metadataOf({ 'enable-oslogin': 'FALSE' }))],
    ['os-login', changed('i', { metadata: undefined })],
    ['ends-by-itself', changed('i', { scheduling: {} })],
    [
      'ends-by-itself',
      changed('i', { scheduling: { maxRunDuration: { seconds: 3600 }, instanceTerminationAction: 'DELETE' } }),
    ],
    [
      'ends-by-itself',
      changed('i', { scheduling: { maxRunDuration: { seconds: 1e9 }, instanceTerminationAction: 'STOP' } }),
    ],
    ['own-account', changed('i', { serviceAccount: undefined })],
    ['own-account', changed('i', { serviceAccount: { email: '123-compute@developer.gserviceaccount.com' } })],
    ['no-default-network', changed('i', { networkInterfaces: [{ network: 'default' }] })],
    ['no-default-network', changed('i', { networkInterfaces: [{}] })],
    [
      'no-default-network',
      changed('i', { networkInterfaces: [{ subnetwork: 'projects/p/regions/r/subnetworks/default' }] }),
    ],
    ['no-auto-subnets', changed('n', { autoCreateSubnetworks: undefined })],
    ['no-secret-in-clear', changed('i', metadataOf({ 'tutti-settings': 'API_AUTH_TOKEN=0123456789abcdef' }))],
    ['no-secret-in-clear', changed('i', metadataOf({ x: '-----BEGIN EC PRIVATE KEY-----' }))],
    ['labels', changed('b', { labels: { application: 'tutti', stack: 'dev' } })],
    ['labels', { type: 'gcp:compute/disk:Disk', name: 'd', props: {} }],
    ['labels', { type: 'gcp:secretmanager/secret:Secret', name: 'd', props: {} }],
  ];
  it.each(bad)('%s finds %j', (name, resource) => {
    expect(violations(resource).map((text) => text.split(':')[0])).toContain(name);
  });

  it('have each a case here that they find', () => {
    expect(new Set(bad.map(([name]) => name))).toEqual(new Set(rules.map(({ name }) => name)));
  });

  it('do not take a way to a secret for the secret', () => {
    const settings =
      'API_AUTH_TOKEN_SECRET=projects/my-project/secrets/tutti-dev-token\nAPI_AUTH_TOKEN_FILE=/run/tutti/token\n';
    expect(violations(changed('i', metadataOf({ 'tutti-settings': settings })))).toEqual([]);
  });
});

describe.each([
  [1, ['europe-west1'], 3],
  [3, three, 1],
  [7, seven, 1],
])('a stack of %d region(s)', (_, regions, nodesPerRegion) => {
  let graph: Graph;
  beforeAll(async () => {
    graph = await stackOf(valuesOf(regions, nodesPerRegion));
  });

  it('breaks no rule with any of its resources', () => {
    const found = graph.resources.flatMap(({ type, name, inputs }) =>
      violations({ type, name, props: inputs }).map((text) => `${type} ${name}: ${text}`),
    );
    expect(found).toEqual([]);
    expect(graph.resources.length).toBeGreaterThan(30);
  });
});
