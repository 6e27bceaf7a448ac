import { keySettings } from './credentials.ts';
import { RAFT_PORT, type PlannedNode } from '../plan/cluster-plan.ts';

/** Where the plan is, and where results go. */
export interface Buckets {
  readonly config: string;
  readonly planObject: string;
  /** Who founds the cluster. */
  readonly foundersObject: string;
  readonly results: string;
}

/** How often the leader asks for another plan: a user who uploads one is looking on. */
const POLL_SECS = 10;

/**
 * The settings of one node as lines `NAME=value` (docs/settings.md), for its instance attribute `tutti-settings`. The list of the nodes is
 * an attribute of its own, `cluster-nodes`, which the node itself watches, since it changes when others come and go. The HTTP API stays on
 * loopback: the way to it is SSH through Identity-Aware Proxy; where the nodes have credentials, it demands a token as well. Nothing here is
 * a secret: who may see the instance sees its attributes.
 */
export function nodeSettings(node: PlannedNode, buckets: Buckets, hasCredentials: boolean): string {
  const settings = {
    CLUSTER_NODE_ID: node.id,
    CLUSTER_ROLE: node.role,
    DISCOVERY_MODE: 'gce',
    CLUSTER_FOUNDERS: `gs://${buckets.config}/${buckets.foundersObject}`,
    CLUSTER_REGION: node.region,
    CLUSTER_BIND_ADDR: `${node.internalIp}:${RAFT_PORT}`,
    CLUSTER_TIMINGS: 'auto',
    CLUSTER_ELECTION_PRIORITY: String(node.electionPriority),
    // Without keys the stack has said `keys: none`: the firewall is all there is.
    ...(hasCredentials ? keySettings : { CLUSTER_INSECURE: 'true' }),
    CLUSTER_CONFIG_SOURCE: 'gcs',
    GCS_CONFIG_BUCKET: buckets.config,
    GCS_CONFIG_OBJECT: buckets.planObject,
    GCS_POLL_SECS: String(POLL_SECS),
    // Whoever uploads the next plan is not asked to wait for the end of the run before.
    CLUSTER_ON_RELOAD: 'next',
    GCS_RESULTS_BUCKET: buckets.results,
    LOG_FORMAT: 'json',
  };
  return Object.entries(settings)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
}
