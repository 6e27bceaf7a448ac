import { readFileSync } from 'node:fs';
import { TuttiError } from '../lib/errors.ts';
import { nearest } from '../lib/nearest.ts';
import { discoveryProblems } from './check-discovery.ts';
import { gcsProblems } from './check-gcs.ts';
import { credentialsSettings } from './credentials.ts';
import { notYetSupported } from './not-supported.ts';
import { settings, type SettingName, type Settings } from './schema.ts';
import { notSendable, sendableToken } from './token.ts';

type Environment = Readonly<Record<string, string | undefined>>;
/** Values by setting name, as typed after a flag. */
export type Flags = Partial<Record<SettingName, string>>;
export type CredentialsSettings = Pick<Settings, keyof typeof credentialsSettings>;

const names = Object.keys(settings) as SettingName[];

/**
 * Settings from flags, else the environment, else defaults. Every problem at once, as SETTINGS_INVALID: each names the
 * variable, what is wrong and the nearest known name.
 */
export function readSettings(environment: Environment, flags: Flags = {}): Settings {
  const problems = unknownVariables(environment);
  const parsed = readEach(names, environment, flags, problems) as Settings;
  if (problems.length > 0) throw invalid(problems);
  const withSecrets = {
    ...parsed,
    secret: fromFile('CLUSTER_SECRET', parsed.secret, parsed.secretFile, problems),
    apiAuthToken: fromFile('API_AUTH_TOKEN', parsed.apiAuthToken, parsed.apiAuthTokenFile, problems),
  };
  const { apiAuthToken, apiAuthTokenFile } = withSecrets;
  if (apiAuthTokenFile !== null && apiAuthToken !== null && !sendableToken.test(apiAuthToken))
    problems.push(`API_AUTH_TOKEN_FILE: what ${apiAuthTokenFile} holds ${notSendable}`);
  if (problems.length > 0) throw invalid(problems);
  return withSecrets;
}

/**
 * Those of `tutti credentials sync` alone: it is there to write the files that other settings name, which need not be there yet.
 * SETTINGS_INVALID with every problem at once.
 */
export function readCredentialsSettings(environment: Environment, flags: Flags = {}): CredentialsSettings {
  const problems: string[] = [];
  const own = Object.keys(credentialsSettings) as (keyof CredentialsSettings)[];
  const read = readEach(own, environment, flags, problems) as CredentialsSettings;
  if (problems.length > 0) throw invalid(problems);
  if (read.credentialsDir === null)
    problems.push('CREDENTIALS_DIR: required: where key, certificate and token are to be');
  if (read.credentialsKeysSecret === null && read.credentialsTokenSecret === null)
    problems.push('CREDENTIALS_KEYS_SECRET, CREDENTIALS_TOKEN_SECRET: one is required: there is nothing to fetch');
  if (read.secretManagerApiEndpointAuth !== null && read.secretManagerApiEndpoint === null)
    problems.push('SECRET_MANAGER_API_ENDPOINT_AUTH: has no effect unless SECRET_MANAGER_API_ENDPOINT is set');
  if (problems.length > 0) throw invalid(problems);
  return read;
}

function readEach(
  which: readonly SettingName[],
  environment: Environment,
  flags: Flags,
  problems: string[],
): Record<string, unknown> {
  const read: Record<string, unknown> = {};
  for (const name of which) {
    const { env, flag, schema } = settings[name];
    // An empty variable is what `FOO= command` and unset template values leave behind: it counts as not given.
    const given = flags[name] ?? (environment[env] === '' ? undefined : environment[env]);
    const result = schema.safeParse(given);
    if (result.success) read[name] = result.data;
    else problems.push(`${flags[name] === undefined ? env : `--${flag}`}: ${result.error.issues[0]!.message}`);
  }
  return read;
}

