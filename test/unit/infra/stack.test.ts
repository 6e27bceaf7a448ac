import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { cloudInit } from '../../../infra/src/boot/cloud-init.ts';
import { credentialsSettings } from '../../../infra/src/boot/credentials.ts';
import { NODE_IMAGE } from '../../../infra/src/boot/node-image.ts';
import { nodeSettings } from '../../../infra/src/boot/settings.ts';
import { outputsSchema } from '../../../infra/src/outputs.ts';
import { type ClusterPlan, planCluster } from '../../../infra/src/plan/cluster-plan.ts';
import { type Graph, graphOf, type Registered } from './engine.ts';
import { built, bundle, image, seven, stackOf, three, valuesOf } from './stack.ts';

const ofType = (graph: Graph, type: string): readonly Registered[] =>
  graph.resources.filter((resource) => resource.type === `gcp:${type}`);

/** Which component each kind of resource belongs to. A kind that is not here is one too many. */
const homes: Readonly<Record<string, string>> = {
  'gcp:projects/service:Service': 'ProjectApis',
  'gcp:compute/network:Network': 'Network',
  'gcp:compute/subnetwork:Subnetwork': 'Network',
  'gcp:compute/firewall:Firewall': 'Firewall',
  'gcp:serviceaccount/account:Account': 'Identity',
  'gcp:projects/iAMMember:IAMMember': 'Identity',
  'gcp:compute/address:Address': 'NodeAddresses',
  'gcp:compute/disk:Disk': 'NodeVm',
  'gcp:compute/instance:Instance': 'NodeVm',
  'gcp:artifactregistry/repositoryIamMember:RepositoryIamMember': 'ImageReaders',
  'tls:index/selfSignedCert:SelfSignedCert': 'Authority',
  'tls:index/certRequest:CertRequest': 'NodeKeys',
  'tls:index/locallySignedCert:LocallySignedCert': 'NodeKeys',
};
/** Of nodes and of all of them: secrets, and what is in them. */
const ofSecrets = [
  'gcp:secretmanager/secret:Secret',
  'gcp:secretmanager/secretVersion:SecretVersion',
  'gcp:secretmanager/secretIamMember:SecretIamMember',
  'tls:index/privateKey:PrivateKey',
];
const inEitherBucket = ['gcp:storage/bucket:Bucket', 'gcp:storage/bucketIAMMember:BucketIAMMember'];
const object = 'gcp:storage/bucketObject:BucketObject';

