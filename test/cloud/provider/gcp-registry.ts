import { replacedBy } from './gcp-network.ts';
import type { ResourceKind } from './resource-kind.ts';
import { textOf } from './values.ts';

const docs =
  'https://registry.terraform.io/providers/hashicorp/google/latest/docs/resources/artifact_registry_repository_iam';

export const gcpRegistry: Readonly<Record<string, ResourceKind>> = {
  'gcp:artifactregistry/repositoryIamMember:RepositoryIamMember': {
    module: 'artifactregistry/repositoryIamMember',
    docs,
    rules: replacedBy(
      `${docs}#google_artifact_registry_repository_iam_member`,
      'project',
      'location',
      'repository',
      'role',
      'member',
      'condition',
    ),
    id: ({ project, inputs }) =>
      `projects/${project}/locations/${textOf(inputs, 'location')}/repositories/${textOf(inputs, 'repository')}/${textOf(inputs, 'role')}/${textOf(inputs, 'member')}`,
    computed: { project: ({ project }) => project, etag: ({ serial }) => `BwZ${serial}` },
  },
};
