import { TuttiError, type ErrorCode } from '../lib/errors.ts';

/** Of an answer that is an error: its first words say why. */
const maxReasonChars = 300;

/**
 * Why one attempt failed, and whether another one may do better. missing: for a moment, where an upload replaces by deleting and
 * creating. passing: 429, 5xx, no answer. lasting: somebody has to do something about it.
 */
export class GoogleFailure extends Error {
  readonly kind: 'missing' | 'passing' | 'lasting';
  /** Null: that of whoever asked. */
  readonly code: ErrorCode | null;

  constructor(kind: GoogleFailure['kind'], message: string, { code, cause }: FailureOptions = {}) {
    super(message, { cause });
    this.kind = kind;
    this.code = code ?? null;
  }

  asError(code: ErrorCode): TuttiError {
    return new TuttiError(this.code ?? code, this.message, { cause: this });
  }
}

interface FailureOptions {
  readonly code?: ErrorCode;
  readonly cause?: unknown;
}

export interface Asked {
  /** As people call it: gs://bucket/object. */
  readonly about: string;
  /** What 404 means, and what to do about it. */
  readonly missing: string;
  /** Of a 404. */
  readonly missingCode?: ErrorCode;
  /** The command that allows it. */
  readonly allow: string;
}

/** What an answer with that status means, and what to do about it. */
export function failureOf(status: number, body: string, { about, missing, missingCode, allow }: Asked): GoogleFailure {
  const said = reasonIn(body);
  const reason = said === '' ? '' : ` (${said})`;
  switch (status) {
    case 404:
      return new GoogleFailure(
        'missing',
        `${missing}${reason}`,
        missingCode === undefined ? {} : { code: missingCode },
      );
    case 401:
      return new GoogleFailure('lasting', `${about}: the credentials were refused, 401${reason}; ${credentialsRemedy}`);
    case 403:
      return new GoogleFailure('lasting', `${about}: it is forbidden, 403${reason}; allow it: ${allow}`);
    default: {
      const mayPass = status === 408 || status === 429 || status >= 500;
      return new GoogleFailure(mayPass ? 'passing' : 'lasting', `${about}: the answer was ${status}${reason}`);
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
