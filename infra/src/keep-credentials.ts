import type { ComponentResourceOptions, Input } from '@pulumi/pulumi';
import { credentialsSettings } from './boot/credentials.ts';
import { ApiToken } from './components/api-token.ts';
import { Authority } from './components/authority.ts';
import { NodeKeys } from './components/node-keys.ts';
import type { StackConfig } from './config/schema.ts';
import type { ClusterPlan, PlannedNode } from './plan/cluster-plan.ts';
import { fullSecretName, keysSecretOf, tokenSecretOf } from './plan/secrets.ts';

export interface Credentials {
  /** A machine waits for them. */
  readonly kept: readonly (NodeKeys | ApiToken)[];
  /** For the instance attribute `tutti-credentials`. */
  readonly settingsOf: (node: PlannedNode) => string;
}

/** The secrets of the nodes; `keys: external` leaves them empty, and with `none` there are none (null). */
export function keepCredentials(
  { project, stack, keys }: StackConfig,
  { prefix, labels, nodes }: ClusterPlan,
  members: ReadonlyMap<string, Input<string>>,
  options: ComponentResourceOptions,
): Credentials | null {
  if (keys === 'none') return null;
  const isMade = keys === 'state';
  const authority = isMade ? new Authority(`${prefix}-authority`, { stack }, options) : null;
  const ofNodes = nodes.map((node) => {
    const args = { node, member: members.get(node.id)!, authority };
    return new NodeKeys(keysSecretOf(node), args, options);
  });
  const secretId = tokenSecretOf({ prefix });
  const token = new ApiToken(secretId, { secretId, labels, members, isMade }, options);
  return {
    kept: [...ofNodes, token],
    settingsOf: (node) =>
      credentialsSettings({
        keys: fullSecretName(project, keysSecretOf(node)),
        token: fullSecretName(project, secretId),
      }),
  };
}
