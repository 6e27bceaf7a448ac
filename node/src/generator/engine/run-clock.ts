/**
 * Run time on this machine's monotonic clock. A corrected start is approached by at most 0.5 % of the time that passes, so
 * run time never jumps and never goes back: no second is cut twice, no arrival comes in a burst.
 */
export class RunClock {
  /** Half a percent moves the clock 5 ms a second: far more than clocks drift apart (50 ppm), far less than anyone can see in a rate. */
  static readonly maxSlew = 0.005;
  /** Where the start was, as of `#asOfMs`, and where it is going. */
  #startMs: number;
  #targetMs: number;
  #asOfMs: number;

  constructor(startMs: number, nowMs: number) {
    this.#startMs = startMs;
    this.#targetMs = startMs;
    this.#asOfMs = nowMs;
  }

  /** Before the run has begun by either value there is nothing to disturb, and the new start holds at once. */
  correct(startMs: number, nowMs: number): void {
    this.#startMs = this.startMs(nowMs);
    this.#asOfMs = nowMs;
    this.#targetMs = startMs;
    if (nowMs < this.#startMs && nowMs < startMs) this.#startMs = startMs;
  }

  /** The monotonic instant of run time 0, as this clock has it at `nowMs`. */
  startMs(nowMs: number): number {
    const reach = (nowMs - this.#asOfMs) * RunClock.maxSlew;
    const rest = this.#targetMs - this.#startMs;
    return Math.abs(rest) <= reach ? this.#targetMs : this.#startMs + Math.sign(rest) * reach;
  }

  /** Run time at the monotonic instant `nowMs`, which never goes back from call to call. */
  runMs(nowMs: number): number {
    return nowMs - this.startMs(nowMs);
  }
}