describe.each([
  [1, ['europe-west1'], 3],
  [3, three, 1],
  [7, seven, 1],
])('a stack of %d region(s)', (_, regions, nodesPerRegion) => {
  let graph: Graph;
  let plan: ClusterPlan;
  beforeAll(async () => {
    graph = await stackOf(valuesOf(regions, nodesPerRegion));
    plan = planCluster({ stack: 'dev', regions, nodesPerRegion, loadNodesPerRegion: 0 });
  });

  it('has every resource in the component of its concern, under a name of its own', () => {
    for (const { type, parent } of graph.resources) {
      if (type.startsWith('tutti:infra:')) expect([type, parent]).toEqual([type, null]);
      else if (type === object) expect(parent).toMatch(/^tutti:infra:(ConfigBucket|Founding)$/);
      else if (inEitherBucket.includes(type)) expect(parent).toMatch(/^tutti:infra:(Config|Results)Bucket$/);
      else if (ofSecrets.includes(type)) expect(parent).toMatch(/^tutti:infra:(Authority|NodeKeys|ApiToken)$/);
      else expect([type, parent]).toEqual([type, `tutti:infra:${homes[type] ?? 'no component'}`]);
    }
    expect(new Set(graph.resources.map(({ type, name }) => `${type} ${name}`)).size).toBe(graph.resources.length);
  });

  it('has of each kind what the plan says', () => {
    const count = (type: string): number => ofType(graph, type).length;
    const nodes = plan.nodes.length;
    expect(count('compute/network:Network')).toBe(1);
    expect(count('compute/subnetwork:Subnetwork')).toBe(regions.length);
    for (const one of ['compute/instance:Instance', 'compute/disk:Disk', 'serviceaccount/account:Account'])
      expect(count(one)).toBe(nodes);
    expect(count('compute/address:Address')).toBe(2 * nodes);
    expect(count('storage/bucket:Bucket')).toBe(2);
    expect(count('secretmanager/secret:Secret')).toBe(nodes + 1);
    expect(count('secretmanager/secretVersion:SecretVersion')).toBe(nodes + 1);
  });

  it('gives every machine its own addresses, subnet, account, disk and settings, and all the same list', () => {
    for (const node of plan.nodes) {
      const { inputs } = ofType(graph, 'compute/instance:Instance').find(({ name }) => name === node.name)!;
      expect(inputs).toMatchObject({
        name: node.name,
        zone: node.zone,
        attachedDisks: [{ source: `link of ${node.name}-data`, deviceName: 'tutti-data' }],
        networkInterfaces: [
          {
            subnetwork: `id of tutti-dev-${node.region}`,
            networkIp: node.internalIp,
            accessConfigs: [{ natIp: `external address of ${node.name}-external` }],
          },
        ],
        serviceAccount: { email: `${node.accountId}@my-project.iam.gserviceaccount.com`, scopes: ['cloud-platform'] },
        scheduling: { maxRunDuration: { seconds: 86_400 }, instanceTerminationAction: 'STOP' },
        shieldedInstanceConfig: { enableSecureBoot: true, enableVtpm: true, enableIntegrityMonitoring: true },
        metadata: {
          'user-data': cloudInit({ image, isBundled: false, registryHost: null, hasCredentials: true }),
          'tutti-credentials': credentialsSettings({
            keys: `projects/my-project/secrets/${node.name}-keys`,
            token: 'projects/my-project/secrets/tutti-dev-api-token',
          }),
          'cluster-nodes': plan.clusterNodes,
          'tutti-settings': nodeSettings(
            node,
            {
              config: 'my-project-tutti-dev-config',
              planObject: 'plan.yaml',
              foundersObject: 'founders.txt',
              results: 'tutti-dev-results-1a2b3c4',
            },
            true,
          ),
          'enable-oslogin': 'TRUE',
        },
      });
      // The provider makes a new machine for each change of it.
      expect(inputs).not.toHaveProperty('metadataStartupScript');
    }
    expect(graph.outputs.clusterNodes).toBe(plan.clusterNodes);
    expect((graph.outputs.nodes as unknown[]).length).toBe(plan.nodes.length);
  });

  it('says of itself what the scripts read, and nothing else', () => {
    expect(outputsSchema.strict().parse(graph.outputs)).toEqual(graph.outputs);
    expect(graph.outputs).toMatchObject({
      project: 'my-project',
      stack: 'dev',
      results: 'gs://tutti-dev-results-1a2b3c4',
      apiToken: 'projects/my-project/secrets/tutti-dev-api-token',
      next: 'scripts/cloud result --wait --stack dev',
      keys: 'state',
    });
  });

  it('lets in the nodes on one port and SSH through the proxy, by service account, and refuses the rest', () => {
    const emails = plan.nodes.map(({ accountId }) => `${accountId}@my-project.iam.gserviceaccount.com`);
    const rules = ofType(graph, 'compute/firewall:Firewall').map(({ inputs }) => inputs);
    const network = { network: 'id of tutti-dev', direction: 'INGRESS' };
    expect(rules).toEqual([
      { ...network, priority: 65_000, denies: [{ protocol: 'all' }], sourceRanges: ['0.0.0.0/0'] },
      {
        ...network,
        allows: [{ protocol: 'tcp', ports: ['7000'] }],
        sourceServiceAccounts: emails,
      },
      { ...network, allows: [{ protocol: 'tcp', ports: ['22'] }], sourceRanges: ['35.235.240.0/20'] },
    ]);
  });

  it('gives every account six rights and no more, before its machine starts', () => {
    const rights = graph.resources.filter(({ type }) => /IAMMember$/i.test(type));
    for (const { accountId, name } of plan.nodes) {
      const own = rights.filter(
        ({ inputs }) => inputs.member === `serviceAccount:${accountId}@my-project.iam.gserviceaccount.com`,
      );
      expect(own.map(({ inputs }) => [inputs.role, inputs.bucket ?? inputs.project ?? inputs.secretId]).sort()).toEqual(
        [
          ['roles/logging.logWriter', 'my-project'],
          ['roles/monitoring.metricWriter', 'my-project'],
          ['roles/secretmanager.secretAccessor', 'id of tutti-dev-api-token'],
          ['roles/secretmanager.secretAccessor', `id of ${name}-keys`],
          ['roles/storage.objectCreator', 'tutti-dev-results-1a2b3c4'],
          ['roles/storage.objectViewer', 'my-project-tutti-dev-config'],
        ].sort(),
      );
    }
    expect(rights).toHaveLength(6 * plan.nodes.length);
    isMadeBefore(rights, ofType(graph, 'compute/instance:Instance'));
  });

  it('makes keys, token and firewall before a machine, and another machine or address only once the one before is gone', () => {
    const machines = ofType(graph, 'compute/instance:Instance');
    const first = [
      ofType(graph, 'secretmanager/secretVersion:SecretVersion'),
      ofType(graph, 'compute/firewall:Firewall'),
    ];
    for (const needed of first) isMadeBefore(needed, machines);
    for (const { isDeletedFirst } of [...machines, ...ofType(graph, 'compute/address:Address')])
      expect(isDeletedFirst).toBe(true);
  });

  it('registers in a preview, too, where nothing computed is known', async () => {
    const { resources } = await stackOf(valuesOf(regions, nodesPerRegion), true);
    expect(resources).toHaveLength(graph.resources.length);
  });
});

