import { writeFileSync } from 'node:fs';
import { type ErrorCode, TuttiError } from '../lib/errors.ts';
import { type ExitCode, exitCodes } from '../lib/exit-codes.ts';
import type { RunReport } from '../results/report.ts';
import { renderReport } from '../results/report-text.ts';

const exitCodeOfError: Partial<Record<ErrorCode, ExitCode>> = {
  PLAN_INVALID: exitCodes.invalidInput,
  SETTINGS_INVALID: exitCodes.invalidInput,
  ADDRESS_IN_USE: exitCodes.invalidInput,
  DATA_DIR_UNUSABLE: exitCodes.invalidInput,
  TOO_LARGE: exitCodes.invalidInput,
  UNAUTHORIZED: exitCodes.invalidInput,
  NO_LEADER: exitCodes.noCluster,
  PEER_UNREACHABLE: exitCodes.noCluster,
  TIMEOUT: exitCodes.noCluster,
};

/** Says what went wrong on stderr and ends with the code of the table. Only the unexpected shows where in the code. */
export function fail(thrown: unknown): never {
  const error = TuttiError.from(thrown);
  const detail = error.code === 'INTERNAL' && thrown instanceof Error ? (thrown.stack ?? error.message) : error.message;
  console.error(error.code === 'PLAN_INVALID' || error.code === 'SETTINGS_INVALID' ? detail : `tutti: ${detail}`);
  process.exit(exitCodeOfError[error.code] ?? exitCodes.unexpected);
}

/** NO_COLOR (no-color.org) and a stream that is no terminal both mean plain text. */
export function wantsColor(stream: NodeJS.WriteStream): boolean {
  return stream.isTTY && (process.env.NO_COLOR ?? '') === '';
}

export function printReport(report: RunReport, options: { readonly json: boolean; readonly out: string | null }): void {
  if (options.out !== null) {
    writeFileSync(options.out, `${JSON.stringify(report, null, 2)}\n`);
    console.error(`result written to ${options.out}`);
  }
  if (options.json) console.log(JSON.stringify(report, null, 2));
  else console.log(renderReport(report, { color: wantsColor(process.stdout), width: process.stdout.columns || 100 }));
}
