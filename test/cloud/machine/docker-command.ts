import { parseArgs } from 'node:util';

/** What `docker run` of a unit asks for. */
export interface RunCommand {
  readonly name: string;
  readonly image: string;
  readonly args: readonly string[];
  readonly entrypoint: string | null;
  readonly user: string | null;
  readonly workdir: string | null;
  readonly envFiles: readonly string[];
  readonly env: readonly string[];
  /** "SOURCE:TARGET[:ro]" */
  readonly volumes: readonly string[];
  readonly tmpfs: readonly string[];
  /** "nofile=SOFT:HARD" */
  readonly ulimits: readonly string[];
  readonly isReadOnly: boolean;
  readonly dropsCapabilities: boolean;
  readonly noNewPrivileges: boolean;
}

const one = { type: 'string' } as const;
const many = { type: 'string', multiple: true } as const;
const flag = { type: 'boolean' } as const;

/** Reads the arguments after `docker run`. Throws for what the stand-in would not honour, and for what only it would take. */
export function parseRun(args: readonly string[]): RunCommand {
  const { options, rest } = untilImage(args);
  const { values } = parseArgs({
    args: [...options],
    options: {
      ...{
        rm: flag,
        init: flag,
        name: one,
        network: one,
        'read-only': flag,
        tmpfs: many,
        'cap-drop': many,
        'security-opt': many,
      },
      ...{
        ulimit: many,
        'stop-timeout': one,
        'env-file': many,
        env: many,
        volume: many,
        entrypoint: one,
        user: one,
        workdir: one,
      },
      ...{ pull: one, 'no-healthcheck': flag, 'log-driver': one },
    },
    strict: true,
  });
  const [image, ...command] = rest;
  if (image === undefined) throw new Error('docker run: names no image');
  if (values.network !== 'host') throw new Error('docker run: the stand-in has only --network=host');
  if (values.rm !== true) throw new Error('docker run: the stand-in keeps no container; say --rm');
  const capabilities = values['cap-drop'] ?? [];
  if (capabilities.some((name) => name !== 'ALL'))
    throw new Error('docker run: the stand-in knows only --cap-drop=ALL');
  const security = values['security-opt'] ?? [];
  if (security.some((option) => option !== 'no-new-privileges'))
    throw new Error(`docker run: --security-opt=${security.join(' ')}?`);
  return {
    name: values.name ?? `unnamed-${process.pid}`,
    image,
    args: command,
    entrypoint: values.entrypoint ?? null,
    user: values.user ?? null,
    workdir: values.workdir ?? null,
    envFiles: values['env-file'] ?? [],
    env: values.env ?? [],
    volumes: values.volume ?? [],
    tmpfs: values.tmpfs ?? [],
    ulimits: values.ulimit ?? [],
    isReadOnly: values['read-only'] === true,
    dropsCapabilities: capabilities.length > 0,
    noNewPrivileges: security.length > 0,
  };
}

/** Options end at the first word that is none; every option here that takes a value is written with "=". */
function untilImage(args: readonly string[]): {
  readonly options: readonly string[];
  readonly rest: readonly string[];
} {
  const at = args.findIndex((arg) => !arg.startsWith('-'));
  return { options: args.slice(0, at < 0 ? args.length : at), rest: at < 0 ? [] : args.slice(at) };
}

/** An env file as Docker reads it: lines NAME=value, the value to the end of the line, as it is. */
export function parseEnvFile(text: string): Readonly<Record<string, string>> {
  const lines = text.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('#'));
  return Object.fromEntries(
    lines.map((line) => {
      const at = line.indexOf('=');
      if (at <= 0 || /\s/.test(line.slice(0, at))) throw new Error(`docker run: an env file has the line "${line}"`);
      return [line.slice(0, at), line.slice(at + 1)];
    }),
  );
}
