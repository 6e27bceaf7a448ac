import { chmodSync, copyFileSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { PulumiPrograms } from '../../support/pulumi/find.ts';

const checkout = fileURLToPath(new URL('../../../', import.meta.url));

/** A provider that runs already. */
export interface RunningProvider {
  readonly name: string;
  readonly version: string;
  /** On loopback. */
  readonly port: number;
}

/** The folder of the Pulumi program, and the environment in which the engine runs it. */
export interface Workspace {
  readonly folder: string;
  readonly environment: Readonly<Record<string, string>>;
}

/**
 * The Pulumi program of this checkout in a directory of its own, since the engine writes a stack's configuration beside it; with an engine
 * that keeps its state and looks for its plugins there. The program itself is linked, so what runs is what is here.
 */
export function makeWorkspace(
  directory: string,
  { cli, languageHost }: PulumiPrograms,
  providers: readonly RunningProvider[],
): Workspace {
  const [bin, home, state, folder] = ['bin', 'home', 'state', 'infra'].map((name) => join(directory, name)) as [
    string,
    string,
    string,
    string,
  ];
  for (const path of [bin, home, state, folder]) mkdirSync(path, { recursive: true });
  symlinkSync(cli, join(bin, 'pulumi'));
  // The engine of today hands the options of Pulumi.yaml over in the protocol; the host of this version takes them from its command line.
  writeProgram(join(bin, 'pulumi-language-nodejs'), `exec '${languageHost}' -typescript=false "$@"`);
  symlinkSync(join(checkout, 'node_modules'), join(directory, 'node_modules'));
  for (const name of readdirSync(join(checkout, 'infra'))) {
    if (name.startsWith('Pulumi.')) continue;
    symlinkSync(join(checkout, 'infra', name), join(folder, name));
  }
  copyFileSync(join(checkout, 'infra/Pulumi.yaml'), join(folder, 'Pulumi.yaml'));
  for (const provider of providers) install(home, provider);
  return {
    folder,
    environment: {
      PATH: [bin, dirname(process.execPath), process.env.PATH ?? ''].join(delimiter),
      PULUMI_HOME: home,
      PULUMI_BACKEND_URL: `file://${state}`,
      PULUMI_CONFIG_PASSPHRASE: 'for a rehearsal',
      PULUMI_SKIP_UPDATE_CHECK: 'true',
      // Has the command line write what it does as events, which it otherwise keeps from users.
      PULUMI_DEBUG_COMMANDS: 'true',
      // What is not there must be missed at once, and not be looked for on the internet.
      PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: 'true',
    },
  };
}

/** Where the engine looks for the plugins that are installed. It starts one and reads the port from its output. */
function install(home: string, { name, version, port }: RunningProvider): void {
  const folder = join(home, `plugins/resource-${name}-v${version}`);
  const program = join(folder, `pulumi-resource-${name}`);
  mkdirSync(folder, { recursive: true });
  writeProgram(program, `echo ${port}\nexec sleep infinity`);
}

function writeProgram(path: string, script: string): void {
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
}
