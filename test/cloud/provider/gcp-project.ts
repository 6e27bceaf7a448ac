import { replacedBy } from './gcp-network.ts';
import type { ResourceKind } from './resource-kind.ts';
import { textOf } from './values.ts';

const registry = 'https://registry.terraform.io/providers/hashicorp/google/latest/docs/resources';
const member = /^(serviceAccount|user|group|domain|principal|principalSet):\S+$/;
const memberDocs = 'https://cloud.google.com/iam/docs/principal-identifiers';

export const gcpProject: Readonly<Record<string, ResourceKind>> = {
  'gcp:projects/service:Service': {
    module: 'projects/service',
    docs: `${registry}/google_project_service`,
    rules: replacedBy(`${registry}/google_project_service#argument-reference`, 'project', 'service'),
    id: ({ project, inputs }) => `${project}/${textOf(inputs, 'service')}`,
    computed: { project: ({ project }) => project },
    stays: ({ disableOnDestroy }) => disableOnDestroy === false,
  },
  'gcp:projects/iAMMember:IAMMember': {
    module: 'projects/iammember',
    docs: `${registry}/google_project_iam`,
    rules: [
      { at: 'member', matches: member, docs: memberDocs },
      ...replacedBy(
        `${registry}/google_project_iam#google_project_iam_member`,
        'project',
        'role',
        'member',
        'condition',
      ),
    ],
    id: ({ inputs }) => `${textOf(inputs, 'project')}/${textOf(inputs, 'role')}/${textOf(inputs, 'member')}`,
    computed: { etag: ({ serial }) => `BwX${serial}` },
  },
  'gcp:serviceaccount/account:Account': {
    module: 'serviceaccount/account',
    docs: `${registry}/google_service_account`,
    api: 'iam.googleapis.com',
    rules: [
      {
        at: 'accountId',
        matches: /^[a-z](?:[-a-z0-9]{4,28}[a-z0-9])$/,
        docs: 'https://cloud.google.com/iam/docs/reference/rest/v1/projects.serviceAccounts/create#request-body',
      },
      ...replacedBy(`${registry}/google_service_account#argument-reference`, 'accountId', 'project'),
    ],
    id: ({ project, inputs }) =>
      `projects/${project}/serviceAccounts/${textOf(inputs, 'accountId')}@${project}.iam.gserviceaccount.com`,
    computed: {
      project: ({ project }) => project,
      name: ({ id }) => id,
      email: ({ id }) => id.split('/').at(-1)!,
      member: ({ id }) => `serviceAccount:${id.split('/').at(-1)!}`,
      uniqueId: ({ serial }) => `${100_000_000_000_000_000_000n + BigInt(serial)}`,
    },
  },
};
