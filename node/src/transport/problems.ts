import type { PeerProblem } from './transport.ts';

/**
 * Places remembered at most. Listed peers are few; beyond them only strangers add to it, and the one that was quiet longest
 * is forgotten, which costs one repeated report.
 */
const MAX_PLACES = 256;

/** Sentences remembered for one place: each direction has its own for the same problem, and a stranger could vary his. */
const MAX_REASONS = 8;

/** Whom a problem is told: as news once for each place and reason until it was gone, and each time it is met again. */
export interface ProblemNews {
  news(problem: PeerProblem): void;
  again(problem: PeerProblem): void;
}

/** Tells news from what was said before. */
export class ProblemReporter {
  readonly #reported = new Map<string, Set<string>>();
  readonly #tell: ProblemNews;

  constructor(tell: ProblemNews) {
    this.#tell = tell;
  }

  report(place: string, reason: string): void {
    const reasons = this.#reported.get(place) ?? new Set();
    this.#reported.delete(place);
    this.#reported.set(place, reasons);
    if (this.#reported.size > MAX_PLACES) forgetOldest(this.#reported);
    if (reasons.has(reason)) return this.#tell.again({ address: place, reason });
    reasons.add(reason);
    if (reasons.size > MAX_REASONS) forgetOldest(reasons);
    this.#tell.news({ address: place, reason });
  }

  gone(place: string): void {
    this.#reported.delete(place);
  }
}

function forgetOldest(memory: Set<string> | Map<string, unknown>): void {
  const oldest = memory.keys().next().value;
  if (oldest !== undefined) memory.delete(oldest);
}
