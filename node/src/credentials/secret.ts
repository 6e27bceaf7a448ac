import { GoogleFailure } from '../google/failure.ts';
import { askGoogle, failureIn, type GoogleAccess, type GoogleRequest, readBytes } from '../google/request.ts';

/** Of the JSON API of Secret Manager. */
const publicEndpoint = 'https://secretmanager.googleapis.com';
/** Secret Manager has no narrower scope; what may be read is decided by the rights on the secret. */
export const secretScope = 'https://www.googleapis.com/auth/cloud-platform';
/** It answers within a tenth of a second. */
const requestTimeoutMs = 5_000;
/** Secret Manager keeps 64 KiB, which are 86 KiB in base64. */
const maxAnswerBytes = 128 * 1024;

/** "projects/PROJECT/secrets/SECRET". */
export const secretName = /^projects\/([a-z0-9:.-]+)\/secrets\/([A-Za-z0-9_-]{1,255})$/;

/** The newest version of a secret. */
export interface SecretText {
  /** "projects/PROJECT/secrets/SECRET/versions/N", as Secret Manager calls it. */
  readonly version: string;
  readonly text: string;
}

/**
 * One attempt to read the newest version of a secret, by its full name
 * (cloud.google.com/secret-manager/docs/reference/rest/v1/projects.secrets.versions/access). Rejects with a GoogleFailure.
 */
export function readSecret(access: GoogleAccess, name: string, signal: AbortSignal): Promise<SecretText> {
  const request: GoogleRequest = {
    method: 'GET',
    ...{ publicEndpoint, path: `/v1/${name}/versions/latest:access`, query: {} },
    ...{ about: name, timeoutMs: requestTimeoutMs, signal },
  };
  return askGoogle(access, request, (response) => take(name, response));
}

async function take(name: string, response: Response): Promise<SecretText> {
  const [, project = '', secret = ''] = secretName.exec(name) ?? [];
  if (response.status !== 200) {
    const missing =
      `${name} is not there or has no version: put one there by scripts/cloud keys, or by ` +
      `gcloud secrets versions add ${secret} --project=${project} --data-file=FILE`;
    const allow =
      `gcloud secrets add-iam-policy-binding ${secret} --project=${project} --member=serviceAccount:EMAIL ` +
      '--role=roles/secretmanager.secretAccessor';
    throw await failureIn(response, { about: name, missing, allow });
  }
  const bytes = await readBytes(response, maxAnswerBytes);
  const answer = bytes === null ? null : read(bytes);
  if (answer === null) throw new GoogleFailure('lasting', `${name}: the answer is not one of Secret Manager`);
  return answer;
}

function read(bytes: Buffer): SecretText | null {
  try {
    const { name, payload } = JSON.parse(bytes.toString('utf8')) as {
      readonly name?: unknown;
      readonly payload?: { readonly data?: unknown };
    };
    if (typeof name !== 'string' || typeof payload?.data !== 'string') return null;
    const text = new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(payload.data, 'base64'));
    return { version: name, text };
  } catch {
    return null;
  }
}
