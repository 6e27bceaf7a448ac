import { expect, it } from 'vitest';
import { TuttiError } from '../../../node/src/lib/errors.ts';
import { type Asking, keepAsking } from '../../../node/src/lib/keep-asking.ts';
import { ManualClock } from '../transport/manual-clock.ts';

/** One that is asked answers with what is next in the list; an error is thrown. */
function open(answers: (string | Error)[], more: Partial<Asking<string>> = {}) {
  const clock = new ManualClock();
  const askedMs: number[] = [];
  const heard: string[] = [];
  const end = keepAsking<string>({
    ask: () => {
      askedMs.push(clock.nowMs());
      const answer = answers.shift() ?? 'nothing new';
      return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
    },
    onAnswer: (answer) => {
      heard.push(answer);
      return 250;
    },
    onFailure: ({ message }) => heard.push(message),
    ...{ pauses: { firstMs: 1_000, longestMs: 4_000 }, clock, random: () => 0 },
    ...more,
  });
  const fromMs = clock.nowMs();
  /** Lets the answers of this moment arrive, then time pass. */
  const pass = async (ms: number): Promise<void> => {
    for (let turn = 0; turn < 5; turn++) await Promise.resolve();
    clock.advance(ms);
    for (let turn = 0; turn < 5; turn++) await Promise.resolve();
  };
  return { end, heard, pass, askedMs: () => askedMs.map((ms) => ms - fromMs) };
}
const refused = new TuttiError('BUSY', 'refused');

it('asks again when the answer said it may, after failures in growing pauses, and begins anew after an answer', async () => {
  const asking = open(['one', refused, refused, refused, refused, 'two', refused]);
  for (const ms of [250, 1_000, 2_000, 4_000, 4_000, 250, 1_000]) await asking.pass(ms);
  expect(asking.heard).toEqual(['one', ...Array<string>(4).fill('refused'), 'two', 'refused', 'nothing new']);
  expect(asking.askedMs()).toEqual([0, 250, 1_250, 3_250, 7_250, 11_250, 11_500, 12_500]);
  asking.end();
});

it('pauses no shorter than it was told', async () => {
  const asking = open([refused], { leastPauseMs: 3_000 });
  await asking.pass(2_999);
  expect(asking.askedMs()).toEqual([0]);
  await asking.pass(1);
  expect(asking.askedMs()).toEqual([0, 3_000]);
});

it('asks and tells nothing once it was ended, also by the one who was told', async () => {
  const asking = open(['one', 'two'], {
    onAnswer: () => {
      asking.end();
      return 0;
    },
  });
  await asking.pass(60_000);
  expect(asking.askedMs()).toEqual([0]);
});
