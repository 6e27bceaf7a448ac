import type { RunProgress } from '../coordinator/service.ts';
import { wantsColor } from './output.ts';

/**
 * Live progress on stderr: a line redrawn on a terminal (more where it is narrow), one line every five seconds elsewhere, nothing when told to be
 * quiet. `say` puts a sentence of its own above the line; `json` has no progress but its sentences.
 */
export interface ProgressLine {
  show(progress: RunProgress): void;
  say(sentence: string): void;
  end(): void;
}

const plainIntervalMs = 5000;
const barWidth = 20;
const separator = ' | ';

export function progressLine({ quiet = false, json = false }: { quiet?: boolean; json?: boolean }): ProgressLine {
  if (quiet) return { show: () => undefined, say: () => undefined, end: () => undefined };
  if (json) return { ...plainLines(), show: () => undefined };
  return process.stderr.isTTY ? liveLine() : plainLines();
}

function liveLine(): ProgressLine {
  let drawnRows = 0;
  const clear = (): void => {
    if (drawnRows > 0) process.stderr.write(`\r${drawnRows > 1 ? `\x1b[${drawnRows - 1}A` : ''}\x1b[J`);
    drawnRows = 0;
  };
  return {
    show(progress) {
      clear();
      const rows = rowsFor(describe(progress), bar(progress.percent), process.stderr.columns || 80);
      process.stderr.write(rows.join('\n'));
      drawnRows = rows.length;
    },
    say(sentence) {
      clear();
      process.stderr.write(`${sentence}\n`);
    },
    end: clear,
  };
}

/**
 * The description as rows of a terminal, none wider than it, or it could not be redrawn in place: beside the bar where there is
 * room, else alone, else broken between the figures.
 */
export function rowsFor(description: string, drawnBar: string, columns: number): readonly string[] {
  // Some terminals go on to the next row once the last column is written.
  const width = columns - 1;
  if (barWidth + 1 + description.length <= width) return [`${drawnBar} ${description}`];
  const rows: string[] = [];
  for (const figure of description.split(separator)) {
    const last = rows.at(-1);
    const longer = `${last}${separator}${figure}`;
    if (last !== undefined && longer.length <= width) rows[rows.length - 1] = longer;
    else rows.push(figure.slice(0, width));
  }
  return rows;
}

function plainLines(): ProgressLine {
  let lastShownMs = -Infinity;
  let lastState = '';
  return {
    show(progress) {
      if (progress.state === lastState && progress.elapsedMs - lastShownMs < plainIntervalMs) return;
      [lastState, lastShownMs] = [progress.state, progress.elapsedMs];
      process.stderr.write(`${describe(progress)}\n`);
    },
    say: (sentence) => process.stderr.write(`${sentence}\n`),
    end: () => undefined,
  };
}

/** "running 10.2 s of 20 s | 60 iterations/s | 812 requests, 3 failed | response p50 4 ms, p99 70 ms | 3 nodes" */
export function describe(progress: RunProgress): string {
  const seconds = (ms: number): string => `${(ms / 1000).toFixed(ms % 1000 === 0 ? 0 : 1)} s`;
  const started = progress.elapsedMs > 0 || progress.iterations.fired > 0;
  const firing = progress.nodesFiring;
  const isSilent = started && progress.state === 'running' && firing === 0;
  return [
    started
      ? `${progress.state} ${seconds(Math.min(progress.elapsedMs, progress.durationMs))} of ${seconds(progress.durationMs)}`
      : progress.state,
    ...(started
      ? [
          `${Math.round(progress.iterationsPerSecond)} iterations/s`,
          `${progress.requests} requests, ${progress.failedRequests} failed`,
        ]
      : []),
    ...(progress.responseMsP50 === null || progress.responseMsP99 === null
      ? []
      : [`response p50 ${progress.responseMsP50.toFixed(1)} ms, p99 ${progress.responseMsP99.toFixed(1)} ms`]),
    ...(isSilent ? ['NO NODE SENDS LOAD'] : []),
    ...(firing > 0 ? [`${firing} ${firing === 1 ? 'node' : 'nodes'}`] : []),
  ].join(separator);
}

function bar(percent: number): string {
  const filled = Math.round((Math.min(100, Math.max(0, percent)) / 100) * barWidth);
  const drawn = '█'.repeat(filled) + '░'.repeat(barWidth - filled);
  return wantsColor(process.stderr) ? `\x1b[36m${drawn}\x1b[0m` : drawn;
}
