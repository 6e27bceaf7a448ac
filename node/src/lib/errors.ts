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

/** One table: what a caller may do about each code. docs/errors.md is made from it. */
export const errorCodes = {
  PLAN_INVALID: {
    meaning: 'the plan has problems; the message lists each with line, column and field',
    retryable: false,
    fatal: false,
  },
  SETTINGS_INVALID: { meaning: 'a variable or a flag is wrong; the message lists each', retryable: false, fatal: true },
  NOT_LEADER: {
    meaning: 'this node does not lead, so it proposed nothing; the message names the leader',
    retryable: true,
    fatal: false,
  },
  NO_LEADER: {
    meaning: 'no leader is known, or none answered in time: an election is on, or a majority is missing',
    retryable: true,
    fatal: false,
  },
  OUTCOME_UNKNOWN: {
    meaning: 'leadership was lost after the command was appended: it may yet take effect; look before you repeat',
    retryable: false,
    fatal: false,
  },
  SESSION_EXPIRED: {
    meaning: 'too many other sessions were used since this one was; the command was not applied: open another session',
    retryable: false,
    fatal: false,
  },
  TRANSFER_FAILED: {
    meaning: 'this node still leads, or nobody does yet; the message says why it was not handed over',
    retryable: true,
    fatal: false,
  },
  CHANGE_IN_PROGRESS: {
    meaning: 'another change of members, an election or a handover is not through yet; nothing happened',
    retryable: true,
    fatal: false,
  },
  NOT_CAUGHT_UP: {
    meaning: 'the learner lacks too much of the log to have a vote; it is being sent; nothing happened',
    retryable: true,
    fatal: false,
  },
  QUORUM_AT_RISK: {
    meaning: 'too few of the voters that the change leaves are alive to go on; nothing happened',
    retryable: true,
    fatal: false,
  },
  CHANGE_IMPOSSIBLE: {
    meaning: 'there is no such change of these members; the message says why; nothing happened',
    retryable: false,
    fatal: false,
  },
  REMOVED: { meaning: 'this node was removed from its cluster, so it ends', retryable: false, fatal: true },
  BUSY: { meaning: 'a bound on pending work is reached; nothing happened', retryable: true, fatal: false },
  TOO_LARGE: { meaning: 'over the bound on its size; nothing happened', retryable: false, fatal: false },
  TIMEOUT: { meaning: 'no answer in time; the message says from whom and for what', retryable: true, fatal: false },
  PEER_UNREACHABLE: {
    meaning: 'there is no connection to that node: nothing was sent',
    retryable: true,
    fatal: false,
  },
  PEER_LOST: {
    meaning: 'the connection to that node ended before it answered: it may have done what it was asked for',
    retryable: true,
    fatal: false,
  },
  PEER_FAILED: {
    meaning: 'a peer answered that it cannot; what is fatal there is not fatal here',
    retryable: false,
    fatal: false,
  },
  SOURCE_FAILED: {
    meaning: 'the source of the plan (CLUSTER_CONFIG_SOURCE) holds none; the message says how to put one there',
    retryable: true,
    fatal: false,
  },
  CONSUL_FAILED: {
    meaning: 'Consul did not answer, or not as it does; the message says what was asked and why',
    retryable: true,
    fatal: false,
  },
  GCS_FAILED: {
    meaning: 'Cloud Storage or the credentials for it did not answer, or refused; the message says why, and what to do',
    retryable: true,
    fatal: false,
  },
  METADATA_FAILED: {
    meaning: 'the metadata server of this machine (Compute Engine) did not answer, or not with what was asked for',
    retryable: true,
    fatal: false,
  },
  CREDENTIALS_FAILED: {
    meaning:
      'keys or token could not be fetched from Secret Manager, or not be written; the message says why, and what to do',
    retryable: true,
    fatal: false,
  },
  NO_SOURCE: {
    meaning: 'plans come by the API alone here (CLUSTER_CONFIG_SOURCE=api): there is nothing to read anew',
    retryable: false,
    fatal: false,
  },
  RUN_IN_PROGRESS: { meaning: 'a run is on; the message names it', retryable: true, fatal: false },
  KEY_REUSED: {
    meaning: 'the Idempotency-Key was used for another plan; nothing happened',
    retryable: false,
    fatal: false,
  },
  RUN_NOT_FOUND: { meaning: 'there is no such run, or none yet', retryable: false, fatal: false },
  STALE_COMMAND: {
    meaning: 'the command was meant for an earlier term or an ended run; nothing happened',
    retryable: true,
    fatal: false,
  },
  UNAUTHORIZED: {
    meaning: 'the token is missing or does not match, or the request comes from where it may not',
    retryable: false,
    fatal: false,
  },
  SHUTTING_DOWN: { meaning: 'this node is stopping', retryable: true, fatal: false },
  LOG_DAMAGED: {
    meaning: 'the log on disk is damaged before its tail; the message names file, offset and remedy',
    retryable: false,
    fatal: true,
  },
  SNAPSHOT_DAMAGED: {
    meaning: 'a snapshot on disk is damaged or missing, and the log does not reach back to an older one',
    retryable: false,
    fatal: true,
  },
  DISK_FAILED: {
    meaning: 'a write or a sync failed; what was promised cannot be kept, so the node ends',
    retryable: false,
    fatal: true,
  },
  DATA_DIR_UNUSABLE: {
    meaning: 'the data directory cannot be used, or another process uses it',
    retryable: false,
    fatal: true,
  },
  ADDRESS_IN_USE: { meaning: 'the port is taken by another process', retryable: false, fatal: true },
  OUTPUT_FAILED: {
    meaning: 'the result could not be written to the file; it was printed before',
    retryable: false,
    fatal: false,
  },
  GENERATOR_FAILED: { meaning: 'a generator process ended or could not prepare', retryable: false, fatal: false },
  INTERNAL: { meaning: 'a bug of tutti; please report it', retryable: false, fatal: true },
} as const satisfies Record<string, { meaning: string; retryable: boolean; fatal: boolean }>;
