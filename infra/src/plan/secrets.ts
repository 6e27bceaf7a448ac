import type { ClusterPlan, PlannedNode } from './cluster-plan.ts';

/** The secret that holds key, certificate and authorities of one node, within its project. */
export function keysSecretOf({ name }: Pick<PlannedNode, 'name'>): string {
  return `${name}-keys`;
}

/** The secret that holds the token of the HTTP API, the same on all nodes. */
export function tokenSecretOf({ prefix }: Pick<ClusterPlan, 'prefix'>): string {
  return `${prefix}-api-token`;
}

/** As Secret Manager's API and the nodes call it. */
export function fullSecretName(project: string, secret: string): string {
  return `projects/${project}/secrets/${secret}`;
}
