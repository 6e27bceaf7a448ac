import { Secret } from '@pulumi/gcp/secretmanager/secret.js';
import { SecretIamMember } from '@pulumi/gcp/secretmanager/secretIamMember.js';
import { SecretVersion } from '@pulumi/gcp/secretmanager/secretVersion.js';
import { all, ComponentResource, type ComponentResourceOptions, type Input, type Output, secret } from '@pulumi/pulumi';
import { CertRequest } from '@pulumi/tls/certRequest.js';
import { LocallySignedCert } from '@pulumi/tls/locallySignedCert.js';
import { PrivateKey } from '@pulumi/tls/privateKey.js';
import type { PlannedNode } from '../plan/cluster-plan.ts';
import { keysSecretOf } from '../plan/secrets.ts';
import { type Authority, KEY_KIND } from './authority.ts';

const DAY_HOURS = 24;
const VALID_HOURS = 365 * DAY_HOURS;
/** An `up` within so many hours before the end makes a new certificate, which the node takes while it runs. */
const RENEWAL_HOURS = 90 * DAY_HOURS;

export interface NodeKeysArgs {
  readonly node: PlannedNode;
  /** "serviceAccount:EMAIL" of the node. */
  readonly member: Input<string>;
  /** Null: the secret stays empty, for `scripts/cloud keys` to fill. */
  readonly authority: Authority | null;
}

/**
 * The secret with key, certificate and authorities of one node, in one version each time, so that they always fit together. The node's
 * service account alone may read it.
 */
export class NodeKeys extends ComponentResource {
  constructor(name: string, { node, member, authority }: NodeKeysArgs, options?: ComponentResourceOptions) {
    super('tutti:infra:NodeKeys', name, {}, options);
    const parent = { parent: this };
    const kept = new Secret(
      name,
      { secretId: keysSecretOf(node), labels: node.labels, replication: { auto: {} } },
      parent,
    );
    new SecretIamMember(name, { secretId: kept.id, role: 'roles/secretmanager.secretAccessor', member }, parent);
    if (authority !== null)
      new SecretVersion(name, { secret: kept.id, secretData: this.#payload(name, node, authority) }, parent);
    this.registerOutputs();
  }

  /** As node/src/credentials/key-payload.ts reads it. */
  #payload(name: string, node: PlannedNode, authority: Authority): Output<string> {
    const parent = { parent: this };
    const { privateKeyPem } = new PrivateKey(name, KEY_KIND, parent);
    const request = new CertRequest(
      name,
      { privateKeyPem, subject: { commonName: node.id }, dnsNames: [node.id], ipAddresses: [node.internalIp] },
      parent,
    );
    const certificate = new LocallySignedCert(
      name,
      {
        certRequestPem: request.certRequestPem,
        caPrivateKeyPem: authority.keyPem,
        caCertPem: authority.certificatePem,
        validityPeriodHours: VALID_HOURS,
        earlyRenewalHours: RENEWAL_HOURS,
        allowedUses: ['digital_signature', 'server_auth', 'client_auth'],
      },
      parent,
    );
    const texts = all([certificate.certPem, privateKeyPem, authority.certificatePem]);
    return secret(texts.apply(([certificate, key, ca]) => JSON.stringify({ certificate, key, ca })));
  }
}
