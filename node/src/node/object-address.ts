import { defaultCredentials, noCredentials } from '../gcs/credentials.ts';
import type { ObjectAddress } from '../gcs/http.ts';
import { TuttiError } from '../lib/errors.ts';
import { planLimits } from '../plan/limits.ts';
import type { Settings } from '../settings/schema.ts';

/** Where the plan is in Cloud Storage, from our settings. SETTINGS_INVALID if they do not say. */
export async function objectAddress(settings: Settings): Promise<ObjectAddress> {
  const { gcsBucket: bucket, gcsObject: object, gcsApiEndpoint, gcsApiEndpointAuth } = settings;
  if (bucket === null || object === null) {
    throw new TuttiError('SETTINGS_INVALID', 'GCS_CONFIG_BUCKET, GCS_CONFIG_OBJECT: required');
  }
  const sendsToken = gcsApiEndpoint === null || gcsApiEndpointAuth === 'adc';
  return {
    bucket,
    object,
    endpoint: gcsApiEndpoint === null ? null : new URL(gcsApiEndpoint),
    // At the start of the node: a leader that loads the library after its election misses heartbeats meanwhile.
    credentials: sendsToken ? await defaultCredentials() : noCredentials,
    maxBytes: planLimits.textBytes,
  };
}
