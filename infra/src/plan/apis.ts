/** The APIs that a project must have enabled, without ".googleapis.com". The last two are for the way to a node. */
export const apis = ['compute', 'iam', 'logging', 'monitoring', 'secretmanager', 'storage', 'iap', 'oslogin'] as const;

/** What enabling others takes: nothing can do that but a person (`scripts/cloud doctor`). */
export const firstApis = ['serviceusage', 'cloudresourcemanager'] as const;
