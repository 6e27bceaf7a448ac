import type { ExitCode } from '../../../node/src/lib/exit-codes.ts';
import type { Engine } from './engine/engine.ts';
import { CloudFailure } from './failure.ts';
import type { Compute } from './google/compute.ts';
import type { Logging } from './google/logging.ts';
import type { ProjectFacts } from './google/project.ts';
import type { Secrets } from './google/secrets.ts';
import type { Storage } from './google/storage.ts';
import type { Reach } from './reach/reach.ts';
import type { Say } from './say.ts';

/** All that a command does to the world, passed in, so that a test can stand in for each. */
export interface CloudContext {
  readonly engine: Engine;
  readonly compute: Compute;
  readonly storage: Storage;
  readonly logging: Logging;
  readonly secrets: Secrets;
  /** Of Google's account of the project, for `doctor`. */
  readonly facts: ProjectFacts;
  readonly reach: Reach;
  readonly say: Say;
  /** Milliseconds of any clock that only goes forward. */
  readonly nowMs: () => number;
  /** Rejects once the user has interrupted. */
  readonly pause: (ms: number) => Promise<void>;
  /** Aborted when the user interrupts. */
  readonly signal: AbortSignal;
  /** Whether a question can be put to the user, and what was answered. Null: nobody is there to ask. */
  readonly confirm: ((question: string) => Promise<boolean>) | null;
}

export type CommandOptions = Readonly<Record<string, string | boolean | undefined>>;

/** One sub-command of `scripts/cloud`: a file each in ./commands, and a row in ./main.ts. */
export interface CloudCommand {
  /** As commander writes it: "upload <plan>". */
  readonly usage: string;
  readonly description: string;
  /** Flags, description, and the default where there is one. */
  readonly options: readonly (readonly [flags: string, description: string, fallback?: string])[];
  readonly examples: readonly string[];
  /** What only a longer text can say. */
  readonly notes?: string;
  readonly run: (context: CloudContext, args: readonly string[], options: CommandOptions) => Promise<ExitCode>;
}

/** The text of an option that was given, else null. */
export function textOf(options: CommandOptions, name: string): string | null {
  const value = options[name];
  return typeof value === 'string' ? value : null;
}

/** A number of an option that has a default. Throws CloudFailure. */
export function numberOf(options: CommandOptions, name: string, least: number, most: number): number {
  const value = Number(textOf(options, name) ?? Number.NaN);
  if (!(value >= least && value <= most))
    throw CloudFailure.input(`--${name}: must be a number from ${least} to ${most}`);
  return value;
}
