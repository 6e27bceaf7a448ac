import type { Verdict } from './check.ts';
import type { Summary } from './episode.ts';
import type { Operation } from './history.ts';

export interface Result {
  readonly verdict: 'linearizable' | 'not linearizable' | 'undecided' | 'broken';
  readonly seconds: number;
  readonly seed: number;
  readonly transport: string;
  readonly episodes: number;
  readonly operations: Readonly<Record<'ok' | 'refused' | 'unknown', number>>;
  readonly objects: number;
  /** How often each kind of fault was made. */
  readonly faults: Readonly<Record<string, number>>;
  readonly delayedSyncs: number;
  readonly elections: number;
  readonly recoveriesMs: { readonly count: number; readonly median: number; readonly max: number };
  readonly problems: readonly string[];
  readonly violations: Verdict['violations'];
  readonly undecided: readonly string[];
  /** Of a failed run: where its history, logs and pictures are, and the command that repeats it. */
  readonly kept?: string;
  readonly replay?: string;
}

/** Adds up the episodes of a run. */
export class Tally {
  readonly #run: { readonly seconds: number; readonly seed: number; readonly transport: string };
  readonly #operations = { ok: 0, refused: 0, unknown: 0 };
  readonly #faults: Record<string, number> = {};
  readonly #recoveriesMs: number[] = [];
  readonly #problems: string[] = [];
  readonly #violations: Verdict['violations'][number][] = [];
  readonly #undecided: string[] = [];
  #episodes = 0;
  #objects = 0;
  #elections = 0;
  #delayedSyncs = 0;

  constructor({ seconds, seed, transport }: { seconds: number; seed: number; transport: string }) {
    this.#run = { seconds, seed, transport };
  }

  get episodes(): number {
    return this.#episodes;
  }

  get isGood(): boolean {
    return this.#verdict === 'linearizable';
  }

  add(operations: readonly Operation[], summary: Summary, verdict: Verdict): void {
    this.#episodes++;
    for (const { end } of operations) this.#operations[end.outcome]++;
    for (const { kind } of summary.faults) this.#faults[kind] = (this.#faults[kind] ?? 0) + 1;
    this.#recoveriesMs.push(...summary.recoveriesMs);
    this.#problems.push(...summary.problems);
    this.#violations.push(...verdict.violations);
    this.#undecided.push(...verdict.undecided);
    this.#objects += verdict.keys;
    this.#elections += summary.elections;
    this.#delayedSyncs += summary.delayedSyncs;
  }

  addBroken(problem: string): void {
    this.#episodes++;
    this.#problems.push(problem);
  }

  result(): Result {
    const sorted = this.#recoveriesMs.toSorted((one, other) => one - other);
    const { length: count } = sorted;
    return {
      verdict: this.#verdict,
      ...this.#run,
      episodes: this.#episodes,
      operations: this.#operations,
      objects: this.#objects,
      faults: this.#faults,
      delayedSyncs: this.#delayedSyncs,
      elections: this.#elections,
      recoveriesMs: { count, median: sorted[Math.floor(count / 2)] ?? 0, max: sorted.at(-1) ?? 0 },
      problems: this.#problems,
      violations: this.#violations,
      undecided: this.#undecided,
    };
  }

  /** The result of a run that ends here, with what is needed to look into it. */
  failed(kept: string, workingDirectory: string, replay: string): Result {
    const violations = this.#violations.map(({ key, picture }) => ({
      key,
      picture: picture.replace(workingDirectory, kept),
    }));
    return { ...this.result(), violations, kept, replay };
  }

  /** The worst comes first. */
  get #verdict(): Result['verdict'] {
    if (this.#violations.length > 0) return 'not linearizable';
    if (this.#problems.length > 0) return 'broken';
    return this.#undecided.length > 0 ? 'undecided' : 'linearizable';
  }
}
