import { createHash } from 'node:crypto';
import { Secret } from '@pulumi/gcp/secretmanager/secret.js';
import { SecretIamMember } from '@pulumi/gcp/secretmanager/secretIamMember.js';
import { SecretVersion } from '@pulumi/gcp/secretmanager/secretVersion.js';
import { ComponentResource, type ComponentResourceOptions, type Input, secret } from '@pulumi/pulumi';
import { PrivateKey } from '@pulumi/tls/privateKey.js';

export interface ApiTokenArgs {
  readonly secretId: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Who may read it, by node id. */
  readonly members: ReadonlyMap<string, Input<string>>;
  /** False: the secret stays empty, for `scripts/cloud keys` to fill. */
  readonly isMade: boolean;
}

/**
 * The secret with the token of the HTTP API, which all nodes share. It is the hash of a key that is used for nothing else: as random as that, without
 * one more provider.
 */
export class ApiToken extends ComponentResource {
  constructor(name: string, args: ApiTokenArgs, options?: ComponentResourceOptions) {
    super('tutti:infra:ApiToken', name, {}, options);
    const { secretId, labels, members, isMade } = args;
    const parent = { parent: this };
    const kept = new Secret(name, { secretId, labels, replication: { auto: {} } }, parent);
    for (const [node, member] of members) {
      const right = { secretId: kept.id, role: 'roles/secretmanager.secretAccessor', member };
      new SecretIamMember(`${name}-${node}`, right, parent);
    }
    if (isMade) {
      const { privateKeyPem } = new PrivateKey(name, { algorithm: 'ED25519' }, parent);
      const token = privateKeyPem.apply((pem) => createHash('sha256').update(pem).digest('base64url'));
      new SecretVersion(name, { secret: kept.id, secretData: secret(token) }, parent);
    }
    this.registerOutputs();
  }
}
