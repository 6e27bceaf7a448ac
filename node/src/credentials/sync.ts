import { X509Certificate } from 'node:crypto';
import { GoogleFailure } from '../google/failure.ts';
import type { GoogleAccess } from '../google/request.ts';
import { TuttiError } from '../lib/errors.ts';
import { CURRENT, type FileSet, readSet, writeSet } from './file-set.ts';
import { parseKeyPayload } from './key-payload.ts';
import { readSecret } from './secret.ts';

/** What a set is made of: the files that CLUSTER_TLS_*_FILE and API_AUTH_TOKEN_FILE name. */
export const setFiles = { certificate: 'node.pem', key: 'node.key', ca: 'ca.pem', token: 'api-token' } as const;

export interface SyncOptions {
  readonly access: GoogleAccess;
  /** Secrets by their full names; null: there is none to fetch. */
  readonly keys: string | null;
  readonly token: string | null;
  readonly folder: string;
}

/** What one sync did. */
export interface Synced {
  readonly isChanged: boolean;
  /** Sentences for people: each secret with its version, and what the certificate is. */
  readonly lines: readonly string[];
}

/**
 * Fetches key, certificate, authorities and token from Secret Manager, and puts what has changed into the folder as one set. One attempt.
 * Rejects with a GoogleFailure, or with CREDENTIALS_FAILED where the folder cannot be written.
 */
export async function syncCredentials(options: SyncOptions, signal: AbortSignal): Promise<Synced> {
  const { folder } = options;
  const [keys, token] = await Promise.all([fetchKeys(options, signal), fetchToken(options, signal)]);
  const files: FileSet = { ...keys?.files, ...token?.files };
  const lines = [keys?.line, token?.line].filter((line) => line !== undefined);
  try {
    const before = await readSet(folder, Object.values(setFiles));
    const isSame = Object.values(setFiles).every((name) => before[name] === (files[name] ?? null));
    if (isSame) return { isChanged: false, lines };
    await writeSet(folder, files);
    return { isChanged: true, lines };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const what = `CREDENTIALS_DIR: cannot write ${folder}/${CURRENT} (${code ?? message})`;
    throw new TuttiError(
      'CREDENTIALS_FAILED',
      `${what}; it must be a folder of this user, with ${CURRENT} as a link in it`,
      {
        cause: error,
      },
    );
  }
}

interface Fetched {
  readonly files: FileSet;
  readonly line: string;
}

async function fetchKeys({ access, keys }: SyncOptions, signal: AbortSignal): Promise<Fetched | null> {
  if (keys === null) return null;
  const { version, text } = await readSecret(access, keys, signal);
  const payload = parseKeyPayload(text);
  if (typeof payload === 'string') {
    throw new GoogleFailure('lasting', `${version} is no set of keys: ${payload}; write one by scripts/cloud keys`);
  }
  const { validTo, subjectAltName } = new X509Certificate(payload.certificate);
  return {
    files: {
      [setFiles.certificate]: payload.certificate,
      [setFiles.key]: payload.key,
      [setFiles.ca]: payload.ca,
    },
    line: `keys: ${version}, for ${subjectAltName ?? 'no name'}, valid until ${new Date(validTo).toISOString()}`,
  };
}

async function fetchToken({ access, token }: SyncOptions, signal: AbortSignal): Promise<Fetched | null> {
  if (token === null) return null;
  const { version, text } = await readSecret(access, token, signal);
  if (text.trim() === '') throw new GoogleFailure('lasting', `${version} is empty: it is to be the token of the API`);
  return { files: { [setFiles.token]: `${text.trim()}\n` }, line: `token: ${version}` };
}
