import { addressOf, subnetOf } from './addresses.ts';
import { codeOf, regionOf } from './regions.ts';
import { estimateTimings, type Timings } from './timings.ts';

/** Where the nodes reach each other. */
export const RAFT_PORT = 7000;

/** What the planner needs of the stack's configuration. */
export interface Wanted {
  readonly stack: string;
  readonly regions: readonly string[];
  readonly nodesPerRegion: number;
}

export interface PlannedRegion {
  readonly name: string;
  readonly subnetName: string;
  readonly cidr: string;
}

export interface PlannedNode {
  /** `CLUSTER_NODE_ID`: "us-east1-1". */
  readonly id: string;
  /** The name of its machine, disk and addresses, within Google's 63 characters. */
  readonly name: string;
  /** The part before the @ of its service account, within Google's 30 characters. */
  readonly accountId: string;
  readonly region: string;
  readonly zone: string;
  readonly internalIp: string;
  /** `CLUSTER_ELECTION_PRIORITY`: a leader near a majority commits sooner. */
  readonly electionPriority: number;
  readonly labels: Readonly<Record<string, string>>;
}

export interface ClusterPlan {
  /** Begins the name of everything in the project, so that two stacks in one project do not meet. */
  readonly prefix: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly regions: readonly PlannedRegion[];
  readonly nodes: readonly PlannedNode[];
  /** `CLUSTER_NODES`, in the order of the ids. */
  readonly clusterNodes: string;
  readonly timings: Timings;
}

/**
 * Names, zones and addresses of everything, from the configuration alone. What belongs to a node depends on its region and its
 * number there, never on the other regions: a region more or less leaves the rest as it is, but for the list of all and
 * who is preferred as leader.
 */
export function planCluster(wanted: Wanted): ClusterPlan {
  const prefix = `tutti-${wanted.stack}`;
  const labels = { 'managed-by': 'pulumi', application: 'tutti', stack: wanted.stack };
  const timings = estimateTimings(wanted.regions.flatMap((region) => times(wanted.nodesPerRegion, () => region)));
  const isOneRegion = wanted.regions.length === 1;
  const nodes = wanted.regions.flatMap((region) =>
    times(wanted.nodesPerRegion, (ordinal) => ({
      ...placeNode(prefix, region, ordinal),
      electionPriority: !isOneRegion && timings.central.includes(region) ? 1 : 0,
      labels: { ...labels, node: `${region}-${ordinal}` },
    })),
  );
  return {
    prefix,
    labels,
    regions: wanted.regions.map((name) => ({ name, subnetName: `${prefix}-${name}`, cidr: subnetOf(name) })),
    nodes,
    clusterNodes: clusterNodesOf(nodes),
    timings,
  };
}

/** "id=address:port,...", sorted by id, so that the order of the regions in the configuration makes no difference. */
export function clusterNodesOf(nodes: readonly Pick<PlannedNode, 'id' | 'internalIp'>[]): string {
  return nodes
    .map(({ id, internalIp }) => `${id}=${internalIp}:${RAFT_PORT}`)
    .sort()
    .join(',');
}

function placeNode(prefix: string, region: string, ordinal: number): Omit<PlannedNode, 'electionPriority' | 'labels'> {
  const { zones } = regionOf(region);
  return {
    id: `${region}-${ordinal}`,
    name: `${prefix}-${region}-${ordinal}`,
    accountId: `${prefix}-${codeOf(region)}-${ordinal}`,
    region,
    zone: `${region}-${zones[(ordinal - 1) % zones.length]!}`,
    internalIp: addressOf(region, ordinal),
  };
}

function times<T>(count: number, make: (ordinal: number) => T): readonly T[] {
  return Array.from({ length: count }, (_, index) => make(index + 1));
}
