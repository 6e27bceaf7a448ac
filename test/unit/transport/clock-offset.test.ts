import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ClockOffsetEstimator } from '../../../node/src/transport/clock-offset.ts';
import type { Pong } from '../../../node/src/transport/frames.ts';

/** One exchange with a peer whose clock is `offsetMs` ahead, over paths that take as long as given. */
function exchange(sentMs: number, offsetMs: number, thereMs: number, heldMs: number, backMs: number): [Pong, number] {
  const receivedMs = sentMs + thereMs + offsetMs;
  const pong: Pong = { kind: 'pong', sequence: 1, sentMs, receivedMs, repliedMs: receivedMs + heldMs };
  return [pong, sentMs + thereMs + heldMs + backMs];
}

describe('clock offset', () => {
  it('is unknown before the first exchange', () => {
    expect(new ClockOffsetEstimator().best()).toBeNull();
  });

  it('is off by at most the stated error, however asymmetric the paths (RFC 5905 section 8)', () => {
    // No path takes less than a microsecond, and doubles of 1e9 ms tell no less than a tenth of that apart.
    const ms = fc.double({ min: 0.001, max: 500, noNaN: true });
    const exchanges = fc.array(fc.tuple(ms, ms, ms), { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(fc.integer({ min: -1e9, max: 1e9 }), exchanges, (offsetMs, delays) => {
        const estimator = new ClockOffsetEstimator();
        for (const [index, [there, held, back]] of delays.entries()) {
          estimator.add(...exchange(index * 200, offsetMs, there, held, back));
        }
        const best = estimator.best();
        expect(best).not.toBeNull();
        // 1e-6: what doubles lose on instants of 1e9 ms.
        expect(Math.abs(best!.offsetMs - offsetMs)).toBeLessThanOrEqual(best!.errorMs + 1e-6);
        expect(best!.errorMs * 2).toBeCloseTo(best!.roundTripMs);
        const recent = delays.slice(-16).map(([there, , back]) => there + back);
        expect(best!.roundTripMs).toBeCloseTo(Math.min(...recent), 5);
      }),
    );
  });

  it('forgets a good exchange after sixteen more, so that drift does not grow old in it', () => {
    const estimator = new ClockOffsetEstimator();
    estimator.add(...exchange(0, 10, 0, 0, 0));
    for (let index = 1; index <= 16; index += 1) estimator.add(...exchange(index * 200, 20, 5, 0, 5));
    expect(estimator.best()).toMatchObject({ offsetMs: 20, roundTripMs: 10 });
  });

  it('ignores an answer that claims to have come faster than time, or is no number', () => {
    const estimator = new ClockOffsetEstimator();
    estimator.add({ kind: 'pong', sequence: 1, sentMs: 0, receivedMs: 0, repliedMs: 100 }, 50);
    estimator.add({ kind: 'pong', sequence: 1, sentMs: 0, receivedMs: 5, repliedMs: 4 }, 50);
    estimator.add({ kind: 'pong', sequence: 1, sentMs: 0, receivedMs: NaN, repliedMs: NaN }, 50);
    expect(estimator.best()).toBeNull();
  });
});
