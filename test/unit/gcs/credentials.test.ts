import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { gcsScopes } from '../../../node/src/gcs/access.ts';
import { defaultCredentials } from '../../../node/src/google/credentials.ts';
import { readText } from '../../../node/src/gcs/read-text.ts';
import { FakeGoogle, withoutCredentials } from './fake-google.ts';
import { HastyClock } from './hasty-clock.ts';

describe('Application Default Credentials', () => {
  let google: FakeGoogle;
  let end: () => void;

  beforeEach(async () => {
    google = await FakeGoogle.start();
    google.onAsked = (asked) => asked.give(google.asked.length, 'plan');
    end = withoutCredentials((name, value) => vi.stubEnv(name, value));
  });
  afterEach(async () => {
    vi.unstubAllEnvs();
    end();
    await google.stop();
  });

  const onGoogleCloud = (): void => {
    vi.stubEnv('GCE_METADATA_HOST', google.host);
    vi.stubEnv('METADATA_SERVER_DETECTION', 'assume-present');
  };
  const reader = async (): Promise<() => Promise<unknown>> => {
    const address = { ...google.address, credentials: await defaultCredentials(gcsScopes.read) };
    const patience = { clock: new HastyClock(), random: () => 0, signal: new AbortController().signal };
    return () => readText(address, null, patience);
  };

  it('are a token of the metadata server, which is asked for it once, and for nothing else', async () => {
    onGoogleCloud();
    const read = await reader();
    await read();
    await read();
    expect(google.asked.map(({ authorization }) => authorization)).toEqual(['Bearer the-token', 'Bearer the-token']);
    expect(google.metadataAsked).toEqual([expect.stringMatching(/service-accounts\/default\/token$/)]);
  });

  it('that are missing are told with what to do, before anybody is asked', async () => {
    const read = await reader();
    await expect(read()).rejects.toMatchObject({
      code: 'GCS_FAILED',
      message: expect.stringMatching(
        /^there are no Google credentials; .*gcloud auth application-default login$/,
      ) as string,
    });
    expect(google.asked).toEqual([]);
  });

  it('that were missing are found once they are there', async () => {
    const read = await reader();
    await expect(read()).rejects.toThrow(/no Google credentials/);
    onGoogleCloud();
    expect(await read()).toMatchObject({ text: 'plan' });
  });

  it('that cannot be read are told with the reason', async () => {
    vi.stubEnv('GOOGLE_APPLICATION_CREDENTIALS', '/no/such/key.json');
    const read = await reader();
    await expect(read()).rejects.toThrow(/give no token: .*GOOGLE_APPLICATION_CREDENTIALS.*no\/such\/key.json/);
  });
});
