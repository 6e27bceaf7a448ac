import type { ClusterState, Run } from '../cluster/state.ts';
import { isOver } from '../cluster/transitions.ts';
import { reportInput } from '../cluster/views.ts';
import type { CommandResult } from '../cluster/commands.ts';
import type { Consensus } from '../consensus/consensus.ts';
import { backoffMs, patientBackoff } from '../lib/backoff.ts';
import type { Clock } from '../lib/clock.ts';
import { TuttiError } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import { reached } from '../lib/reached.ts';
import type { NodeRuntime } from '../runtime/node-runtime.ts';
import { buildReport } from '../results/build-report.ts';

/** Writes it under that name unless it is there (`isNew` is false then). Rejects with why it is not there. */
export type WriteResult = (
  name: string,
  text: string,
  signal: AbortSignal,
) => Promise<{ readonly isNew: boolean; readonly where: string }>;

export interface KeepResultsOptions {
  readonly write: WriteResult;
  readonly consensus: Pick<Consensus<CommandResult>, 'subscribe'>;
  readonly runtime: Pick<NodeRuntime, 'leading'>;
  readonly state: () => ClusterState;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  readonly log: Log;
}

/**
 * While this node leads, the result of a run that is over is written outside, and tried again until it is there. Every leader does so
 * with the last run, whoever led when it ended; the name is the run's own, so that one of them succeeds and the others find it there.
 * The returned function ends it.
 */
export function keepResults(options: KeepResultsOptions): () => void {
  const keeper = new ResultKeeper(options);
  const unsubscribe = options.consensus.subscribe(() => keeper.look());
  keeper.look();
  return () => {
    unsubscribe();
    keeper.close();
  };
}

class ResultKeeper {
  readonly #options: KeepResultsOptions;
  /** The run that was taken in hand last, in this leadership. */
  #runId: string | null = null;
  #pending: AbortController | null = null;

  constructor(options: KeepResultsOptions) {
    this.#options = options;
  }

  look(): void {
    const { log, runtime, state } = this.#options;
    if (runtime.leading() === null) {
      this.close();
      this.#runId = null;
      return;
    }
    const { run } = state();
    if (run === null || !isOver(run.phase) || run.id === this.#runId) return;
    if (this.#pending !== null)
      log.error({ run: this.#runId }, 'the result of a run was not written before the next one ended');
    this.close();
    this.#runId = run.id;
    this.#pending = new AbortController();
    // As it is now: when it is written at last, another run may be on.
    void this.#write(nameOf(run), textOf(run), run.id, this.#pending.signal);
  }

  close(): void {
    this.#pending?.abort();
    this.#pending = null;
  }

  /** Never rejects. */
  async #write(name: string, text: string, runId: string, signal: AbortSignal): Promise<void> {
    const { clock, log, random, write } = this.#options;
    let said = '';
    for (let failures = 1; ; failures += 1) {
      try {
        const { isNew, where } = await write(name, text, signal);
        if (isNew) log.info({ run: runId, where }, 'the result was written');
        else log.debug({ run: runId, where }, 'the result was there already');
        if (!signal.aborted) this.#pending = null;
        return;
      } catch (thrown) {
        if (signal.aborted) return;
        const { message } = TuttiError.from(thrown);
        if (message !== said) log.error({ run: runId }, `the result could not be written yet: ${message}`);
        said = message;
        if (!(await reached(clock, clock.nowMs() + backoffMs(failures, random, patientBackoff), signal))) return;
      }
    }
  }
}

/** The same on every node: when the run was submitted stands in the log. */
function nameOf({ id, submittedAtUnixMs }: Run): string {
  const submitted = new Date(submittedAtUnixMs)
    .toISOString()
    .replace(/\.\d+Z$/, 'Z')
    .replaceAll(':', '');
  return `${submitted}-${id}.json`;
}

function textOf(run: Run): string {
  return `${JSON.stringify(buildReport(reportInput(run)), null, 2)}\n`;
}
