import { describe, expect, it } from 'vitest';
import { parseKeyPayload } from '../../../node/src/credentials/key-payload.ts';
import { readCredentialsSettings } from '../../../node/src/settings/read.ts';
import { credentialsSettings } from '../../../infra/src/boot/credentials.ts';
import { fullSecretName } from '../../../infra/src/plan/secrets.ts';

describe('credentialsSettings', () => {
  it('are settings that `tutti credentials sync` takes', () => {
    const text = credentialsSettings({
      keys: fullSecretName('my-project', 'tutti-dev-us-east1-1-keys'),
      token: fullSecretName('my-project', 'tutti-dev-api-token'),
    });
    const lines = text.trimEnd().split('\n');
    const environment = Object.fromEntries(lines.map((line) => line.split(/=(.*)/s) as [string, string]));
    expect(readCredentialsSettings(environment)).toMatchObject({
      credentialsDir: '/credentials',
      credentialsKeysSecret: 'projects/my-project/secrets/tutti-dev-us-east1-1-keys',
      credentialsTokenSecret: 'projects/my-project/secrets/tutti-dev-api-token',
      credentialsWatchSecs: 300,
    });
  });

  it('names no payload that a node would refuse without saying why', () => {
    expect(parseKeyPayload('{}')).toMatch(/^it is no object with the texts certificate, key and ca$/);
  });
});
