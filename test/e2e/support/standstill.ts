export interface Pause {
  /** CLOCK_MONOTONIC, at its end. */
  readonly atMs: number;
  readonly lostMs: number;
}

const periodMs = 2;
const lateMs = 10;
const maxPauses = 100_000;

/** Notes each time this process was woken more than 10 ms late, from its construction on. */
export class Standstill {
  readonly pauses: Pause[] = [];

  constructor() {
    const now = (): number => Number(process.hrtime.bigint()) / 1e6;
    let last = now();
    setInterval(() => {
      const atMs = now();
      const lostMs = atMs - last - periodMs;
      if (lostMs > lateMs && this.pauses.length < maxPauses) this.pauses.push({ atMs, lostMs });
      last = atMs;
    }, periodMs);
  }
}
