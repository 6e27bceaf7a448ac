import { readFileSync } from 'node:fs';
import { TuttiError } from '../lib/errors.ts';
import { notSendable, sendableToken } from '../settings/token.ts';
import { ClusterClient } from './client.ts';

export const defaultNode = 'http://127.0.0.1:8080';

export interface ClusterOptions {
  readonly node?: string;
  readonly tokenFile?: string;
  readonly patience: string;
  readonly json?: true;
  readonly quiet?: true;
  readonly out?: string;
}

/** An empty variable is what `FOO= command` leaves behind: it counts as not given. */
const variable = (name: string): string | null => process.env[name] || null;

/** The nodes to ask, as they were given. */
export const nodesOf = (options: ClusterOptions): string => options.node ?? variable('TUTTI_NODES') ?? defaultNode;

/** Throws SETTINGS_INVALID where nodes, patience or token are not what they must be, before anybody is asked. */
export function clientOf(options: ClusterOptions): ClusterClient {
  const nodes = nodesOf(options)
    .split(',')
    .map((node) => (node.includes('://') ? node : `http://${node}`));
  const bad = nodes.find((node) => !isNodeUrl(node));
  if (bad !== undefined)
    throw new TuttiError('SETTINGS_INVALID', `--node: '${bad}' is not a URL like ${defaultNode} (ports 1 to 65535)`);
  const patienceMs = Number(options.patience) * 1000;
  if (!(patienceMs >= 0))
    throw new TuttiError('SETTINGS_INVALID', `--patience: '${options.patience}' is not a number of seconds`);
  return new ClusterClient({ nodes, token: tokenOf(options), patienceMs });
}

function isNodeUrl(text: string): boolean {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol)) return false;
  // The token is given otherwise, and fetch refuses a name and a password there.
  return url.port !== '0' && url.username === '' && url.password === '';
}

function tokenOf({ tokenFile }: ClusterOptions): string | null {
  const file = tokenFile ?? variable('API_AUTH_TOKEN_FILE');
  const where = file === null ? 'API_AUTH_TOKEN' : `--token-file: ${file}`;
  const token = file === null ? variable('API_AUTH_TOKEN') : readToken(file);
  if (token !== null && !sendableToken.test(token)) {
    throw new TuttiError('SETTINGS_INVALID', `${where}: ${notSendable}`);
  }
  return token;
}

function readToken(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    throw new TuttiError(
      'SETTINGS_INVALID',
      `--token-file: cannot read ${file} (${(error as NodeJS.ErrnoException).code})`,
      { cause: error },
    );
  }
}
