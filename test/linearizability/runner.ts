import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cp, lstat, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkHistory, findChecker } from './check.ts';
import type { Verdict } from './check.ts';
import type { Summary } from './episode.ts';
import { checkerInput } from './checker-input.ts';
import type { Operation } from './history.ts';
import { isolation } from './isolation.ts';
import { directoryPrefix, sweep } from './leftovers.ts';
import { Tally } from './tally.ts';
import type { Result } from './tally.ts';

/** What one cluster writes in that time it can still hold: without snapshots all of its log stays in memory. */
const maxEpisodeSeconds = 300;

export interface RunOptions {
  readonly seconds: number;
  readonly seed: number;
  readonly transport: string;
  /** Where a failed episode is kept; null: in the directory for temporary files. */
  readonly keep: string | null;
  /** The kinds to make. */
  readonly faults: readonly string[];
  readonly broken: string | null;
}

/** Runs episode after episode, each in namespaces of its own, and judges them. */
export class Runner {
  readonly #options: RunOptions;
  readonly #isolation: readonly string[];
  readonly #checker: string;
  #child: ChildProcess | null = null;
  #isInterrupted = false;

  private constructor(options: RunOptions, prefix: readonly string[], checker: string) {
    this.#options = options;
    this.#isolation = prefix;
    this.#checker = checker;
  }

  /** @throws Unavailable where this machine has no namespaces, or no checker and no Go to build it. */
  static async open(options: RunOptions): Promise<Runner> {
    await sweep();
    return new Runner(options, await isolation(), await findChecker());
  }

  /** Ends the episode under way, with all its processes, and lets `run` clean up and resolve with null. */
  interrupt(): void {
    this.#isInterrupted = true;
    this.#child?.stdin?.end();
  }

  async run(): Promise<Result | null> {
    const tally = new Tally(this.#options);
    for (let leftSeconds = this.#options.seconds; leftSeconds > 0; leftSeconds -= maxEpisodeSeconds) {
      const seconds = Math.min(leftSeconds, maxEpisodeSeconds);
      const seed = this.#options.seed + tally.episodes;
      const directory = await mkdtemp(join(tmpdir(), directoryPrefix(process.pid)));
      try {
        await this.#episode(seconds, seed, directory, tally);
        if (this.#isInterrupted) return null;
        if (tally.isGood) continue;
        const kept = this.#options.keep ?? join(tmpdir(), `tutti-linearizability-kept-seed-${seed}-${process.pid}`);
        await cp(directory, kept, { recursive: true, filter: isNoSocket });
        return tally.failed(kept, directory, this.#replay(seconds, seed));
      } finally {
        await rm(directory, { recursive: true, force: true });
      }
    }
    return tally.result();
  }

  async #episode(seconds: number, seed: number, directory: string, tally: Tally): Promise<void> {
    process.stderr.write(`episode of ${seconds} s, seed ${seed}, over ${this.#options.transport}\n`);
    const exitCode = await this.#runInside(seconds, seed, directory);
    if (this.#isInterrupted) return;
    if (exitCode !== 0) return tally.addBroken(`the episode itself failed with exit code ${exitCode}`);
    const summary = JSON.parse(await readFile(join(directory, 'summary.json'), 'utf8')) as Summary;
    const lines = (await readFile(join(directory, 'history.jsonl'), 'utf8')).split('\n').filter((line) => line !== '');
    const operations = lines.map((line) => JSON.parse(line) as Operation);
    tally.add(operations, summary, await this.#judge(operations, summary, directory));
  }

  #judge(operations: readonly Operation[], summary: Summary, directory: string): Promise<Verdict> {
    return checkHistory(this.#checker, checkerInput(operations, summary.faults), directory);
  }

  async #runInside(seconds: number, seed: number, directory: string): Promise<number | null> {
    const { transport, broken, faults } = this.#options;
    const options = { faults: faults.join(','), seconds: String(seconds), seed: String(seed), directory, transport };
    const flags = Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]);
    if (broken !== null) flags.push('--broken', broken);
    const inside = [process.execPath, join(import.meta.dirname, 'run-inside.ts'), ...flags];
    const [file, ...args] = [...this.#isolation, ...inside];
    const child = spawn(file!, args, { stdio: ['pipe', 'inherit', 'inherit'] });
    this.#child = child;
    const [exitCode] = (await once(child, 'exit')) as [number | null];
    return exitCode;
  }

  #replay(seconds: number, seed: number): string {
    const { transport, broken, faults } = this.#options;
    const flags = `--seconds ${seconds} --seed ${seed} --transport ${transport} --faults "${faults.join(',')}"`;
    return `node test/linearizability/run.ts ${flags}${broken === null ? '' : ` --broken ${broken}`}`;
  }
}

/** A node that was killed leaves the socket by which it showed that it lived, and no socket can be copied. */
async function isNoSocket(path: string): Promise<boolean> {
  return !(await lstat(path)).isSocket();
}
