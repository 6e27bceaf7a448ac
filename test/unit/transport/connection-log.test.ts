import { beforeEach, expect, it } from 'vitest';
import { silentLog } from '../../../node/src/lib/log.ts';
import { ConnectionLog } from '../../../node/src/transport/peer/connection-log.ts';
import { ManualClock } from './manual-clock.ts';

const retryMs = 2_000;
const refusal = 'refused: its disk was replaced';
let said: string[];
let clock: ManualClock;
let connections: ConnectionLog;
beforeEach(() => {
  said = [];
  clock = new ManualClock();
  connections = new ConnectionLog(
    {
      ...silentLog,
      info: (fields: object, message: string) => void said.push(`${(fields as { peer: string }).peer} ${message}`),
    },
    clock,
  );
});

function refusedAgain(reason = refusal): void {
  connections.connected('b', 'h:1');
  clock.advance(5);
  connections.lost('b', reason);
  clock.advance(retryMs);
}

it('says once that a peer is refused as soon as it is connected, and again once a minute or for another reason', () => {
  for (let attempt = 0; attempt < 20; attempt += 1) refusedAgain();
  expect(said).toEqual(['b connected', `b lost: ${refusal}`]);
  for (let attempt = 0; attempt < 20; attempt += 1) refusedAgain();
  expect(said.slice(2)).toEqual([`b lost: ${refusal}`]);
  refusedAgain('refused: another cluster');
  expect(said.slice(3)).toEqual(['b lost: refused: another cluster']);
});

it('says that it is connected once it is not refused any more, and then its loss at once', () => {
  refusedAgain();
  connections.connected('b', 'h:1');
  clock.advance(2_000);
  expect(said.slice(2)).toEqual(['b connected']);
  connections.lost('b', refusal);
  expect(said.slice(3)).toEqual([`b lost: ${refusal}`]);
});

it('says each loss for another cause than a refusal', () => {
  const reset = (): void => {
    connections.connected('b', 'h:1');
    connections.lost('b', 'reset');
  };
  reset();
  reset();
  expect(said).toEqual(['b connected', 'b lost: reset', 'b connected', 'b lost: reset']);
});

it('says nothing more when it is closed', () => {
  refusedAgain();
  connections.connected('b', 'h:1');
  connections.close();
  clock.advance(2_000);
  expect(said).toHaveLength(2);
});