const isMadeBefore = (needed: readonly Registered[], others: readonly Registered[]): void => {
  expect([needed.length, others.length]).not.toContain(0);
  const begun = Math.min(...others.map(({ askedAt }) => askedAt));
  expect(begun).toBeGreaterThan(Math.max(...needed.map(({ madeAt }) => madeAt)));
};

describe('the buckets', () => {
  it('are closed to the public; the results stay unless the stack says otherwise', async () => {
    for (const keep of [true, false]) {
      const graph = await stackOf({ ...valuesOf(three), keepResults: String(keep) });
      const [plans, results] = ofType(graph, 'storage/bucket:Bucket');
      for (const { inputs } of [plans!, results!])
        expect(inputs).toMatchObject({
          uniformBucketLevelAccess: true,
          publicAccessPrevention: 'enforced',
          location: 'US',
        });
      expect([plans!.isRetained, plans!.inputs.forceDestroy]).toEqual([false, true]);
      // A plan that was written over is still there.
      expect(plans!.inputs.versioning).toEqual({ enabled: true });
      expect([results!.isRetained, results!.inputs.forceDestroy]).toEqual([keep, !keep]);
      // One that stayed must not be in the way of the next.
      expect(results!.inputs).not.toHaveProperty('name');
    }
  });
});

describe('a fourth region', () => {
  it('changes nothing of what is there but attributes and who may come in', async () => {
    const mayChange = (one: Registered): object => {
      const { metadata, sourceServiceAccounts, ...inputs } = one.inputs;
      // The engine ignores another content of the founders (below), which mocks do not.
      if (one.name === 'tutti-dev-founding-list') delete inputs.content;
      const lists = [metadata, sourceServiceAccounts].map((value) => value !== undefined);
      return {
        ...one,
        askedAt: 0,
        madeAt: 0,
        inputs,
        lists,
        userData: (metadata as Record<string, string> | undefined)?.['user-data'],
      };
    };
    const before = await stackOf(valuesOf(three));
    const after = await stackOf(valuesOf([three[0]!, 'us-west1', ...three.slice(1)]));
    const later = after.resources.map(mayChange);
    for (const one of before.resources) expect(later).toContainEqual(mayChange(one));
    expect(after.resources.length).toBeGreaterThan(before.resources.length);
  });
});

describe('an image in Artifact Registry of the project', () => {
  it('may be read by the nodes, in that repository alone, before they start', async () => {
    const own = `europe-docker.pkg.dev/my-project/images/tutti@sha256:${'0'.repeat(64)}`;
    const graph = await stackOf({ ...valuesOf(three), deploy: JSON.stringify({ kind: 'image', image: own }) });
    const rights = ofType(graph, 'artifactregistry/repositoryIamMember:RepositoryIamMember');
    expect(rights).toHaveLength(3);
    for (const { inputs, parent } of rights) {
      const where = { project: 'my-project', location: 'europe', repository: 'images' };
      expect(inputs).toMatchObject({ ...where, role: 'roles/artifactregistry.reader' });
      expect(parent).toBe('tutti:infra:ImageReaders');
    }
    const machines = ofType(graph, 'compute/instance:Instance');
    expect(Math.min(...machines.map(({ askedAt }) => askedAt))).toBeGreaterThan(
      Math.max(...rights.map(({ madeAt }) => madeAt)),
    );
    for (const { inputs } of machines)
      expect((inputs.metadata as Record<string, string>)['user-data']).toContain('europe-docker.pkg.dev":"gcr"');
  });
});

