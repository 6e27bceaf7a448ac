import { replacedBy } from './gcp-network.ts';
import type { ResourceKind } from './resource-kind.ts';
import { textOf } from './values.ts';

const registry = 'https://registry.terraform.io/providers/hashicorp/google/latest/docs/resources';
const rest = 'https://cloud.google.com/secret-manager/docs/reference/rest/v1/projects.secrets';

export const gcpSecrets: Readonly<Record<string, ResourceKind>> = {
  'gcp:secretmanager/secret:Secret': {
    module: 'secretmanager/secret',
    docs: `${registry}/secret_manager_secret`,
    api: 'secretmanager.googleapis.com',
    rules: [
      { at: 'secretId', matches: /^[A-Za-z0-9_-]{1,255}$/, docs: `${rest}/create#query-parameters` },
      { excludes: ['expireTime', 'ttl'], docs: `${registry}/secret_manager_secret#expire_time-1` },
      ...replacedBy(`${registry}/secret_manager_secret#argument-reference`, 'secretId', 'project', 'replication'),
    ],
    id: ({ project, inputs }) => `projects/${project}/secrets/${textOf(inputs, 'secretId')}`,
    computed: { project: ({ project }) => project, name: ({ id }) => id, createTime: () => '2026-01-01T00:00:00Z' },
    keeps: ({ deletionProtection }) => (deletionProtection === true ? 'deletion protection is on' : null),
  },
  'gcp:secretmanager/secretVersion:SecretVersion': {
    module: 'secretmanager/secretVersion',
    docs: `${registry}/secret_manager_secret_version`,
    uses: ({ inputs }) => [textOf(inputs, 'secret')],
    rules: [
      { excludes: ['secretData', 'secretDataWo'], docs: `${registry}/secret_manager_secret_version#secret_data_wo-1` },
      ...replacedBy(
        `${registry}/secret_manager_secret_version#argument-reference`,
        'secret',
        'secretData',
        'isSecretDataBase64',
      ),
    ],
    id: ({ inputs, serial }) => `${textOf(inputs, 'secret')}/versions/${serial}`,
    computed: { name: ({ id }) => id, version: ({ serial }) => String(serial) },
  },
  'gcp:secretmanager/secretIamMember:SecretIamMember': {
    module: 'secretmanager/secretIamMember',
    docs: `${registry}/secret_manager_secret_iam`,
    uses: ({ inputs }) => [textOf(inputs, 'secretId')],
    rules: replacedBy(
      `${registry}/secret_manager_secret_iam#google_secret_manager_secret_iam_member`,
      'secretId',
      'role',
      'member',
      'condition',
    ),
    id: ({ inputs }) => `${textOf(inputs, 'secretId')}/${textOf(inputs, 'role')}/${textOf(inputs, 'member')}`,
    computed: { etag: ({ serial }) => `BwY${serial}` },
  },
};
