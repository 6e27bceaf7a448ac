import { addressOf, subnetOf } from './addresses.ts';
import { codeOf, regionOf } from './regions.ts';
import { estimateTimings, type Timings } from './timings.ts';

/** Where the nodes reach each other. */
export const RAFT_PORT = 7000;
/** Addresses of load-only nodes begin behind this one of their region's, clear of voters. */
const FIRST_LEARNER = 40;

/** What the planner needs of the stack's configuration. */
export interface Wanted {
  readonly stack: string;
  readonly regions: readonly string[];
  readonly nodesPerRegion: number;
  /** Beside those: nodes that generate load and have no vote. */
  readonly loadNodesPerRegion: number;
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
  /** `CLUSTER_ROLE`. */
  readonly role: 'voter' | 'learner';
  readonly internalIp: string;
  /** `CLUSTER_ELECTION_PRIORITY`: a leader near a majority commits sooner. Of a learner 0. */
  readonly electionPriority: number;
  readonly labels: Readonly<Record<string, string>>;
}

export interface ClusterPlan {
  /** Begins the name of everything in the project, so that two stacks in one project do not meet. */
  readonly prefix: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly regions: readonly PlannedRegion[];
  readonly nodes: readonly PlannedNode[];
  /** All nodes, as of `CLUSTER_NODES`, in the order of the ids. */
  readonly clusterNodes: string;
  /** The voters alone: who founds the cluster, if it is not founded yet. */
  readonly founders: string;
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
  const priorityIn = (region: string): number => (!isOneRegion && timings.central.includes(region) ? 1 : 0);
  const nodes = wanted.regions.flatMap((region) => [
    ...times(wanted.nodesPerRegion, (ordinal) => ({
      ...placeVoter(prefix, region, ordinal),
      electionPriority: priorityIn(region),
      labels: { ...labels, node: `${region}-${ordinal}` },
    })),
    ...times(wanted.loadNodesPerRegion, (ordinal) => ({
      ...placeLearner(prefix, region, ordinal),
      electionPriority: 0,
      labels: { ...labels, node: `${region}-load-${ordinal}` },
    })),
  ]);
  return {
    prefix,
    labels,
    regions: wanted.regions.map((name) => ({ name, subnetName: `${prefix}-${name}`, cidr: subnetOf(name) })),
    nodes,
    clusterNodes: clusterNodesOf(nodes),
    founders: clusterNodesOf(nodes.filter(({ role }) => role === 'voter')),
    timings,
  };
}

/** "id=address:port[/learner],...", sorted by id, so that the order of the regions in the configuration makes no difference. */
export function clusterNodesOf(nodes: readonly Pick<PlannedNode, 'id' | 'internalIp' | 'role'>[]): string {
  return nodes
    .map(({ id, internalIp, role }) => `${id}=${internalIp}:${RAFT_PORT}${role === 'learner' ? '/learner' : ''}`)
    .sort()
    .join(',');
}

type Placed = Omit<PlannedNode, 'electionPriority' | 'labels'>;

function placeVoter(prefix: string, region: string, ordinal: number): Placed {
  const accountId = `${prefix}-${codeOf(region)}-${ordinal}`;
  return {
    ...placed(prefix, region, `${ordinal}`, ordinal),
    accountId,
    role: 'voter',
    internalIp: addressOf(region, ordinal),
  };
}

function placeLearner(prefix: string, region: string, ordinal: number): Placed {
  // A code ends in a digit, and thirty characters leave two more: letters, so that no voter has the same.
  const accountId = `${prefix}-${codeOf(region)}${lettersOf(ordinal)}`;
  const internalIp = addressOf(region, FIRST_LEARNER + ordinal);
  return { ...placed(prefix, region, `load-${ordinal}`, ordinal), accountId, role: 'learner', internalIp };
}

function placed(
  prefix: string,
  region: string,
  suffix: string,
  ordinal: number,
): Pick<PlannedNode, 'id' | 'name' | 'region' | 'zone'> {
  const { zones } = regionOf(region);
  return {
    id: `${region}-${suffix}`,
    name: `${prefix}-${region}-${suffix}`,
    region,
    zone: `${region}-${zones[(ordinal - 1) % zones.length]!}`,
  };
}

/** 1 is "aa", 2 is "ab", 27 is "ba". */
function lettersOf(ordinal: number): string {
  const letter = (value: number): string => String.fromCharCode('a'.charCodeAt(0) + value);
  return letter(Math.floor((ordinal - 1) / 26)) + letter((ordinal - 1) % 26);
}

function times<T>(count: number, make: (ordinal: number) => T): readonly T[] {
  return Array.from({ length: count }, (_, index) => make(index + 1));
}
