import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { maxSlewPerMs, RunClock } from '../../../node/src/agent/run-clock.ts';

describe('RunClock', () => {
  it('is the start as it was first measured', () => {
    const clock = new RunClock({ startMs: 1_000, errorMs: 0.5 }, 900);
    expect(clock.runMs(900)).toBe(-100);
    expect(clock.runMs(3_500)).toBe(2_500);
    expect(clock.errorMs(900)).toBe(0.5);
  });

  it('leaves a start alone that a measurement agrees with within its error', () => {
    const clock = new RunClock({ startMs: 1_000, errorMs: 1 }, 0);
    clock.observe({ startMs: 1_000.8, errorMs: 1 }, 500);
    expect(clock.startMs(500)).toBe(1_000);
    clock.observe({ startMs: 1_000.8, errorMs: 1 }, 5_000);
    expect(clock.startMs(1e6)).toBe(1_000);
  });

  it('slews towards a measurement that disagrees by 500 ppm at most, and stops where its error begins', () => {
    const clock = new RunClock({ startMs: 1_000, errorMs: 1 }, 0);
    clock.observe({ startMs: 1_011, errorMs: 1 }, 10_000);
    expect(clock.startMs(10_000)).toBe(1_000);
    expect(clock.startMs(12_000)).toBeCloseTo(1_001, 9);
    expect(clock.startMs(100_000)).toBe(1_010);
  });

  it('takes a better measurement at once while the run has not begun by either: there is nothing to disturb', () => {
    const clock = new RunClock({ startMs: 1_000, errorMs: 1 }, 0);
    clock.observe({ startMs: 1_011, errorMs: 1 }, 500);
    expect(clock.startMs(500)).toBe(1_010);
    expect(clock.errorMs(500)).toBe(2);
    // Begun by the new one, though not by the old: no arrival may come in a burst.
    clock.observe({ startMs: 900, errorMs: 1 }, 950);
    expect(clock.startMs(950)).toBe(1_010);
  });

  it('never steps once the run has begun, whatever it is told: run time advances by 1 within 500 ppm', () => {
    const measured = fc.record({
      afterMs: fc.double({ min: 0, max: 10_000, noNaN: true }),
      startMs: fc.double({ min: 0, max: 5_000, noNaN: true }),
      errorMs: fc.double({ min: 0, max: 50, noNaN: true }),
    });
    fc.assert(
      fc.property(fc.array(measured, { maxLength: 20 }), (measurements) => {
        const clock = new RunClock({ startMs: 1_000, errorMs: 1 }, 0);
        let nowMs = 1_000;
        let runMs = clock.runMs(nowMs);
        for (const { afterMs, startMs, errorMs } of measurements) {
          nowMs += afterMs;
          const next = clock.runMs(nowMs);
          expect(Math.abs(next - runMs - afterMs)).toBeLessThanOrEqual(afterMs * maxSlewPerMs + 1e-6);
          clock.observe({ startMs, errorMs }, nowMs);
          expect(clock.runMs(nowMs)).toBe(next);
          // The bound holds for the latest measurement: the true start, as it saw it, is not farther away.
          expect(Math.abs(clock.startMs(nowMs) - startMs) + errorMs).toBeLessThanOrEqual(
            clock.errorMs(nowMs) + errorMs + 1e-6,
          );
          runMs = next;
        }
      }),
    );
  });

  it('grows less sure by 50 ppm while nobody measures', () => {
    const clock = new RunClock({ startMs: 0, errorMs: 1 }, 0);
    expect(clock.errorMs(100_000)).toBeCloseTo(6, 9);
  });
});
