import { CloudFailure } from '../failure.ts';

/**
 * The APIs of Google Cloud that the scripts ask. Each may be asked elsewhere (a private endpoint, a stand-in of a test) by the variable
 * that Google's own provider for Terraform, and so Pulumi's, obeys: a URL up to and with the version.
 */
const table = {
  compute: ['https://compute.googleapis.com/compute/v1/', 'GOOGLE_COMPUTE_CUSTOM_ENDPOINT'],
  storage: ['https://storage.googleapis.com/storage/v1/', 'GOOGLE_STORAGE_CUSTOM_ENDPOINT'],
  logging: ['https://logging.googleapis.com/v2/', 'GOOGLE_LOGGING_CUSTOM_ENDPOINT'],
  serviceUsage: ['https://serviceusage.googleapis.com/v1/', 'GOOGLE_SERVICE_USAGE_CUSTOM_ENDPOINT'],
  resourceManager: ['https://cloudresourcemanager.googleapis.com/v1/', 'GOOGLE_RESOURCE_MANAGER_CUSTOM_ENDPOINT'],
  orgPolicy: ['https://orgpolicy.googleapis.com/v2/', 'GOOGLE_ORG_POLICY_CUSTOM_ENDPOINT'],
  billing: ['https://cloudbilling.googleapis.com/v1/', 'GOOGLE_CLOUD_BILLING_CUSTOM_ENDPOINT'],
  secretManager: ['https://secretmanager.googleapis.com/v1/', 'GOOGLE_SECRET_MANAGER_CUSTOM_ENDPOINT'],
} as const satisfies Record<string, readonly [url: string, variable: string]>;

export type Api = keyof typeof table;
export type Endpoints = Readonly<Record<Api, URL>>;

/** Where each API is. Throws CloudFailure where a variable is no URL. */
export function endpointsOf(environment: Readonly<Record<string, string | undefined>>): Endpoints {
  const entries = Object.entries(table).map(([api, [url, variable]]) => {
    const given = environment[variable] || url;
    const parsed = URL.parse(given.endsWith('/') ? given : `${given}/`);
    if (parsed === null || !/^https?:$/.test(parsed.protocol))
      throw CloudFailure.input(`${variable}: "${given}" is no URL such as ${url}`);
    return [api, parsed];
  });
  return Object.fromEntries(entries) as Endpoints;
}
