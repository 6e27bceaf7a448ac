import { RepositoryIamMember } from '@pulumi/gcp/artifactregistry/repositoryIamMember.js';
import { ComponentResource, type ComponentResourceOptions, type Input } from '@pulumi/pulumi';
import type { Registry } from '../plan/registry.ts';

export interface ImageReadersArgs {
  readonly registry: Registry;
  /** Who may read, by node id. */
  readonly members: ReadonlyMap<string, Input<string>>;
}

/** The right of the nodes to pull their image from one repository of Artifact Registry, and from no other. */
export class ImageReaders extends ComponentResource {
  constructor(name: string, { registry, members }: ImageReadersArgs, options?: ComponentResourceOptions) {
    super('tutti:infra:ImageReaders', name, {}, options);
    const { project, location, repository } = registry;
    for (const [node, member] of members)
      new RepositoryIamMember(
        `${name}-${node}`,
        { project, location, repository, role: 'roles/artifactregistry.reader', member },
        { parent: this },
      );
    this.registerOutputs();
  }
}
