import { expect, it } from 'vitest';
import { RefusalLog, repeatAfterMs } from '../../../node/src/consensus/refusal-log.ts';
import { silentLog } from '../../../node/src/lib/log.ts';
import { ManualClock } from '../transport/manual-clock.ts';

const retryMs = 2_000;

function open(): { readonly refusals: RefusalLog; readonly clock: ManualClock; readonly said: string[] } {
  const said: string[] = [];
  const clock = new ManualClock();
  const log = { ...silentLog, warn: (_fields: object, message: string) => void said.push(message) };
  return { refusals: new RefusalLog(log, clock), clock, said };
}

it('says that a peer is refused at once, and then once a minute with how often it was', () => {
  const { refusals, clock, said } = open();
  const tries = 2 * (repeatAfterMs / retryMs);
  for (let attempt = 0; attempt <= tries; attempt += 1) {
    refusals.refused('b', 'another disk');
    clock.advance(retryMs);
  }
  expect(said).toEqual([
    'b may not take part: another disk',
    'b may not take part: another disk (refused 30 more times in the last 60 s)',
    'b may not take part: another disk (refused 30 more times in the last 60 s)',
  ]);
});

it('says another reason, and another peer, at once', () => {
  const { refusals, said } = open();
  refusals.refused('b', 'another disk');
  refusals.refused('c', 'another disk');
  refusals.refused('b', 'another cluster');
  refusals.refused('b', 'another cluster');
  expect(said).toEqual([
    'b may not take part: another disk',
    'c may not take part: another disk',
    'b may not take part: another cluster',
  ]);
});

it('remembers no more peers than a list may have, those that come last', () => {
  const { refusals, said } = open();
  for (let index = 0; index <= 64; index += 1) refusals.refused(`n${index}`, 'another disk');
  expect(said).toHaveLength(65);
  refusals.refused('n64', 'another disk');
  expect(said).toHaveLength(65);
  refusals.refused('n0', 'another disk');
  expect(said).toHaveLength(66);
});
