import { fileURLToPath } from 'node:url';
import type { FromGenerator, ToGenerator } from '../generator/protocol.ts';
import type { StripeTable } from '../generator/schedule/types.ts';
import type { Clock } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';
import type { EncodedCut } from '../results/measurements.ts';
import { CutMerger } from './cut-merger.ts';
import { GeneratorProcess } from './generator-process.ts';
import type { CreateGenerators, Generators, GeneratorsJob, GeneratorsListener, PrepareOutcome } from './generators.ts';
import { LoweredPriority } from './lowered-priority.ts';
import { StallWatch, stallLookMs } from './stall-watch.ts';
import { StripeAccounts } from './stripe-accounts.ts';

export interface GeneratorPoolOptions {
  readonly count: number;
  readonly clock: Clock;
  readonly log: Log;
  /** What a generator process runs; tests give their own. */
  readonly entry?: string;
  /** The command that lowers the priority; tests take it away. */
  readonly niceCommand?: string;
  /** Looks without a due cut after which a generator is ended; tests are less patient. */
  readonly maxSilentLooks?: number;
}

const defaultEntry = fileURLToPath(new URL('../generator/main.ts', import.meta.url));

/** Generators as child processes of lower priority, one run at a time (ARCHITECTURE.md, "Process model"). */
export function createGeneratorPool(options: GeneratorPoolOptions): CreateGenerators {
  const priority = new LoweredPriority(options.niceCommand ?? 'nice', options.log);
  return (job, listener) => new GeneratorPool(options, priority, job, listener);
}

class GeneratorPool implements Generators {
  readonly #options: GeneratorPoolOptions;
  readonly #priority: LoweredPriority;
  readonly #job: GeneratorsJob;
  readonly #listener: GeneratorsListener;
  readonly #accounts: StripeAccounts;
  readonly #merger: CutMerger;
  readonly #processes: GeneratorProcess[] = [];
  readonly #prepared = new Set<number>();
  #settlePrepare: ((outcome: PrepareOutcome) => void) | null = null;
  #startMs = 0;
  #horizonMs = 0;
  #watch: StallWatch | null = null;
  #cancelLook: () => void = () => undefined;
  #closed = false;

  constructor(
    options: GeneratorPoolOptions,
    priority: LoweredPriority,
    job: GeneratorsJob,
    listener: GeneratorsListener,
  ) {
    this.#options = options;
    this.#priority = priority;
    this.#job = job;
    this.#listener = listener;
    this.#accounts = new StripeAccounts({ plan: job.plan, slot: job.slot, generators: options.count });
    this.#merger = new CutMerger(job.plan, this.#accounts, options.count);
  }

