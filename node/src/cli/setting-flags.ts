import { type Command, Option } from 'commander';
import type { Flags } from '../settings/read.ts';
import { type Setting, settings, type SettingName } from '../settings/schema.ts';

/** Gives a command the flags of these settings; those that have none, for they are secrets, stay out. */
export function addFlags(command: Command, names: readonly SettingName[]): void {
  for (const name of names) {
    const { env, flag, isSwitch, shown, help }: Setting = settings[name];
    if (flag === null) continue;
    const value = isSwitch ? '[true|false]' : '<value>';
    command.addOption(new Option(`--${flag} ${value}`, `${help} [${env}, default: ${shown}]`));
  }
}

/** Commander names options in camel case of the flag; the table says which setting each is. */
export function flagsOf(options: Readonly<Record<string, string>>): Flags {
  const flags: Flags = {};
  for (const [name, { flag }] of Object.entries(settings)) {
    const value = flag === null ? undefined : options[camelCase(flag)];
    if (value !== undefined) flags[name as SettingName] = value;
  }
  return flags;
}

const camelCase = (flag: string): string => flag.replace(/-(.)/g, (_match, letter: string) => letter.toUpperCase());
