import { apiEndpoint, oneOf, setting, type Setting, text, wholeNumber } from './fields.ts';

/** cloud.google.com/storage/docs/buckets#naming */
const bucketName = text.regex(
  /^[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]$/,
  'must be the name of a bucket, without gs:// (lower-case letters, digits, hyphens, underscores, dots)',
);
/** cloud.google.com/storage/docs/objects#naming */
const objectName = text
  .refine((name) => Buffer.byteLength(name) <= 1024, 'must have at most 1024 bytes')
  .refine(
    (name) => !/[\u0000-\u001f\u007f]/.test(name) && name !== '.' && name !== '..',
    'must be the name of an object',
  );

export const gcsSettings = {
  gcsBucket: setting(
    'GCS_CONFIG_BUCKET',
    bucketName.nullable().default(null),
    'none (required when CLUSTER_CONFIG_SOURCE is gcs)',
    'The bucket of Google Cloud Storage that holds the plan.',
  ),
  gcsObject: setting(
    'GCS_CONFIG_OBJECT',
    objectName.nullable().default(null),
    'none (required when CLUSTER_CONFIG_SOURCE is gcs)',
    'The object of that bucket that is the plan.',
  ),
  gcsPollSecs: setting(
    'GCS_POLL_SECS',
    wholeNumber(1, 3600).nullable().default(null),
    'off',
    'How often the leader asks whether the object has another generation, and takes each as a new plan. Else `tutti reload` does.',
  ),
  gcsResultsBucket: setting(
    'GCS_RESULTS_BUCKET',
    bucketName.nullable().default(null),
    'none',
    'A bucket into which the leader writes the result of each run, as JSON and under a name of its own. With every CLUSTER_CONFIG_SOURCE.',
  ),
  gcsApiEndpoint: setting(
    'GCS_API_ENDPOINT',
    apiEndpoint.nullable().default(null),
    'https://storage.googleapis.com',
    'Where the JSON API of Cloud Storage is, for an emulator or a private endpoint: http(s)://host:port.',
  ),
  gcsApiEndpointAuth: setting(
    'GCS_API_ENDPOINT_AUTH',
    oneOf(['none', 'adc']).nullable().default(null),
    'none',
    'Whether GCS_API_ENDPOINT is sent a token. adc: of the Application Default Credentials, as Google’s own endpoint is. none: no.',
  ),
} satisfies Record<string, Setting>;
