import type { Plan } from '../plan/plan.ts';
import { addMeasurements, createMeasurements, decodeMeasurements, encodeMeasurements } from '../results/encoding.ts';
import type { Books, EncodedCut, EncodedMeasurements } from '../results/measurements.ts';
import type { StripeAccounts } from './stripe-accounts.ts';

interface Source {
  readonly queue: EncodedCut[];
  /** Number of the last cut it gave; null: none yet. */
  last: number | null;
  final: boolean;
  dead: boolean;
  /** As of its last merged cut; a dead one's iterations stay unanswered. */
  inFlight: number;
}

/**
 * One node cut per run second out of its generators' cuts. A second waits for every living generator; the arrivals a dead
 * one left are counted as `lost` from the schedule's arithmetic. `fired` and `dropped` are what generators did; `notFired` is
 * the rest of what is settled (StripeAccounts), so the node's books add up to its stripe whatever a generator knew.
 */
export class CutMerger {
  readonly #plan: Plan;
  readonly #accounts: StripeAccounts;
  readonly #sources: readonly Source[];
  #next: number | null = null;
  #done = false;
  #firedAndDropped = 0;
  #notFired = 0;
  #lost = 0;

  constructor(plan: Plan, accounts: StripeAccounts, generators: number) {
    this.#plan = plan;
    this.#accounts = accounts;
    this.#sources = Array.from({ length: generators }, () => ({
      queue: [],
      last: null,
      final: false,
      dead: false,
      inFlight: 0,
    }));
  }

  /** A generator's cut; returns the node cuts that are complete with it. */
  add(index: number, cut: EncodedCut): readonly EncodedCut[] {
    const source = this.#sources[index]!;
    // The end of a process may be heard before the last it sent; its seconds have gone out by then.
    if (source.dead) return [];
    source.queue.push(cut);
    source.last = cut.number;
    source.final = cut.final;
    return this.#complete();
  }

  /** A generator is gone; returns the node cuts that waited for it alone. */
  died(index: number): readonly EncodedCut[] {
    this.#sources[index]!.dead = true;
    return this.#complete();
  }

  /** Its final cut came: whatever becomes of it now, nothing is missing. */
  isFinished(index: number): boolean {
    return this.#sources[index]!.final;
  }

  #complete(): readonly EncodedCut[] {
    const cuts: EncodedCut[] = [];
    for (let cut = this.#mergeNext(); cut !== null; cut = this.#mergeNext()) cuts.push(cut);
    return cuts;
  }

  #mergeNext(): EncodedCut | null {
    if (this.#done || !this.#sources.every((source) => source.queue.length > 0 || source.final || source.dead))
      return null;
    const heads = this.#sources.flatMap((source) => source.queue.slice(0, 1));
    // Without heads there is one thing left to say: those that lived are done, and the last to wait for has died.
    if (heads.length === 0 && !this.#sources.some((source) => source.final)) return null;
    const number = this.#next ?? Math.min(...heads.map((cut) => cut.number));
    this.#next = number + 1;
    const parts: EncodedCut[] = [];
    for (const source of this.#sources) {
      if (source.queue[0]?.number !== number) continue;
      const cut = source.queue.shift()!;
      source.inFlight = cut.inFlight;
      parts.push(cut);
    }
    // Nothing comes after it only if somebody lived to say so: what dead generators left open is settled by the cluster.
    const final =
      this.#sources.every((source) => source.queue.length === 0 && (source.final || source.dead)) &&
      this.#sources.some((source) => source.final);
    this.#done = final;
    return {
      number,
      final,
      books: this.#books(parts, final ? Infinity : (number + 1) * 1_000),
      inFlight: this.#sources.reduce((sum, source) => sum + source.inFlight, 0),
      measurements: this.#merge(parts),
    };
  }

  #books(parts: readonly EncodedCut[], reachedMs: number): Books {
    const sum = (of: (books: Readonly<Books>) => number): number =>
      parts.reduce((total, cut) => total + of(cut.books), 0);
    const fired = sum((books) => books.fired);
    const dropped = sum((books) => books.dropped);
    this.#firedAndDropped += fired + dropped;
    const settledMs = this.#accounts.settledMs(reachedMs);
    const lost = Math.max(0, this.#lostSoFar(settledMs) - this.#lost);
    this.#lost += lost;
    const owed = this.#accounts.owned(settledMs) - this.#firedAndDropped - this.#lost - this.#notFired;
    const notFired = Math.max(0, owed);
    this.#notFired += notFired;
    return {
      fired,
      dropped,
      notFired,
      lost,
      answered: sum((books) => books.answered),
      failed: sum((books) => books.failed),
      heldUserMs: sum((books) => books.heldUserMs),
    };
  }

  #lostSoFar(settledMs: number): number {
    let lost = 0;
    this.#sources.forEach((source, index) => {
      if (!source.dead || source.final) return;
      lost += this.#accounts.share(index, source.last === null ? 0 : (source.last + 1) * 1_000, settledMs);
    });
    return lost;
  }

  #merge(parts: readonly EncodedCut[]): EncodedMeasurements {
    // The usual case of one generator costs nothing: its text form is passed on as it is.
    if (parts.length === 1) return parts[0]!.measurements;
    const merged = createMeasurements(this.#plan);
    for (const cut of parts) addMeasurements(merged, decodeMeasurements(cut.measurements));
    return encodeMeasurements(merged);
  }
}
