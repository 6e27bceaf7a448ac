import { readFile } from 'node:fs/promises';
import type { Clock } from '../../lib/clock.ts';
import { TuttiError } from '../../lib/errors.ts';

/** Between two looks: a few small files, and whoever renewed them is looking on. */
const LOOK_EVERY_MS = 5_000;

export interface FilesToWatch {
  readonly files: readonly string[];
  /** What they held when the node started; the same as long as nothing changes. */
  readonly initially: readonly Buffer[];
  readonly clock: Clock;
  /** Takes what has changed; throws a TuttiError for what cannot be used. */
  readonly take: (contents: readonly Buffer[]) => void;
  /** What keeps the files from being taken, once for each reason. */
  readonly onProblem: (error: TuttiError) => void;
}

/**
 * Looks at files again and again, by reading them: a change by rename, by a link that points elsewhere, or by a remount is seen alike.
 * Between two files of one set the set may be exchanged; so what cannot be used is a problem only if it still is at the next look. The
 * returned function ends it.
 */
export function watchFiles({ files, initially, clock, take, onProblem }: FilesToWatch): () => void {
  let taken = initially;
  let suspected = '';
  let told = '';
  let isOver = false;
  let cancel = clock.at(clock.nowMs() + LOOK_EVERY_MS, look);

  function look(): void {
    void Promise.all(files.map((file) => readFile(file)))
      .then(judge, (error: unknown) => failed(unreadable(error)))
      .then(() => {
        if (!isOver) cancel = clock.at(clock.nowMs() + LOOK_EVERY_MS, look);
      });
  }

  function judge(contents: readonly Buffer[]): void {
    if (isOver) return;
    try {
      if (!contents.every((content, index) => content.equals(taken[index]!))) take(contents);
      taken = contents;
      suspected = '';
      told = '';
    } catch (error) {
      failed(TuttiError.from(error));
    }
  }

  function failed(error: TuttiError): void {
    if (isOver) return;
    const isLasting = suspected === error.message;
    suspected = error.message;
    if (!isLasting || told === error.message) return;
    told = error.message;
    onProblem(error);
  }

  return () => {
    isOver = true;
    cancel();
  };
}

function unreadable(error: unknown): TuttiError {
  const { code, path, message } = error as NodeJS.ErrnoException;
  return new TuttiError('SETTINGS_INVALID', `cannot read ${path ?? 'the files'} (${code ?? message})`, {
    cause: error,
  });
}
