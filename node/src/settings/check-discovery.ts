import { notOfOurs } from './consul.ts';
import type { Settings } from './schema.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** What is missing, contradicts itself or has no effect among the settings that say where peers and plans come from. */
export function discoveryProblems(read: Settings, environment: Environment): readonly string[] {
  const usesConsul = read.discoveryMode === 'consul' || read.configSource === 'consul-kv';
  const foreign = Object.entries(notOfOurs).filter(([name]) => usesConsul && (environment[name] ?? '') !== '');
  return [
    ...problemsOf[read.discoveryMode](read),
    ...foreign.map(([name, why]) => `${name}: ${why}`),
    ...(usesConsul || read.consulAddress === null
      ? []
      : ['CONSUL_ADDR: has no effect unless CLUSTER_CONFIG_SOURCE is consul-kv or DISCOVERY_MODE is consul']),
  ];
}

const problemsOf = { consul: consulProblems, gce: attributeProblems, static: staticProblems } as const;

function consulProblems({ nodes, expectNodes, minPeers, founders }: Settings): readonly string[] {
  const problems = [...idleOf([['CLUSTER_FOUNDERS', founders !== null]], 'gce')];
  if (nodes !== null) problems.push('CLUSTER_NODES: has no effect when DISCOVERY_MODE is consul');
  if (expectNodes === null && minPeers === null) {
    problems.push(
      'CLUSTER_EXPECT_NODES: required when DISCOVERY_MODE is consul; how many nodes found the cluster (or CLUSTER_MIN_PEERS: one less)',
    );
  }
  if (expectNodes !== null && minPeers !== null && minPeers + 1 !== expectNodes) {
    problems.push(
      `CLUSTER_EXPECT_NODES, CLUSTER_MIN_PEERS: ${expectNodes} nodes are not ${minPeers} besides this one; give one of them`,
    );
  }
  return problems;
}

function attributeProblems(read: Settings): readonly string[] {
  const nodes = read.nodes === null ? [] : ['CLUSTER_NODES: has no effect when DISCOVERY_MODE is gce'];
  const missing = 'CLUSTER_FOUNDERS: required when DISCOVERY_MODE is gce; gs://bucket/object, who founds the cluster';
  return [...nodes, ...(read.founders === null ? [missing] : []), ...idleOf(ofConsul(read), 'consul')];
}

function staticProblems(read: Settings): readonly string[] {
  const idle = [...idleOf(ofConsul(read), 'consul'), ...idleOf([['CLUSTER_FOUNDERS', read.founders !== null]], 'gce')];
  if (read.nodes !== null) return idle;
  const missing = 'CLUSTER_NODES: required; list all members, this node included: [id=]host[:port],...';
  return [missing, ...idle];
}

type Given = readonly (readonly [name: string, isGiven: boolean])[];

function ofConsul(read: Settings): Given {
  return [
    ['CLUSTER_ID', read.clusterName !== null],
    ['CLUSTER_EXPECT_NODES', read.expectNodes !== null],
    ['CLUSTER_MIN_PEERS', read.minPeers !== null],
    ['CONSUL_SERVICE_NAME', read.serviceName !== null],
    ['CONSUL_DNS', read.consulDns !== null],
    ['CLUSTER_LEAVE_ON_STOP', read.leaveOnStop],
  ];
}

function idleOf(given: Given, mode: string): readonly string[] {
  return given
    .filter(([, isGiven]) => isGiven)
    .map(([name]) => `${name}: has no effect unless DISCOVERY_MODE is ${mode}`);
}
