import type { ServiceRegistration } from '../consul/services.ts';

/** What a node is, as its tag says. */
export type RoleTag = 'forming' | 'follower' | 'leader';

export interface Registrant {
  readonly serviceName: string;
  /** CLUSTER_ID. */
  readonly cluster: string;
  readonly nodeId: string;
  readonly incarnation: string;
  readonly region: string;
  readonly host: string;
  /** Of the cluster's port. */
  readonly port: number;
  /** host:port of the HTTP API, as Consul reaches it. */
  readonly apiAddress: string;
}

/** A node that answers no check for so long is gone; Consul looks every 30 s, so it takes up to a minute longer. */
const deregisterAfter = '30s';

/** The nodes of one cluster among those that share a service name. */
export function clusterTag(cluster: string): string {
  return `cluster-${cluster}`;
}

/** One disk, one id: what a wiped or recreated node left behind is not taken for what comes after it. */
export function serviceId({ serviceName, cluster, nodeId, incarnation }: Registrant): string {
  return `${serviceName}-${cluster}-${nodeId}-${incarnation.slice(0, 8)}`;
}

/** What Consul asks. */
export function checkedUrl({ apiAddress }: Registrant): string {
  return `http://${apiAddress}/health/cluster`;
}

/** Passing from the start, since whoever registers is alive; from then on the check says it. */
export function registrationOf(node: Registrant, role: RoleTag): ServiceRegistration {
  const { serviceName, cluster, nodeId, region, host, port, apiAddress } = node;
  return {
    ID: serviceId(node),
    Name: serviceName,
    Address: host,
    Port: port,
    Tags: [role, clusterTag(cluster)],
    Meta: { node_id: nodeId, region, cluster_id: cluster, api: apiAddress },
    Check: {
      Name: 'GET /health/cluster',
      HTTP: checkedUrl(node),
      Interval: '5s',
      Timeout: '2s',
      Status: 'passing',
      DeregisterCriticalServiceAfter: deregisterAfter,
    },
  };
}