describe('the founders', () => {
  it('are the voters, written once and only when every machine is there', async () => {
    const graph = await stackOf({ ...valuesOf(three), loadNodesPerRegion: '2' });
    const { founders } = planCluster({ stack: 'dev', regions: three, nodesPerRegion: 1, loadNodesPerRegion: 2 });
    const list = graph.resources.find(({ name }) => name === 'tutti-dev-founding-list')!;
    expect(list.inputs).toMatchObject({ name: 'founders.txt', content: expect.anything() as unknown });
    expect(JSON.stringify(list.inputs.content)).toContain(JSON.stringify(`${founders}\n`));
    expect(list.ignored).toEqual(['content']);
    const machines = ofType(graph, 'compute/instance:Instance');
    expect(machines).toHaveLength(9);
    expect(list.askedAt).toBeGreaterThan(Math.max(...machines.map(({ madeAt }) => madeAt)));
  });
});

describe('load-only nodes', () => {
  it('have all that a node has, and ten accounts are let in by each rule', async () => {
    const graph = await stackOf({ ...valuesOf(three), loadNodesPerRegion: '7' });
    const rules = ofType(graph, 'compute/firewall:Firewall').flatMap(({ name, inputs }) =>
      inputs.sourceServiceAccounts === undefined ? [] : [[name, (inputs.sourceServiceAccounts as string[]).length]],
    );
    expect(rules).toEqual([
      ['tutti-dev-raft', 10],
      ['tutti-dev-raft-2', 10],
      ['tutti-dev-raft-3', 4],
    ]);
    const roles = ofType(graph, 'compute/instance:Instance').map(
      ({ inputs }) => /CLUSTER_ROLE=(\w+)/.exec((inputs.metadata as Record<string, string>)['tutti-settings']!)![1],
    );
    expect(roles.filter((role) => role === 'learner')).toHaveLength(21);
  });
});

describe('the bundle', () => {
  it('is an object beside the plan, and an attribute names it, so that another build changes nothing else', async () => {
    const graph = await stackOf({ ...valuesOf(three), deploy: JSON.stringify({ kind: 'bundle' }) });
    const uploaded = graph.resources.find(({ name }) => name === 'tutti-dev-config-bundle')!;
    expect(uploaded.inputs).toMatchObject({ name: bundle.name, contentType: 'application/gzip' });
    for (const { inputs, askedAt } of ofType(graph, 'compute/instance:Instance')) {
      expect(inputs.metadata).toMatchObject({
        'tutti-bundle': `my-project-tutti-dev-config/${bundle.name}`,
        'user-data': cloudInit({ image: NODE_IMAGE, isBundled: true, registryHost: null, hasCredentials: true }),
      });
      expect(askedAt).toBeGreaterThan(uploaded.madeAt);
    }
    expect(NODE_IMAGE).toMatch(/^docker\.io\/library\/node:24\.\d+\.\d+-bookworm-slim@sha256:[0-9a-f]{64}$/);
  });
});

describe('the entry point', () => {
  const path = fileURLToPath(new URL('../../../infra/index.ts', import.meta.url));
  /** `refused` is given what the program throws: the SDK would make a rejection that nobody can catch of it. */
  const run = (config: Record<string, string>, refused?: (error: unknown) => void): Promise<Graph> => {
    vi.resetModules();
    const own = Object.fromEntries(Object.entries(config).map(([key, value]) => [`tutti:${key}`, value]));
    const program = (): Promise<object> =>
      import('../../../infra/index.ts').catch((error: unknown) => {
        if (refused === undefined) throw error;
        refused(error);
        return {};
      });
    return graphOf(program, { config: { 'gcp:project': 'my-project', 'other:key': 'x', ...own } });
  };
  const planFile = fileURLToPath(new URL('../../../examples/minimal.yaml', import.meta.url));

  it('reads the stack, uploads the plan file as it is, and exports what scripts need', async () => {
    const { resources, outputs } = await run({ ...built, ...valuesOf(three), plan: planFile });
    const object = resources.find(({ name }) => name === 'tutti-dev-config-plan')!;
    expect(JSON.stringify(object.inputs.content)).toContain(JSON.stringify(readFileSync(planFile, 'utf8')));
    expect(Object.keys(outputs).sort()).toEqual(Object.keys(outputsSchema.shape).sort());
    expect(outputs.plan).toBe('gs://my-project-tutti-dev-config/plan.yaml');
  });

  it.each<[string, Record<string, string>, string]>([
    [
      'what is not built',
      {
        ...valuesOf(three),
        plan: planFile,
        deploy: JSON.stringify({ kind: 'image', image: image.replace('ghcr.io', 'us-docker.pkg.dev') }),
      },
      'tutti:deploy: an image on gcr.io, or in Artifact Registry of another project, is not built',
    ],
    [
      'a missing plan file',
      { ...built, ...valuesOf(three), plan: 'none.yaml' },
      'tutti:plan: none.yaml cannot be read',
    ],
    ['what is missing', {}, 'tutti:regions: is required'],
    [
      'a plan that no leader would take',
      { ...built, ...valuesOf(three), plan: fileURLToPath(new URL('../../../docker-compose.yml', import.meta.url)) },
      'tutti:plan: ',
    ],
  ])('says %s without a stack trace, and makes nothing', async (_, config, message) => {
    const { RunError } = await import('@pulumi/pulumi');
    let reason: unknown = null;
    const { resources } = await run(config, (error) => (reason = error));
    expect(resources).toEqual([]);
    expect(reason).toBeInstanceOf(RunError);
    expect((reason as Error).message).toContain(message);
  });

  it('stays short', () => {
    expect(readFileSync(path, 'utf8').split('\n').length).toBeLessThan(60);
  });
});

