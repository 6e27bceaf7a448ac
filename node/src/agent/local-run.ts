import { slotOf, type Run, type StartQuality } from '../cluster/state.ts';
import type { AgentContext } from './context.ts';
import type { GeneratorsListener } from './generators.ts';
import { IntervalSender } from './interval-sender.ts';
import { maxUnsentBytes } from './outbox.ts';
import { Preparation } from './preparation.ts';
import { RunMapping } from './run-mapping.ts';
import { UnsentRescue } from './unsent-rescue.ts';

/** Of a node that ends: iterations in flight where its stripe ends get this long. */
const endingGraceMs = 1_000;
/** A slew smaller than this is not worth a message: it is below what an arrival's timer resolves. */
const minSlewMs = 0.1;

/**
 * One run as this node carries it out. Level-triggered: `reconcile` compares the replicated run with what was done here and
 * does the next thing, so it does not matter which states it was shown and which it missed.
 */
export class LocalRun {
  readonly runId: string;
  readonly #context: AgentContext;
  readonly #mapping: RunMapping;
  readonly #sender: IntervalSender;
  readonly #rescue: UnsentRescue;
  readonly #preparation: Preparation;
  #startedWithMs: number | null = null;
  #clockErrorMs = 0;
  /** Of the generator that passed the start last. */
  #startedLateMs: number | null = null;
  #tablesGiven = 0;
  #horizonGivenMs = 0;
  #isHeld = false;
  #isDraining = false;
  #isEnding = false;
  #isClosed = false;

  constructor(context: AgentContext, runId: string) {
    this.runId = runId;
    this.#context = context;
    this.#mapping = new RunMapping(context, runId);
    this.#sender = new IntervalSender(context, runId);
    this.#rescue = new UnsentRescue(context, runId, this.#sender.outbox);
    this.#preparation = new Preparation(context, this.#listener());
  }

  get mapping(): RunMapping {
    return this.#mapping;
  }

  reconcile(run: Run): void {
    if (this.#isClosed) return;
    const { phase } = run;
    const start = 'start' in phase ? phase.start : null;
    if (start !== null) this.#mapping.reconcile(start);
    // A late joiner first learns the run time (which only a node of a run that is on will tell), then prepares for it.
    if (start === null || this.#mapping.clock !== null) this.#preparation.prepare(run);
    this.#preparation.acknowledge(run);
    this.#drive(run);
    this.#report(run);
  }

  /** This process is to end: the others are asked to take the stripe over. False: there is nothing here to hand in. */
  end(): boolean {
    this.#isEnding = this.#startedWithMs !== null;
    return this.#isEnding;
  }

  /** The last interval of this agent is in the replicated state. */
  isHandedIn(run: Run): boolean {
    return run.agents.some((each) => each.final && slotOf(each.agent) === slotOf(this.#context.self));
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#preparation.close();
  }

  #listener(): GeneratorsListener {
    const { log, poke } = this.#context;
    return {
      onStarted: (lateMs) => (this.#startedLateMs = Math.max(this.#startedLateMs ?? 0, lateMs)),
      onCut: (cut) => {
        this.#sender.add(this.#rescue.isEnding ? { ...cut, final: false } : cut);
        poke();
      },
      onFault: (message) => {
        log.error({ run: this.runId, why: message }, 'a generator failed; the others go on');
        poke();
      },
    };
  }

  /** Tables before horizons, horizons before the start: a generator must never fire by a table that has been replaced. */
  #drive(run: Run): void {
    const runClock = this.#mapping.clock;
    const { generators, isReady } = this.#preparation;
    if (runClock === null || generators === null || !isReady) return;
    if (run.tables.length > this.#tablesGiven) {
      this.#tablesGiven = run.tables.length;
      generators.setTables(run.tables);
    }
    // With the end ordered, nothing is gained by holding back: generators settle their books by the horizon.
    const mayExtend = run.phase.name === 'draining' || !this.#holdsBack();
    if (run.horizonMs > this.#horizonGivenMs && mayExtend) {
      this.#horizonGivenMs = run.horizonMs;
      generators.setHorizon(run.horizonMs);
    }
    const nowMs = this.#context.clock.nowMs();
    const startMs = runClock.startMs(nowMs);
    if (this.#startedWithMs === null) {
      this.#clockErrorMs = runClock.errorMs(nowMs);
      const { log } = this.#context;
      log.info({ run: this.runId, inMs: startMs - nowMs, clockErrorMs: this.#clockErrorMs }, 'starts the run');
    }
    if (this.#startedWithMs === null || Math.abs(startMs - this.#startedWithMs) >= minSlewMs) {
      this.#startedWithMs = startMs;
      generators.start(startMs);
    }
    const end = run.phase.name === 'draining' ? run.phase.stop : this.#ownEnd(run, runClock.runMs(nowMs));
    if (end !== null && !this.#isDraining) {
      this.#isDraining = true;
      generators.drain(end.atMs, end.deadlineMs);
    }
  }

  /** Where the part of a node that ends is over: at the table that gave its stripe to others; null until there is one. */
  #ownEnd(run: Run, runMs: number): { readonly atMs: number; readonly deadlineMs: number } | null {
    if (!this.#isEnding) return null;
    const slot = slotOf(this.#context.self);
    const last = run.tables.findLastIndex((table) => table.slots.includes(slot));
    if (last === run.tables.length - 1) return null;
    const atMs = Math.max(runMs, last < 0 ? 0 : run.tables[last + 1]!.fromMs);
    return { atMs, deadlineMs: atMs + endingGraceMs };
  }

  /** Intervals nobody takes: the horizon is not passed on, so no arrival starts and the books say `notFired`. */
  #holdsBack(): boolean {
    const { bytes } = this.#sender.outbox;
    if (!this.#isHeld && bytes >= maxUnsentBytes) {
      this.#isHeld = true;
      this.#context.log.error(
        { run: this.runId, unsentBytes: bytes, boundBytes: maxUnsentBytes },
        'stops firing: the cluster does not take this node’s intervals, and no more of them can be kept',
      );
    } else if (this.#isHeld && bytes < maxUnsentBytes / 2) {
      this.#isHeld = false;
      this.#context.log.info({ run: this.runId, unsentBytes: bytes }, 'fires again: the cluster took the intervals');
    }
    return this.#isHeld;
  }

  /** Measured by the generators themselves: known before their first cut, so with the first interval. */
  #startQuality(): StartQuality | null {
    if (this.#startedLateMs === null) return null;
    return { clockErrorMs: this.#clockErrorMs, startedLateMs: this.#startedLateMs };
  }

  #report(run: Run): void {
    const { self } = this.#context;
    const progress = run.agents.find((each) => slotOf(each.agent) === slotOf(self));
    if (progress !== undefined) this.#sender.outbox.counted(progress.lastInterval);
    const { generators, isReady } = this.#preparation;
    if (isReady) this.#sender.reconcile(this.#startQuality(), generators?.living() ?? 0, this.#isEnding);
    this.#rescue.reconcile(run, this.#mapping.clock, generators, this.#horizonGivenMs);
  }
}
