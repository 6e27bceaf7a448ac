import { TuttiError, type ErrorCode } from '../lib/errors.ts';

/** Of an answer that is an error: its first words say why. */
const maxReasonChars = 300;

/**
 * Why one attempt failed, and whether another one may do better. missing: for a moment, where an upload replaces by deleting and
 * creating. passing: 429, 5xx, no answer. lasting: somebody has to do something about it.
 */
export class GcsFailure extends Error {
  readonly kind: 'missing' | 'passing' | 'lasting';
  readonly code: ErrorCode;

  constructor(kind: GcsFailure['kind'], message: string, { code = 'GCS_FAILED', cause }: FailureOptions = {}) {
    super(message, { cause });
    this.kind = kind;
    this.code = code;
  }

  asError(): TuttiError {
    return new TuttiError(this.code, this.message, { cause: this });
  }
}

interface FailureOptions {
  /** GCS_FAILED unless given. */
  readonly code?: ErrorCode;
  readonly cause?: unknown;
}

export interface Asked {
  /** gs://bucket/object */
  readonly about: string;
  readonly bucket: string;
  /** What 404 means, and what to do about it. */
  readonly missing: string;
  /** What allows it. */
  readonly role: string;
}

/** What an answer with that status means, and what to do about it. */
export function failureOf(status: number, body: string, { about, bucket, missing, role }: Asked): GcsFailure {
  const said = reasonIn(body);
  const reason = said === '' ? '' : ` (${said})`;
  switch (status) {
    case 404:
      return new GcsFailure('missing', `${missing}${reason}`, { code: 'SOURCE_FAILED' });
    case 401:
      return new GcsFailure('lasting', `${about}: the credentials were refused, 401${reason}; ${credentialsRemedy}`);
    case 403: {
      const command = `gcloud storage buckets add-iam-policy-binding gs://${bucket} --member=serviceAccount:EMAIL --role=${role}`;
      return new GcsFailure('lasting', `${about}: it is forbidden, 403${reason}; allow it: ${command}`);
    }
    default: {
      const mayPass = status === 408 || status === 429 || status >= 500;
      return new GcsFailure(mayPass ? 'passing' : 'lasting', `${about}: the answer was ${status}${reason}`);
    }
  }
}

export const credentialsRemedy =
  'Application Default Credentials are those of the service account of the machine (on Google Cloud), of ' +
  'GOOGLE_APPLICATION_CREDENTIALS, or of: gcloud auth application-default login';

/** Google answers with an object where it answers in JSON, else with a line of text. */
function reasonIn(body: string): string {
  try {
    const { error } = JSON.parse(body) as { readonly error?: { readonly message?: unknown } };
    if (typeof error?.message === 'string') return error.message.slice(0, maxReasonChars);
  } catch {
    // then it is the text itself
  }
  return body.trim().slice(0, maxReasonChars);
}
