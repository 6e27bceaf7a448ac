import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { replacedBy } from './gcp-network.ts';
import type { ResourceKind } from './resource-kind.ts';
import { textOf, valuesAt, type Values } from './values.ts';

const registry = 'https://registry.terraform.io/providers/hashicorp/google/latest/docs/resources';

/** What is to be uploaded: the text itself, or the file at a path, which counts from the folder of the Pulumi program. */
export function contentOf(inputs: Values): Buffer {
  if (typeof inputs.content === 'string') return Buffer.from(inputs.content);
  const [path] = valuesAt(inputs, 'source.path');
  const [text] = valuesAt(inputs, 'source.text');
  if (typeof text === 'string') return Buffer.from(text);
  if (typeof path !== 'string') throw new Error('the source of an object is neither a file nor a text');
  return readFileSync(new URL(path, new URL('../../../infra/', import.meta.url)));
}

const digest = (algorithm: string, inputs: Values): string =>
  createHash(algorithm).update(contentOf(inputs)).digest('base64');

export const gcpStorage: Readonly<Record<string, ResourceKind>> = {
  'gcp:storage/bucket:Bucket': {
    module: 'storage/bucket',
    docs: `${registry}/storage_bucket`,
    api: 'storage.googleapis.com',
    autonamed: 'name',
    rules: [
      {
        at: 'name',
        matches: /^[a-z0-9][-_.a-z0-9]{1,61}[a-z0-9]$/,
        docs: 'https://cloud.google.com/storage/docs/buckets#naming',
      },
      {
        at: 'publicAccessPrevention',
        matches: /^(inherited|enforced)$/,
        docs: `${registry}/storage_bucket#public_access_prevention-1`,
      },
      ...replacedBy(
        `${registry}/storage_bucket#argument-reference`,
        'name',
        'project',
        'location',
        'enableObjectRetention',
      ),
    ],
    id: ({ inputs }) => textOf(inputs, 'name'),
    computed: {
      project: ({ project }) => project,
      url: ({ id }) => `gs://${id}`,
      selfLink: ({ id }) => `https://www.googleapis.com/storage/v1/b/${id}`,
    },
  },
  'gcp:storage/bucketIAMMember:BucketIAMMember': {
    module: 'storage/bucketIAMMember',
    docs: `${registry}/storage_bucket_iam`,
    uses: ({ inputs }) => [textOf(inputs, 'bucket')],
    rules: replacedBy(
      `${registry}/storage_bucket_iam#google_storage_bucket_iam_member`,
      'bucket',
      'role',
      'member',
      'condition',
    ),
    id: ({ inputs }) => `b/${textOf(inputs, 'bucket')}/${textOf(inputs, 'role')}/${textOf(inputs, 'member')}`,
    computed: { etag: ({ serial }) => `CAE${serial}` },
  },
  'gcp:storage/bucketObject:BucketObject': {
    module: 'storage/bucketObject',
    docs: `${registry}/storage_bucket_object`,
    autonamed: 'name',
    uses: ({ inputs }) => [textOf(inputs, 'bucket')],
    rules: [
      { oneOf: ['content', 'source'], docs: `${registry}/storage_bucket_object#argument-reference` },
      {
        excludes: ['customerEncryption', 'kmsKeyName'],
        docs: `${registry}/storage_bucket_object#customer_encryption-1`,
      },
      // Another content is another object: deleted and made again, between which a reader finds none.
      ...replacedBy(
        `${registry}/storage_bucket_object#argument-reference`,
        ...[
          'bucket',
          'name',
          'content',
          'source',
          'cacheControl',
          'contentDisposition',
          'contentEncoding',
          'contentLanguage',
        ],
        ...['contentType', 'metadata', 'storageClass', 'kmsKeyName', 'sourceMd5hash', 'detectMd5hash'],
      ),
    ],
    id: ({ inputs }) => `${textOf(inputs, 'bucket')}-${textOf(inputs, 'name')}`,
    computed: {
      outputName: ({ inputs }) => textOf(inputs, 'name'),
      md5hash: ({ inputs }) => digest('md5', inputs),
      generation: ({ serial }) => 1_700_000_000_000_000 + serial,
      selfLink: ({ inputs }) =>
        `https://www.googleapis.com/storage/v1/b/${textOf(inputs, 'bucket')}/o/${encodeURIComponent(textOf(inputs, 'name'))}`,
      mediaLink: ({ inputs }) =>
        `https://storage.googleapis.com/download/storage/v1/b/${textOf(inputs, 'bucket')}/o/${encodeURIComponent(textOf(inputs, 'name'))}`,
    },
  },
};
