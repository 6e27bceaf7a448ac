import type { Command } from 'commander';
import { credentialsSettings } from '../settings/credentials.ts';
import { readCredentialsSettings } from '../settings/read.ts';
import type { SettingName } from '../settings/schema.ts';
import { addFlags, flagsOf } from './setting-flags.ts';

/** `tutti credentials`: what a node proves itself with, from where it is kept to files. */
export function addCredentialsCommand(program: Command): void {
  const credentials = program.command('credentials').description('The keys and the token of a node.');
  const sync = credentials
    .command('sync')
    .description('Fetch key, certificate, authorities and API token from Secret Manager into a folder, as one set.');
  addFlags(sync, Object.keys(credentialsSettings) as SettingName[]);
  sync
    .addHelpText(
      'after',
      `
Application Default Credentials say who asks: on Google Cloud those of the machine's service account, with nothing to set.
Ends with 0 when the folder holds the newest versions, changed or not; with 1 when they cannot be had, and says why; with 104
when a setting is wrong. With --credentials-watch-secs it goes on until SIGTERM, and what fails is tried again.

Example:
  tutti credentials sync --credentials-dir /run/tutti/credentials \\
    --credentials-keys-secret projects/my-project/secrets/tutti-dev-us-east1-1-keys
  tutti node --tls-cert-file /run/tutti/credentials/current/node.pem ...
`,
    )
    .action(async (options: Record<string, string>) => {
      const read = readCredentialsSettings(process.env, flagsOf(options));
      const { runSync } = await import('../node/keys/run-sync.ts');
      await runSync(read, (line) => console.log(line));
    });
}
