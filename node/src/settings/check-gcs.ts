import type { Settings } from './schema.ts';

/** What is missing, contradicts itself or has no effect among the settings of Cloud Storage. */
export function gcsProblems(
  read: Settings,
  environment: Readonly<Record<string, string | undefined>>,
): readonly string[] {
  const ofPlan = {
    GCS_CONFIG_BUCKET: read.gcsBucket,
    GCS_CONFIG_OBJECT: read.gcsObject,
    GCS_POLL_SECS: read.gcsPollSecs,
  };
  const ofAll = { GCS_API_ENDPOINT: read.gcsApiEndpoint, GCS_API_ENDPOINT_AUTH: read.gcsApiEndpointAuth };
  const hasPlan = read.configSource === 'gcs';
  const idle = hasPlan ? [] : given(ofPlan).map((name) => `${name}: has no effect unless CLUSTER_CONFIG_SOURCE is gcs`);
  if (!hasPlan && read.gcsResultsBucket === null && read.founders === null) {
    const unless = 'has no effect unless CLUSTER_CONFIG_SOURCE is gcs or GCS_RESULTS_BUCKET or CLUSTER_FOUNDERS is set';
    return [...idle, ...given(ofAll).map((name) => `${name}: ${unless}`)];
  }
  const missing = (['GCS_CONFIG_BUCKET', 'GCS_CONFIG_OBJECT'] as const).filter((name) => ofPlan[name] === null);
  return [
    ...idle,
    ...(hasPlan ? missing.map((name) => `${name}: required when CLUSTER_CONFIG_SOURCE is gcs`) : []),
    ...(read.gcsApiEndpointAuth !== null && read.gcsApiEndpoint === null
      ? ['GCS_API_ENDPOINT_AUTH: has no effect unless GCS_API_ENDPOINT is set; Google’s own is always sent a token']
      : []),
    // Google's client libraries obey it, each in its own way; whoever set it means an emulator, and would get the real one.
    ...((environment.STORAGE_EMULATOR_HOST ?? '') === ''
      ? []
      : ['STORAGE_EMULATOR_HOST: is not obeyed; use GCS_API_ENDPOINT, and unset it']),
  ];
}

function given(values: Readonly<Record<string, unknown>>): readonly string[] {
  return Object.keys(values).filter((name) => values[name] !== null);
}
