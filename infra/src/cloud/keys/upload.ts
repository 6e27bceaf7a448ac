import { randomBytes } from 'node:crypto';
import { issue } from './certificates.ts';
import type { Secrets } from '../google/secrets.ts';
import type { Authorities } from './authorities.ts';

const NODE_DAYS = 365;

export interface KeysNode {
  readonly id: string;
  readonly internalIp: string;
  /** Full name of its secret. */
  readonly secret: string;
}

export interface UploadOptions {
  readonly nodes: readonly KeysNode[];
  readonly authorities: Authorities;
  /** Full name of the secret with the token of the API. */
  readonly tokenSecret: string;
  /** Another token, even where there is one. */
  readonly isNewToken: boolean;
  readonly secrets: Secrets;
  readonly progress: (line: string) => void;
}

/**
 * Makes a key and a certificate for each node and uploads them; the keys exist in this process's memory and, while openssl works, in a folder of
 * this user. A token that is there stays, since clients have it. Gives back the versions.
 */
export async function uploadKeys(options: UploadOptions): Promise<readonly string[]> {
  const { nodes, authorities, tokenSecret, isNewToken, secrets, progress } = options;
  const versions: string[] = [];
  const add = async (secret: string, text: string, what: string): Promise<void> => {
    const version = await secrets.addVersion(secret, text);
    versions.push(version);
    progress(`${what}: ${version}`);
  };
  for (const { id, internalIp, secret } of nodes) {
    const { key, certificate } = issue(authorities.signing, [`DNS:${id}`, `IP:${internalIp}`], NODE_DAYS);
    await add(secret, JSON.stringify({ certificate, key, ca: authorities.trusted }), `keys of ${id}`);
  }
  if (isNewToken || !(await secrets.hasVersion(tokenSecret)))
    await add(tokenSecret, randomBytes(32).toString('base64url'), 'token of the API');
  return versions;
}
