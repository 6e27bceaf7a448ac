import { Bucket, type BucketArgs } from '@pulumi/gcp/storage/bucket.js';
import { BucketIAMMember } from '@pulumi/gcp/storage/bucketIAMMember.js';
import { BucketObject } from '@pulumi/gcp/storage/bucketObject.js';
import { asset, ComponentResource, type ComponentResourceOptions, type Input, type Output } from '@pulumi/pulumi';
import type { Bundle } from '../bundle/bundle.ts';

/** The name of the plan in its bucket. */
export const PLAN_OBJECT = 'plan.yaml';
const WEEK_SECS = 604_800;

export interface BucketComponentArgs {
  readonly location: string;
  readonly labels: Readonly<Record<string, string>>;
  /** By node id. */
  readonly members: ReadonlyMap<string, Input<string>>;
}

/**
 * The bucket of the plan, under a name that a user can know beforehand, with the plan and the built node in it. Earlier plans are kept as versions.
 * Pulumi compares the object with the plan file of its last `up`: what a user has uploaded since stays until that file changes.
 */
export class ConfigBucket extends ComponentResource {
  readonly bucketName: Output<string>;

  constructor(
    name: string,
    args: BucketComponentArgs & {
      readonly bucketName: string;
      readonly planText: string;
      /** Null: the image has the node. */
      readonly bundle: Bundle | null;
    },
    options?: ComponentResourceOptions,
  ) {
    super('tutti:infra:ConfigBucket', name, {}, options);
    const versions = { versioning: { enabled: true }, softDeletePolicy: { retentionDurationSeconds: 0 } };
    const bucket = new Bucket(
      name,
      { ...closed(args), ...versions, name: args.bucketName, forceDestroy: true },
      { parent: this },
    );
    this.bucketName = bucket.name;
    new BucketObject(
      `${name}-plan`,
      {
        bucket: bucket.name,
        name: PLAN_OBJECT,
        content: args.planText,
        contentType: 'application/yaml',
        cacheControl: 'no-store',
      },
      { parent: this },
    );
    // Another build has another name, so the one that nodes run meanwhile is taken away last.
    if (args.bundle !== null)
      new BucketObject(
        `${name}-bundle`,
        {
          bucket: bucket.name,
          name: args.bundle.name,
          source: new asset.FileAsset(args.bundle.file),
          contentType: 'application/gzip',
        },
        { parent: this },
      );
    allow(this, name, bucket.name, 'roles/storage.objectViewer', args.members);
    this.registerOutputs({ bucketName: this.bucketName });
  }
}

/**
 * The bucket of the results, to which nodes may add and nothing else. With `keep` it stays after `pulumi destroy`; so its name is
 * one that Pulumi makes, or the next `up` would meet the one that stayed.
 */
export class ResultsBucket extends ComponentResource {
  readonly bucketName: Output<string>;

  constructor(
    name: string,
    args: BucketComponentArgs & { readonly keep: boolean },
    options?: ComponentResourceOptions,
  ) {
    super('tutti:infra:ResultsBucket', name, {}, options);
    const softDelete = { softDeletePolicy: { retentionDurationSeconds: args.keep ? WEEK_SECS : 0 } };
    const bucket = new Bucket(
      name,
      { ...closed(args), ...softDelete, forceDestroy: !args.keep },
      { parent: this, retainOnDelete: args.keep },
    );
    this.bucketName = bucket.name;
    allow(this, name, bucket.name, 'roles/storage.objectCreator', args.members);
    this.registerOutputs({ bucketName: this.bucketName });
  }
}

function closed({ location, labels }: BucketComponentArgs): BucketArgs {
  return { location, labels, uniformBucketLevelAccess: true, publicAccessPrevention: 'enforced' };
}

function allow(
  parent: ComponentResource,
  name: string,
  bucket: Input<string>,
  role: string,
  members: BucketComponentArgs['members'],
): void {
  for (const [node, member] of members) new BucketIAMMember(`${name}-${node}`, { bucket, role, member }, { parent });
}
