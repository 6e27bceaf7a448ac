import { describe, expect, it } from 'vitest';
import { Outbox } from '../../../node/src/agent/outbox.ts';
import { emptyBooks, type EncodedCut } from '../../../node/src/results/measurements.ts';

const cut = (number: number, padding = 0): EncodedCut => ({
  number,
  final: false,
  books: emptyBooks(),
  inFlight: 0,
  measurements: padding === 0 ? [] : [{ ok: 0, failed: 0, duration: 'x'.repeat(padding), steps: [] }],
});
const numbers = (outbox: Outbox): readonly number[] =>
  (outbox.head()?.texts ?? []).map((text) => (JSON.parse(text) as EncodedCut).number);

describe('Outbox', () => {
  it('keeps what was handed out until the watermark covers it', () => {
    const outbox = new Outbox();
    for (const number of [4, 5, 6]) outbox.add(cut(number));
    expect(numbers(outbox)).toEqual([4, 5, 6]);
    expect(numbers(outbox)).toEqual([4, 5, 6]);
    outbox.counted(5);
    expect(numbers(outbox)).toEqual([6]);
    outbox.counted(6);
    expect(outbox.head()).toBeNull();
    expect(outbox.bytes).toBe(0);
  });

  it('begins each message with the oldest one, eight at most', () => {
    const outbox = new Outbox();
    for (let number = 0; number < 20; number++) outbox.add(cut(number));
    expect(numbers(outbox)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect(outbox.head()!.last).toBe(7);
  });

  it('keeps a message below a megabyte, but sends a larger one alone rather than never', () => {
    const outbox = new Outbox();
    outbox.add(cut(0, 2_000_000));
    outbox.add(cut(1, 600_000));
    outbox.add(cut(2, 600_000));
    expect(numbers(outbox)).toEqual([0]);
    outbox.counted(0);
    expect(numbers(outbox)).toEqual([1]);
    expect(outbox.bytes).toBeGreaterThan(1_200_000);
  });
});