  async prepare(): Promise<PrepareOutcome> {
    const { clock, count } = this.#options;
    const { prepareTimeoutMs } = this.#job;
    const outcome = await new Promise<PrepareOutcome>((resolve) => {
      const cancel = clock.at(clock.nowMs() + prepareTimeoutMs, () => {
        const missing = count - this.#prepared.size;
        const message = `${missing} of ${count} generators were not ready within ${prepareTimeoutMs} ms`;
        this.#settlePrepare?.({ ok: false, step: 'prepare', message });
      });
      this.#settlePrepare = (settled) => {
        cancel();
        this.#settlePrepare = null;
        resolve(settled);
      };
      for (let index = 0; index < count; index++) this.#spawn(index);
    });
    if (!outcome.ok) await this.close();
    return outcome;
  }

  living(): number {
    return this.#processes.filter((each) => each.isAlive).length;
  }

  start(startMs: number): void {
    this.#startMs = startMs;
    this.#broadcast({ kind: 'start', startMs });
    if (this.#watch !== null) return;
    const { clock, count, maxSilentLooks } = this.#options;
    this.#watch = new StallWatch(count, Math.max(0, Math.floor((clock.nowMs() - startMs) / 1_000)), maxSilentLooks);
    this.#lookLater();
  }

  setTables(tables: readonly StripeTable[]): void {
    this.#accounts.setTables(tables);
    this.#broadcast({ kind: 'tables', tables });
  }

  setHorizon(horizonMs: number): void {
    this.#horizonMs = horizonMs;
    this.#accounts.setHorizon(horizonMs);
    this.#broadcast({ kind: 'horizon', horizonMs });
  }

  drain(atMs: number, deadlineMs: number): void {
    this.#accounts.drain(atMs);
    this.#broadcast({ kind: 'drain', atMs, deadlineMs });
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelLook();
    this.#settlePrepare?.({ ok: false, step: 'prepare', message: 'the run ended while it was prepared' });
    await Promise.all(this.#processes.map((each) => each.close()));
  }

  #spawn(index: number): void {
    const command = this.#priority.command(this.#options.entry ?? defaultEntry);
    const child = new GeneratorProcess(
      command,
      {
        onMessage: (message) => this.#onMessage(index, message),
        onGone: (reason) => this.#onGone(index, command, reason),
      },
      this.#options.log,
    );
    this.#processes[index] = child;
    const share = { node: this.#job.slot, index, of: this.#options.count };
    child.send({ kind: 'prepare', plan: this.#job.plan, seed: this.#job.seed, share });
  }

  #onMessage(index: number, message: FromGenerator): void {
    if (this.#closed) return;
    switch (message.kind) {
      case 'prepared': {
        const { pid } = this.#processes[index]!;
        if (pid !== undefined) this.#priority.check(pid);
        if (message.cold !== null) {
          this.#options.log.warn(
            { why: message.cold },
            'a generator could not warm up: its first arrivals will be late',
          );
        }
        this.#prepared.add(index);
        if (this.#prepared.size === this.#options.count) {
          this.#settlePrepare?.({ ok: true, generators: this.#options.count });
        }
        return;
      }
      case 'prepareFailed':
        this.#settlePrepare?.({ ok: false, step: message.step, message: message.message });
        return;
      case 'started':
        this.#listener.onStarted(message.lateMs);
        return;
      case 'cut':
        this.#watch?.heard(index, message.cut.number);
        this.#emit(this.#merger.add(index, message.cut));
        return;
      case 'fault':
        this.#listener.onFault(`generator ${index + 1} of ${this.#options.count}: ${message.message}`);
    }
  }

  #onGone(index: number, command: readonly string[], reason: string): void {
    if (this.#closed) return;
    if (this.#settlePrepare !== null) {
      if (this.#priority.failed(command, reason)) this.#spawn(index);
      else this.#settlePrepare({ ok: false, step: 'spawn generators', message: reason });
      return;
    }
    const cuts = this.#merger.died(index);
    if (!this.#merger.isFinished(index)) {
      this.#listener.onFault(`generator ${index + 1} of ${this.#options.count} is gone (${reason})`);
    }
    this.#emit(cuts);
  }

  #lookLater(): void {
    const { clock } = this.#options;
    this.#cancelLook = clock.at(clock.nowMs() + stallLookMs, () => {
      this.#endStalled(Math.min(clock.nowMs() - this.#startMs, this.#horizonMs));
      this.#lookLater();
    });
  }

  /** The others' seconds wait for one that hangs, and nobody else fires its share: dead, it is accounted for and replaced. */
  #endStalled(settledMs: number): void {
    for (const index of this.#watch!.look(settledMs)) {
      const generator = this.#processes[index]!;
      if (!generator.isAlive || this.#merger.isFinished(index)) continue;
      this.#listener.onFault(
        `generator ${index + 1} of ${this.#options.count} hangs: its intervals do not come; ends it`,
      );
      generator.kill();
    }
  }

  #emit(cuts: readonly EncodedCut[]): void {
    for (const cut of cuts) this.#listener.onCut(cut);
  }

  #broadcast(message: ToGenerator): void {
    for (const child of this.#processes) child.send(message);
  }
}