describe('the keys of the nodes', () => {
  const pulumiSecret = '4dabf18193072939515e22adb298388d';
  /** What is in a value that Pulumi keeps encrypted; fails for one that it does not. */
  const secretIn = (value: unknown): string => {
    const { [pulumiSecret]: mark, value: inside } = value as Record<string, string>;
    expect(mark).toBe('1b47061264138c4ac30d75fd1eb44270');
    return inside!;
  };

  it('are made for its id and its address, and readable by the node alone; the state keeps them encrypted', async () => {
    const graph = await stackOf(valuesOf(three));
    const { nodes } = planCluster({ stack: 'dev', regions: three, nodesPerRegion: 1, loadNodesPerRegion: 0 });
    const named = (type: string, name: string): Registered =>
      graph.resources.find((one) => one.type === type && one.name === name)!;
    for (const node of nodes) {
      const name = `${node.name}-keys`;
      expect(named('gcp:secretmanager/secret:Secret', name).inputs).toMatchObject({ secretId: name });
      expect(named('tls:index/certRequest:CertRequest', name).inputs).toMatchObject({
        dnsNames: [node.id],
        ipAddresses: [node.internalIp],
      });
      expect(named('tls:index/locallySignedCert:LocallySignedCert', name).inputs).toMatchObject({
        caCertPem: 'certificate of tutti-dev-authority',
        validityPeriodHours: 8760,
        earlyRenewalHours: 2160,
        allowedUses: ['digital_signature', 'server_auth', 'client_auth'],
      });
      const version = named('gcp:secretmanager/secretVersion:SecretVersion', name).inputs;
      expect(JSON.parse(secretIn(version.secretData))).toEqual({
        certificate: `certificate of ${name}`,
        key: `private key of ${name}`,
        ca: 'certificate of tutti-dev-authority',
      });
      const readers = graph.resources.filter(({ inputs }) => inputs.secretId === `id of ${name}`);
      expect(readers.map(({ inputs }) => inputs.member)).toEqual([
        `serviceAccount:${node.accountId}@my-project.iam.gserviceaccount.com`,
      ]);
    }
    const token = named('gcp:secretmanager/secretVersion:SecretVersion', 'tutti-dev-api-token');
    expect(secretIn(token.inputs.secretData)).toMatch(/^[A-Za-z0-9_-]{43}$/);
  });

  it('external: there are secrets, and nothing in them', async () => {
    const graph = await stackOf({ ...valuesOf(three), keys: 'external' });
    expect(ofType(graph, 'secretmanager/secret:Secret')).toHaveLength(4);
    expect(ofType(graph, 'secretmanager/secretVersion:SecretVersion')).toEqual([]);
    expect(graph.resources.filter(({ type }) => type.startsWith('tls:'))).toEqual([]);
  });

  it('none: there is no secret, and the node is told so', async () => {
    const graph = await stackOf({ ...valuesOf(three), keys: 'none' });
    expect(graph.resources.filter(({ type }) => /^tls:|secretmanager\//.test(type))).toEqual([]);
    for (const { inputs } of ofType(graph, 'compute/instance:Instance')) {
      const metadata = inputs.metadata as Record<string, string>;
      expect(metadata['tutti-settings']).toContain('CLUSTER_INSECURE=true\n');
      expect(metadata).not.toHaveProperty('tutti-credentials');
    }
  });
});
