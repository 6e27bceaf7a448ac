import { type Command, Option } from 'commander';
import { TuttiError } from '../lib/errors.ts';
import { checkNodeSettings, type Flags, readSettings } from '../settings/read.ts';
import { settings, type SettingName } from '../settings/schema.ts';
import { fail } from './output.ts';

/** Settings that belong to another command. */
const notForNodes: readonly SettingName[] = ['metricsAddress'];

/** `tutti node`: every setting of the table is a flag, but for secrets. */
export function addNodeCommand(program: Command): void {
  const command = program.command('node').description('Be one node of a cluster, until SIGINT or SIGTERM.');
  for (const [name, { env, flag, isSwitch, shown, help }] of Object.entries(settings)) {
    if (flag === null || notForNodes.includes(name as SettingName)) continue;
    const value = isSwitch ? '[true|false]' : '<value>';
    command.addOption(new Option(`--${flag} ${value}`, `${help} [${env}, default: ${shown}]`));
  }
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

/** Commander names options in camel case of the flag; the table says which setting each is. */
function flagsOf(options: Readonly<Record<string, string>>): Flags {
  const flags: Flags = {};
  for (const [name, { flag }] of Object.entries(settings)) {
    const value = flag === null ? undefined : options[camelCase(flag)];
    if (value !== undefined) flags[name as SettingName] = value;
  }
  return flags;
}

const camelCase = (flag: string): string => flag.replace(/-(.)/g, (_match, letter: string) => letter.toUpperCase());
