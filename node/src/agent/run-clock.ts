/** 500 ppm: what NTP slews at most; ten times what a usual crystal is off, and no rate of a plan changes visibly by it. */
export const maxSlewPerMs = 500e-6;
/** A crystal's usual drift; the error bound grows by it between measurements (50 ppm are 4.3 s a day). */
const driftPerMs = 50e-6;

/** The start of a run as somebody measured it, on our own monotonic clock. */
export interface StartMeasurement {
  readonly startMs: number;
  /** Half the round trip, plus what the one who told us was unsure of. */
  readonly errorMs: number;
}

/**
 * Run time on this node: converted once, then, from the start on, slewed towards what later measurements say and never
 * stepped, so that no arrival is skipped or fired in a burst by a correction (ARCHITECTURE.md, "Run time"). Pure: the time is
 * passed in.
 */
export class RunClock {
  #startMs: number;
  #targetMs: number;
  #slewedAtMs: number;
  #measuredAtMs: number;
  #measuredErrorMs: number;

  constructor(measured: StartMeasurement, nowMs: number) {
    this.#startMs = measured.startMs;
    this.#targetMs = measured.startMs;
    this.#slewedAtMs = nowMs;
    this.#measuredAtMs = nowMs;
    this.#measuredErrorMs = measured.errorMs;
  }

  /** The start of the run on the local clock, as slewed up to `nowMs`. */
  startMs(nowMs: number): number {
    const budgetMs = Math.max(0, nowMs - this.#slewedAtMs) * maxSlewPerMs;
    const awayMs = this.#targetMs - this.#startMs;
    this.#startMs += Math.max(-budgetMs, Math.min(budgetMs, awayMs));
    this.#slewedAtMs = Math.max(this.#slewedAtMs, nowMs);
    return this.#startMs;
  }

  /** Milliseconds since the start of the run; negative before it. Never goes back while `nowMs` does not. */
  runMs(nowMs: number): number {
    return nowMs - this.startMs(nowMs);
  }

  /**
   * Takes a further measurement: if the present start lies within its error there is nothing to correct (else the clock
   * would chase noise), if not, the nearest start that does becomes the target. Before the run has begun by either value
   * there is nothing to disturb, and it holds at once.
   */
  observe(measured: StartMeasurement, nowMs: number): void {
    const present = this.startMs(nowMs);
    const low = measured.startMs - measured.errorMs;
    const high = measured.startMs + measured.errorMs;
    this.#targetMs = Math.max(low, Math.min(high, present));
    if (nowMs < Math.min(present, this.#targetMs)) this.#startMs = this.#targetMs;
    this.#measuredAtMs = nowMs;
    this.#measuredErrorMs = measured.errorMs + Math.abs(measured.startMs - this.#targetMs);
  }

  /** How far the run time may be off: the last measurement's error, what is left to slew, and the drift since. */
  errorMs(nowMs: number): number {
    const leftMs = Math.abs(this.#targetMs - this.startMs(nowMs));
    return this.#measuredErrorMs + leftMs + Math.max(0, nowMs - this.#measuredAtMs) * driftPerMs;
  }
}
