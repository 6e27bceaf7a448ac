import type { Pong } from './frames.ts';
import type { ClockOffset } from './transport.ts';

/**
 * How many exchanges are kept. At a ping every 400 ms they span six seconds: long enough to hold one that met no queue,
 * short enough that drift (50 ppm) adds less than 0.4 ms.
 */
const SAMPLES = 16;

/**
 * Offset of a peer's monotonic clock by four timestamps (RFC 5905 section 8): of the last exchanges the one with the
 * smallest round trip counts (the clock filter of section 10), because every delay on the way only adds to the round trip.
 */
export class ClockOffsetEstimator {
  readonly #samples: ClockOffset[] = [];

  /** `arrivedMs`: when the pong was read, on our clock. */
  add(pong: Pong, arrivedMs: number): void {
    const peerMs = pong.repliedMs - pong.receivedMs;
    const roundTripMs = arrivedMs - pong.sentMs - peerMs;
    // A peer that answers faster than time passes has a broken or lying clock: such a sample would always win.
    if (!Number.isFinite(roundTripMs) || roundTripMs < 0 || peerMs < 0) return;
    const offsetMs = (pong.receivedMs - pong.sentMs + (pong.repliedMs - arrivedMs)) / 2;
    this.#samples.push({ offsetMs, errorMs: roundTripMs / 2, roundTripMs });
    if (this.#samples.length > SAMPLES) this.#samples.shift();
  }

  /** Null until an exchange was measured. */
  best(): ClockOffset | null {
    let best: ClockOffset | null = null;
    for (const sample of this.#samples) if (best === null || sample.roundTripMs < best.roundTripMs) best = sample;
    return best;
  }
}
