import { gcsScopes } from '../gcs/access.ts';
import type { ObjectAddress } from '../gcs/read-object.ts';
import { defaultCredentials, noCredentials } from '../google/credentials.ts';
import type { GoogleAccess } from '../google/request.ts';
import { TuttiError } from '../lib/errors.ts';
import { planLimits } from '../plan/limits.ts';
import type { Settings } from '../settings/schema.ts';

/**
 * From our settings. Call it at the start of the node: a leader that loads Google's library after its election misses heartbeats
 * meanwhile.
 */
export async function gcsAccess(settings: Settings, use: 'read' | 'write'): Promise<GoogleAccess> {
  const { gcsApiEndpoint, gcsApiEndpointAuth } = settings;
  const sendsToken = gcsApiEndpoint === null || gcsApiEndpointAuth === 'adc';
  return {
    endpoint: gcsApiEndpoint === null ? null : new URL(gcsApiEndpoint),
    credentials: sendsToken ? await defaultCredentials(gcsScopes[use]) : noCredentials,
  };
}

/** Where the plan is in Cloud Storage. SETTINGS_INVALID if they do not say. */
export async function objectAddress(settings: Settings): Promise<ObjectAddress> {
  const { gcsBucket: bucket, gcsObject: object } = settings;
  if (bucket === null || object === null) {
    throw new TuttiError('SETTINGS_INVALID', 'GCS_CONFIG_BUCKET, GCS_CONFIG_OBJECT: required');
  }
  return { ...(await gcsAccess(settings, 'read')), bucket, object, maxBytes: planLimits.textBytes };
}
