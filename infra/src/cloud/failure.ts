import { type ExitCode, exitCodes } from '../../../node/src/lib/exit-codes.ts';

/** Why a command of `scripts/cloud` could not do what was asked, with what to do about it, and the exit code that says so. */
export class CloudFailure extends Error {
  readonly exitCode: ExitCode;

  constructor(message: string, exitCode: ExitCode = exitCodes.unexpected, options?: ErrorOptions) {
    super(message, options);
    this.name = 'CloudFailure';
    this.exitCode = exitCode;
  }

  /** What was given cannot be used. */
  static input(message: string): CloudFailure {
    return new CloudFailure(message, exitCodes.invalidInput);
  }
}
