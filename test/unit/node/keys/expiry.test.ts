import { beforeEach, expect, it } from 'vitest';
import { silentLog } from '../../../../node/src/lib/log.ts';
import { watchExpiry } from '../../../../node/src/node/keys/expiry.ts';
import { ManualClock } from '../../transport/manual-clock.ts';

const dayMs = 86_400_000;
let clock: ManualClock;
let said: string[];
let validToMs: number;
let stop: () => void;

beforeEach(() => {
  [clock, said, validToMs] = [new ManualClock(), [], 10 * dayMs];
  const note = (level: string) => (_: object, message: string) =>
    void said.push(`${level} ${/expire\w*/.exec(message)![0]}`);
  const log = { ...silentLog, warn: note('warn'), error: note('error') };
  stop = watchExpiry({ clock, log, unixMs: () => clock.nowMs(), validToMs: () => validToMs });
});

/** Hour by hour, as the timer has it. */
function pass(days: number): void {
  for (let hour = 0; hour < days * 24; hour += 1) clock.advance(3_600_000);
}

it('warns a week before the end, says when it is over, each once; a renewed certificate is another one', () => {
  pass(2);
  expect(said).toEqual([]);
  pass(2);
  expect(said).toEqual(['warn expire']);
  pass(7);
  expect(said).toEqual(['warn expire', 'error expired']);
  validToMs = 100 * dayMs;
  pass(80);
  expect(said).toHaveLength(2);
  pass(5);
  expect(said).toEqual(['warn expire', 'error expired', 'warn expire']);
  stop();
  pass(30);
  expect(said).toHaveLength(3);
});