/** What a cluster node needs beyond each setting being well-formed, and what it must not be given. Throws SETTINGS_INVALID. */
export function checkNodeSettings(read: Settings, environment: Environment): void {
  const problems = unsupportedVariables(environment);
  problems.push(...discoveryProblems(read, environment));
  if (read.configSource === null) problems.push('CLUSTER_CONFIG_SOURCE: required; api, file, consul-kv or gcs');
  if (read.configSource === 'file' && read.configFile === null)
    problems.push('CLUSTER_CONFIG_FILE: required when CLUSTER_CONFIG_SOURCE is file');
  if (read.configSource !== 'file' && read.configFile !== null)
    problems.push('CLUSTER_CONFIG_FILE: has no effect unless CLUSTER_CONFIG_SOURCE is file');
  problems.push(...timingProblems(read));
  problems.push(...sourceProblems(read), ...gcsProblems(read, environment));
  const tls = [read.tlsCertFile, read.tlsKeyFile, read.tlsCaFile];
  if (tls.some((file) => file !== null) && tls.includes(null)) {
    problems.push('CLUSTER_TLS_CERT_FILE, CLUSTER_TLS_KEY_FILE, CLUSTER_TLS_CA_FILE: all three or none');
  }
  if (problems.length > 0) throw invalid(problems);
}

function timingProblems({ timings, heartbeatMs, electionTimeoutMs }: Settings): string[] {
  const given = { CLUSTER_HEARTBEAT_MS: heartbeatMs, CLUSTER_ELECTION_TIMEOUT_MS: electionTimeoutMs };
  if (timings !== 'custom') {
    const idle = Object.entries(given).filter(([, value]) => value !== null);
    return idle.map(([name]) => `${name}: has no effect unless CLUSTER_TIMINGS is custom`);
  }
  const missing = Object.entries(given).filter(([, value]) => value === null);
  return missing.map(([name]) => `${name}: required when CLUSTER_TIMINGS is custom`);
}

function sourceProblems(read: Settings): string[] {
  const given = [
    ['CONSUL_CONFIG_KEY', read.consulConfigKey !== null, ['consul-kv']],
    ['CONSUL_CONFIG_WATCH', read.consulConfigWatch, ['consul-kv']],
    ['CLUSTER_ON_CONFIG_ERROR', read.onConfigError !== null, ['consul-kv', 'gcs']],
    ['CLUSTER_ON_RELOAD', read.onReload !== null, ['consul-kv', 'gcs']],
  ] as const;
  return given
    .filter(([, isGiven, sources]) => isGiven && !sources.some((source) => source === read.configSource))
    .map(([name, , sources]) => `${name}: has no effect unless CLUSTER_CONFIG_SOURCE is ${sources.join(' or ')}`);
}

function unknownVariables(environment: Environment): string[] {
  const known = new Set<string>(names.map((name) => settings[name].env));
  return Object.keys(environment)
    .filter((name) => name.startsWith('CLUSTER_') && !known.has(name) && environment[name] !== '')
    .map((name) => {
      if (notYetSupported[name] !== undefined) return `${name}: ${notYetSupported[name]}`;
      const guess = nearest(name, known);
      return `${name}: unknown variable${guess === null ? '; `tutti node --help` lists all' : `; did you mean ${guess}?`}`;
    });
}

/** Those without our prefix concern nodes alone; the others have been looked at. */
function unsupportedVariables(environment: Environment): string[] {
  return Object.entries(notYetSupported).flatMap(([name, why]) =>
    name.startsWith('CLUSTER_') || (environment[name] ?? '') === '' ? [] : [`${name}: ${why}`],
  );
}

function fromFile(env: string, value: string | null, file: string | null, problems: string[]): string | null {
  if (file === null) return value;
  if (value !== null) problems.push(`${env} and ${env}_FILE: give one, not both`);
  try {
    const text = readFileSync(file, 'utf8').trim();
    if (text.length < 16) problems.push(`${env}_FILE: ${file} must hold at least 16 characters`);
    return text;
  } catch (error) {
    problems.push(`${env}_FILE: cannot read ${file} (${(error as NodeJS.ErrnoException).code ?? String(error)})`);
    return null;
  }
}

function invalid(problems: readonly string[]): TuttiError {
  const count = problems.length === 1 ? '1 problem' : `${problems.length} problems`;
  return new TuttiError('SETTINGS_INVALID', `${problems.join('\n')}\n${count} in the settings; nothing was started`);
}
