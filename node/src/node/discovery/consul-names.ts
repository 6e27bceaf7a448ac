import { clusterTag } from '../../discovery/registration.ts';
import type { Settings } from '../../settings/schema.ts';

const defaultService = 'loadtest-cluster';
const defaultCluster = 'default';

/** Under which names a cluster and its nodes are in Consul. */
export interface ConsulNames {
  readonly serviceName: string;
  /** CLUSTER_ID. */
  readonly cluster: string;
  /** What the entries of this cluster are known by, among those of the service. */
  readonly tag: string;
  /** Of Consul's KV: who founds the cluster. */
  readonly foundingKey: string;
  /** Of Consul's KV: who has this node's name. */
  readonly nameKey: string;
}

export function consulNames({ serviceName: service, clusterName }: Settings, nodeId: string): ConsulNames {
  const serviceName = service ?? defaultService;
  const cluster = clusterName ?? defaultCluster;
  const prefix = `${serviceName}/${cluster}`;
  return {
    ...{ serviceName, cluster, tag: clusterTag(cluster) },
    ...{ foundingKey: `${prefix}/founders`, nameKey: `${prefix}/nodes/${nodeId}` },
  };
}
