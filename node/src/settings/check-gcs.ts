import type { Settings } from './schema.ts';

/** What is missing, contradicts itself or has no effect among the settings of Cloud Storage. */
export function gcsProblems(
  read: Settings,
  environment: Readonly<Record<string, string | undefined>>,
): readonly string[] {
  const given = {
    GCS_CONFIG_BUCKET: read.gcsBucket,
    GCS_CONFIG_OBJECT: read.gcsObject,
    GCS_POLL_SECS: read.gcsPollSecs,
    GCS_API_ENDPOINT: read.gcsApiEndpoint,
    GCS_API_ENDPOINT_AUTH: read.gcsApiEndpointAuth,
  };
  if (read.configSource !== 'gcs') {
    const idle = Object.entries(given).filter(([, value]) => value !== null);
    return idle.map(([name]) => `${name}: has no effect unless CLUSTER_CONFIG_SOURCE is gcs`);
  }
  const missing = (['GCS_CONFIG_BUCKET', 'GCS_CONFIG_OBJECT'] as const).filter((name) => given[name] === null);
  return [
    ...missing.map((name) => `${name}: required when CLUSTER_CONFIG_SOURCE is gcs`),
    ...(read.gcsApiEndpointAuth !== null && read.gcsApiEndpoint === null
      ? ['GCS_API_ENDPOINT_AUTH: has no effect unless GCS_API_ENDPOINT is set; Google’s own is always sent a token']
      : []),
    // Google's client libraries obey it, each in its own way; whoever set it means an emulator, and would get the real one.
    ...((environment.STORAGE_EMULATOR_HOST ?? '') === ''
      ? []
      : ['STORAGE_EMULATOR_HOST: is not obeyed; use GCS_API_ENDPOINT, and unset it']),
  ];
}
