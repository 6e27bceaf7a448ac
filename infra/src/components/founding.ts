import { BucketObject } from '@pulumi/gcp/storage/bucketObject.js';
import { ComponentResource, type ComponentResourceOptions, type Input, type Resource } from '@pulumi/pulumi';

/** The name of the list of founders in the bucket of the plan. */
export const FOUNDERS_OBJECT = 'founders.txt';

export interface FoundingArgs {
  readonly bucket: Input<string>;
  /** As of `CLUSTER_NODES`, the voters alone. */
  readonly founders: string;
  /** The machines, of which all are to be there before. */
  readonly machines: readonly Resource[];
}

/**
 * Who founds the cluster: written once in the life of a stack, when all machines of an `up` are there (one that fails half-way founds
 * nothing, and may be mended by another list), and never changed. So all nodes read the same, whatever list of the nodes they see: two of
 * them cannot found two clusters (ADR 114).
 */
export class Founding extends ComponentResource {
  constructor(name: string, { bucket, founders, machines }: FoundingArgs, options?: ComponentResourceOptions) {
    super('tutti:infra:Founding', name, {}, options);
    new BucketObject(
      `${name}-list`,
      { bucket, name: FOUNDERS_OBJECT, content: `${founders}\n`, contentType: 'text/plain', cacheControl: 'no-store' },
      { parent: this, dependsOn: [...machines], ignoreChanges: ['content'] },
    );
    this.registerOutputs();
  }
}
