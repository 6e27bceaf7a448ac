/** Of the JSON API of Cloud Storage. */
export const gcsEndpoint = 'https://storage.googleapis.com';

/** What a token of the Application Default Credentials is asked for. */
export const gcsScopes = {
  read: 'https://www.googleapis.com/auth/devstorage.read_only',
  write: 'https://www.googleapis.com/auth/devstorage.read_write',
} as const;

/** The command that gives a role on a bucket, for messages. */
export function allowOn(bucket: string, role: string): string {
  return `gcloud storage buckets add-iam-policy-binding gs://${bucket} --member=serviceAccount:EMAIL --role=${role}`;
}
