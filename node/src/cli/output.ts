import { closeSync, existsSync, openSync, unlinkSync, writeFileSync } from 'node:fs';
import { type ErrorCode, TuttiError } from '../lib/errors.ts';
import { type ExitCode, exitCodes } from '../lib/exit-codes.ts';
import type { RunReport } from '../results/report.ts';
import { renderReport } from '../results/report-text.ts';

const exitCodeOfError: Partial<Record<ErrorCode, ExitCode>> = {
  PLAN_INVALID: exitCodes.invalidInput,
  KEY_REUSED: exitCodes.invalidInput,
  SETTINGS_INVALID: exitCodes.invalidInput,
  ADDRESS_IN_USE: exitCodes.invalidInput,
  DATA_DIR_UNUSABLE: exitCodes.invalidInput,
  TOO_LARGE: exitCodes.invalidInput,
  UNAUTHORIZED: exitCodes.invalidInput,
  NO_LEADER: exitCodes.noCluster,
  PEER_UNREACHABLE: exitCodes.noCluster,
  TIMEOUT: exitCodes.noCluster,
  OUTCOME_UNKNOWN: exitCodes.noCluster,
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

/** Before any load: a test must not be run whose result has no place. Leaves nothing behind. Throws SETTINGS_INVALID. */
export function checkOut(file: string | undefined): void {
  if (file === undefined) return;
  try {
    const wasThere = existsSync(file);
    closeSync(openSync(file, 'a'));
    if (!wasThere) unlinkSync(file);
  } catch (error) {
    throw new TuttiError('SETTINGS_INVALID', cannotWrite(file, error), { cause: error });
  }
}

/** Prints first: whatever becomes of the file, the result has been seen. */
export function printReport(report: RunReport, options: { readonly json: boolean; readonly out: string | null }): void {
  if (options.json) console.log(JSON.stringify(report, null, 2));
  else console.log(renderReport(report, { color: wantsColor(process.stdout), width: process.stdout.columns || 100 }));
  if (options.out === null) return;
  try {
    writeFileSync(options.out, `${JSON.stringify(report, null, 2)}\n`);
  } catch (error) {
    throw new TuttiError('OUTPUT_FAILED', cannotWrite(options.out, error), { cause: error });
  }
  console.error(`result written to ${options.out}`);
}

function cannotWrite(file: string, error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code ?? String(error);
  const why: Readonly<Record<string, string>> = {
    ENOENT: 'there is no such directory',
    EISDIR: 'that is a directory',
    EACCES: 'permission denied',
    ENOSPC: 'the disk is full',
  };
  return `--out: cannot write ${file}: ${why[code] ?? code}`;
}
