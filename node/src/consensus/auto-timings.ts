import type { Clock } from '../lib/clock.ts';
import { rungOf, timingsForRung } from '../raft/timings.ts';
import type { NodeId, Timings } from '../raft/types.ts';
import type { Transport } from '../transport/transport.ts';

/** How often the round trips are looked at: the transport keeps those of the last three seconds. */
const lookEveryMs = 1_000;
/** Looks at which a shorter round trip must have been measured before the timings follow it. */
const calmLooks = 10;
/** Until something is measured: regions of one continent are elected within a second and a half. */
const unmeasuredRungMs = 80;
export const unmeasuredTimings = timingsForRung(unmeasuredRungMs);

export interface AutoTimingsOptions {
  readonly transport: Pick<Transport, 'peers' | 'clockOffset'>;
  readonly clock: Clock;
  /** Called when the timings change, with the round trip they are made for. */
  readonly onChange: (timings: Timings, roundTripMs: number) => void;
}

/**
 * Timings that follow the slowest round trip to any peer: up at once, since too short ones cost a leader, and down by one step when
 * the network has been faster for a while. A peer that is lost counts with what was measured last (ADR 0049).
 */
export class AutoTimings {
  readonly #options: AutoTimingsOptions;
  readonly #measured = new Map<NodeId, number>();
  #rungMs = unmeasuredRungMs;
  #calm = 0;
  #cancel: (() => void) | null = null;

  constructor(options: AutoTimingsOptions) {
    this.#options = options;
  }

  start(): void {
    const { clock } = this.#options;
    this.#look();
    this.#cancel = clock.at(clock.nowMs() + lookEveryMs, () => this.start());
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = null;
  }

  #look(): void {
    const { transport } = this.#options;
    const isFirst = this.#measured.size === 0;
    for (const { identity } of transport.peers()) {
      const offset = identity === null ? null : transport.clockOffset(identity.nodeId);
      if (identity !== null && offset !== null) this.#measured.set(identity.nodeId, offset.roundTripMs);
    }
    if (this.#measured.size === 0) return;
    const rungMs = rungOf(Math.max(...this.#measured.values()));
    this.#calm = rungMs < this.#rungMs ? this.#calm + 1 : 0;
    if (rungMs > this.#rungMs || isFirst) this.#change(rungMs);
    else if (this.#calm >= calmLooks) this.#change(this.#rungMs / 2);
  }

  #change(rungMs: number): void {
    this.#calm = 0;
    if (rungMs === this.#rungMs) return;
    this.#rungMs = rungMs;
    this.#options.onChange(timingsForRung(this.#rungMs), Math.max(...this.#measured.values()));
  }
}
