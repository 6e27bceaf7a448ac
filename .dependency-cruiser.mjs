// Who may import whom (../ARCHITECTURE.md, "Where things live"). One way only; a type-only import of a neighbour's types
// is allowed where the text says so.
const ours = '^node/src/';
const only = (folder, ...allowed) => ({
  name: `${folder}-imports`,
  comment: `${folder} may import only: ${allowed.join(', ') || 'nothing of ours'}`,
  severity: 'error',
  from: { path: `${ours}${folder}/` },
  to: { path: ours, pathNot: [folder, ...allowed].map((name) => `${ours}${name}`) },
});
const pureOfPlatform = (folder, root = ours) => ({
  name: `${folder}-is-pure`,
  comment: `${folder} takes values and returns values: no platform module, no network library`,
  severity: 'error',
  from: { path: `${root}${folder}/` },
  to: { dependencyTypes: ['core'] },
});
/** The Pulumi program. Its pure folders see no Pulumi, so that they can be tested, and read, without it. */
const infra = '^infra/src/';
const onlyInfra = (folder, ...allowed) => ({
  name: `infra-${folder}-imports`,
  comment: `infra's ${folder} may import only: ${allowed.join(', ') || 'nothing of ours'}`,
  severity: 'error',
  from: { path: `${infra}${folder}/` },
  to: {
    path: '^(infra|node|scripts|test)/',
    pathNot: [
      'node_modules',
      `${infra}${folder}/`,
      ...allowed.map((name) => (name.startsWith('^') ? name : `${infra}${name}`)),
    ],
  },
});

export default {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    { name: 'no-unresolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
    only('lib'),
    only('raft', 'lib/'),
    only('results', 'lib/'),
    only('plan', 'lib/'),
    only('generator/schedule', 'plan/plan', 'lib/'),
    only('storage', 'raft/', 'lib/'),
    only('transport', 'raft/', 'lib/'),
    only('consensus', 'raft/', 'storage/', 'transport/', 'lib/'),
    only('cluster', 'plan/', 'results/', 'generator/schedule/', 'lib/'),
    only('generator', 'plan/', 'results/', 'lib/'),
    only('agent', 'consensus/', 'cluster/', 'generator/', 'plan/', 'results/', 'lib/'),
    only('coordinator', 'consensus/', 'cluster/', 'generator/schedule/', 'plan/', 'results/', 'lib/'),
    only('metrics', 'results/', 'lib/'),
    only('settings', 'lib/'),
    only('consul', 'lib/'),
    only('google', 'lib/'),
    only('gcs', 'google/', 'lib/'),
    only('gce', 'lib/'),
    only('credentials', 'google/', 'lib/'),
    only('source', 'consul/', 'gcs/', 'lib/'),
    only('discovery', 'consul/', 'gce/', 'lib/'),
    only('standalone', 'agent/', 'generator/', 'plan/', 'results/', 'metrics/', 'lib/', 'settings'),
    only(
      'api',
      'consensus/',
      'cluster/',
      'coordinator/',
      'agent/',
      'plan/',
      'results/',
      'metrics/',
      'lib/',
      'settings',
    ),
    {
      name: 'standalone-reaches-no-cluster',
      comment: 'a run on one machine must not load the cluster, by whatever way',
      severity: 'error',
      from: { path: `${ours}standalone/` },
      to: {
        reachable: true,
        path: `${ours}(raft|storage|transport|consensus|cluster|coordinator|consul|google|gcs|gce|credentials|source|discovery|api)/`,
      },
    },
    {
      name: 'google-libraries-are-loaded-on-demand',
      comment: 'only a node whose plan is in Cloud Storage pays for them (ADR 110)',
      severity: 'error',
      from: { path: ours },
      to: {
        path: 'node_modules/(google-|gaxios|gcp-|@google-cloud/)',
        dynamic: false,
        dependencyTypesNot: ['type-only'],
      },
    },
    only('runtime', 'agent/', 'consensus/', 'cluster/', 'coordinator/', 'plan/', 'results/', 'lib/'),
    pureOfPlatform('raft'),
    pureOfPlatform('results'),
    pureOfPlatform('plan'),
    pureOfPlatform('cluster'),
    pureOfPlatform('generator/schedule'),
    onlyInfra('plan', `${ours}plan/plan.ts`),
    onlyInfra('config', 'plan/'),
    onlyInfra('boot', 'plan/'),
    onlyInfra('bundle', 'config/', 'plan/'),
    onlyInfra('components', 'plan/', 'boot/', 'config/', 'bundle/'),
    onlyInfra(
      'cloud',
      'plan/',
      'config/',
      'outputs.ts',
      ...['lib/', 'plan/', 'results/', 'cli/', 'api/health', 'coordinator/service'].map((name) => `${ours}${name}`),
    ),
    ...['plan', 'config', 'boot'].map((folder) => pureOfPlatform(folder, infra)),
    {
      name: 'infra-without-pulumi',
      comment: 'what is pure in infra is values in, values out: no engine, no provider',
      severity: 'error',
      from: { path: `${infra}(plan|config|boot|bundle)/` },
      to: { path: 'node_modules/@pulumi/' },
    },
    {
      name: 'cloud-libraries-stay-in-infra',
      comment: 'a node is installed without them (docs/dependencies.md)',
      severity: 'error',
      from: { path: ours },
      to: { path: ['^infra/', 'node_modules/@pulumi/'] },
    },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default'] },
  },
};
