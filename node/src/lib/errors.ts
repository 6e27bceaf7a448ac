/**
 * The one error class of tutti. `code` is stable and documented in docs/errors.md; `message` says what happened and what
 * to do about it; whether a retry may help is a property of the code, not of the catcher.
 */
export class TuttiError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'TuttiError';
    this.code = code;
  }

  get isRetryable(): boolean {
    return errorCodes[this.code].retryable;
  }

  get isFatal(): boolean {
    return errorCodes[this.code].fatal;
  }

  /** Anything that was thrown, as a TuttiError; an unknown one keeps its cause. */
  static from(thrown: unknown): TuttiError {
    if (thrown instanceof TuttiError) return thrown;
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    return new TuttiError('INTERNAL', message, { cause: thrown });
  }
}

export type ErrorCode = keyof typeof errorCodes;

/** One table: what a caller may do about each code. docs/errors.md lists the same codes (held by a test). */
export const errorCodes = {
  PLAN_INVALID: { retryable: false, fatal: false },
  SETTINGS_INVALID: { retryable: false, fatal: true },
  NOT_LEADER: { retryable: true, fatal: false },
  NO_LEADER: { retryable: true, fatal: false },
  OUTCOME_UNKNOWN: { retryable: false, fatal: false },
  BUSY: { retryable: true, fatal: false },
  TOO_LARGE: { retryable: false, fatal: false },
  TIMEOUT: { retryable: true, fatal: false },
  PEER_UNREACHABLE: { retryable: true, fatal: false },
  /** A peer answered that it cannot: what is fatal there is not fatal here. */
  PEER_FAILED: { retryable: false, fatal: false },
  RUN_IN_PROGRESS: { retryable: true, fatal: false },
  RUN_NOT_FOUND: { retryable: false, fatal: false },
  STALE_COMMAND: { retryable: true, fatal: false },
  UNAUTHORIZED: { retryable: false, fatal: false },
  SHUTTING_DOWN: { retryable: true, fatal: false },
  LOG_DAMAGED: { retryable: false, fatal: true },
  DISK_FAILED: { retryable: false, fatal: true },
  DATA_DIR_UNUSABLE: { retryable: false, fatal: true },
  ADDRESS_IN_USE: { retryable: false, fatal: true },
  GENERATOR_FAILED: { retryable: false, fatal: false },
  INTERNAL: { retryable: false, fatal: true },
} as const satisfies Record<string, { retryable: boolean; fatal: boolean }>;
