import { keepSynced, syncOnce } from '../../credentials/keep-synced.ts';
import { secretScope } from '../../credentials/secret.ts';
import { syncCredentials, type SyncOptions } from '../../credentials/sync.ts';
import { defaultCredentials, noCredentials } from '../../google/credentials.ts';
import { systemClock } from '../../lib/clock.ts';
import { TuttiError } from '../../lib/errors.ts';
import { createLog } from '../../lib/logger.ts';
import type { CredentialsSettings } from '../../settings/read.ts';

/** `tutti credentials sync`: once, with what it found to `print`; or again and again, with a log on stderr, until SIGINT or SIGTERM. */
export async function runSync(settings: CredentialsSettings, print: (line: string) => void): Promise<void> {
  const options = await syncOptions(settings);
  const stopping = new AbortController();
  const stop = (): void => stopping.abort();
  process.once('SIGINT', stop).once('SIGTERM', stop);
  const sync = (signal: AbortSignal): ReturnType<typeof syncCredentials> => syncCredentials(options, signal);
  const loop = { sync, clock: systemClock, random: Math.random, signal: stopping.signal };
  const { credentialsWatchSecs } = settings;
  if (credentialsWatchSecs === null) {
    const { isChanged, lines } = await syncOnce(loop);
    const { folder } = options;
    for (const line of [...lines, isChanged ? `written to ${folder}/current` : `${folder}/current holds them already`])
      print(line);
    return;
  }
  const log = createLog({ level: 'info', format: null, fields: () => ({}) });
  await keepSynced({ ...loop, everyMs: credentialsWatchSecs * 1_000, log });
}

async function syncOptions(settings: CredentialsSettings): Promise<SyncOptions> {
  const { credentialsDir: folder, credentialsKeysSecret: keys, credentialsTokenSecret: token } = settings;
  const { secretManagerApiEndpoint, secretManagerApiEndpointAuth } = settings;
  if (folder === null) throw new TuttiError('SETTINGS_INVALID', 'CREDENTIALS_DIR: required');
  const sendsToken = secretManagerApiEndpoint === null || secretManagerApiEndpointAuth === 'adc';
  const access = {
    endpoint: secretManagerApiEndpoint === null ? null : new URL(secretManagerApiEndpoint),
    credentials: sendsToken ? await defaultCredentials(secretScope) : noCredentials,
  };
  return { access, keys, token, folder };
}
