import type { RunProgress } from '../coordinator/service.ts';
import { wantsColor } from './output.ts';

/**
 * Live progress on stderr: one line redrawn on a terminal, one line every five seconds elsewhere, nothing when told to be
 * quiet. `say` puts a sentence of its own above the line.
 */
export interface ProgressLine {
  show(progress: RunProgress): void;
  say(sentence: string): void;
  end(): void;
}

const plainIntervalMs = 5000;

export function progressLine(quiet: boolean): ProgressLine {
  if (quiet) return { show: () => undefined, say: () => undefined, end: () => undefined };
  return process.stderr.isTTY ? liveLine() : plainLines();
}

function liveLine(): ProgressLine {
  let drawn = false;
  const clear = (): void => {
    if (drawn) process.stderr.write('\r\x1b[2K');
    drawn = false;
  };
  return {
    show(progress) {
      process.stderr.write(`\r\x1b[2K${clip(`${bar(progress.percent)} ${describe(progress)}`)}`);
      drawn = true;
    },
    say(sentence) {
      clear();
      process.stderr.write(`${sentence}\n`);
    },
    end: clear,
  };
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
  ].join(' | ');
}

function bar(percent: number): string {
  const width = 20;
  const filled = Math.round((Math.min(100, Math.max(0, percent)) / 100) * width);
  const drawn = '█'.repeat(filled) + '░'.repeat(width - filled);
  return wantsColor(process.stderr) ? `\x1b[36m${drawn}\x1b[0m` : drawn;
}

/** A line that wraps cannot be redrawn in place. */
function clip(line: string): string {
  const colorCodes = wantsColor(process.stderr) ? 9 : 0;
  return line.slice(0, (process.stderr.columns || 80) - 1 + colorCodes);
}
