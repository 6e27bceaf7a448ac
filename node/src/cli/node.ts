import type { Command } from 'commander';
import { TuttiError } from '../lib/errors.ts';
import { credentialsSettings } from '../settings/credentials.ts';
import { checkNodeSettings, readSettings } from '../settings/read.ts';
import { settings, type SettingName } from '../settings/schema.ts';
import { fail } from './output.ts';
import { addFlags, flagsOf } from './setting-flags.ts';

/** Settings that belong to another command. */
const notForNodes: readonly string[] = ['metricsAddress', ...Object.keys(credentialsSettings)];

/** `tutti node`: every setting of the table is a flag, but for secrets. */
export function addNodeCommand(program: Command): void {
  const command = program.command('node').description('Be one node of a cluster, until SIGINT or SIGTERM.');
  addFlags(
    command,
    (Object.keys(settings) as SettingName[]).filter((name) => !notForNodes.includes(name)),
  );
  command
    .addHelpText(
      'after',
      `
Secrets have no flag: CLUSTER_SECRET, API_AUTH_TOKEN, or a file with --secret-file, --api-auth-token-file.

Example, three nodes on one machine:
  NODES=a=127.0.0.1:7001,b=127.0.0.1:7002,c=127.0.0.1:7003
  tutti node --node-id a --nodes $NODES --bind-addr 127.0.0.1:7001 --health-addr 127.0.0.1:8081 \\
             --config-source api --data-dir /tmp/tutti/a
  (and the same for b and c with their own addresses and directories)
`,
    )
    .action(async (options: Record<string, string>) => {
      if (/^(false|0)$/i.test(process.env.CLUSTER_ENABLED ?? '')) {
        throw new TuttiError(
          'SETTINGS_INVALID',
          'CLUSTER_ENABLED is false: use `tutti run` for a run on this machine alone, or unset it',
        );
      }
      const read = readSettings(process.env, flagsOf(options));
      checkNodeSettings(read, process.env);
      const { runNode } = await import('../node/run.ts');
      await runNode(read).catch(fail);
    });
}

/** A switch takes no argument but after `=`: else `--insecure x` would take what was meant for something else. */
export function withSwitches(args: readonly string[]): readonly string[] {
  const meanings = new Map<string, string>(
    Object.values(settings)
      .filter(({ flag, isSwitch }) => flag !== null && isSwitch)
      .flatMap(({ flag }) => [
        [`--${flag!}`, `--${flag!}=true`] as const,
        [`--no-${flag!}`, `--${flag!}=false`] as const,
      ]),
  );
  return args.map((argument) => meanings.get(argument) ?? argument);
}
