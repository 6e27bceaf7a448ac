import { expect, it } from 'vitest';
import type { Consensus, ConsensusStatus } from '../../../node/src/consensus/consensus.ts';
import { TuttiError } from '../../../node/src/lib/errors.ts';
import { silentLog } from '../../../node/src/lib/log.ts';
import { handOver } from '../../../node/src/node/hand-over.ts';

interface Ended {
  readonly transfers: number;
  readonly said: readonly string[];
  readonly fields: readonly object[];
}

/** The end of a leader of these members, whose transfers fail. */
async function ended(members: readonly string[], failure: Error): Promise<Ended> {
  let transfers = 0;
  const [said, fields]: [string[], object[]] = [[], []];
  const log = {
    ...silentLog,
    info: (more: object, message: string) => {
      said.push(message);
      fields.push(more);
    },
  };
  const voters = members.map((id) => ({ id, incarnation: id }));
  const status = { role: 'leader', membership: { clusterId: 'c', voters, unmet: 0 } } as unknown as ConsensusStatus;
  const transferLeadership = (): Promise<void> => {
    transfers += 1;
    return Promise.reject(failure);
  };
  await handOver({ status: () => status, transferLeadership } as unknown as Consensus<unknown>, log);
  return { transfers, said, fields };
}

const failed = new TuttiError('TRANSFER_FAILED', 'the leadership was not handed over: no other voter is connected');

it('the leader of a cluster of one ends without a transfer that must fail', async () => {
  expect(await ended(['a'], failed)).toEqual({
    transfers: 0,
    said: ['ends as leader: there is no other voter'],
    fields: [{}],
  });
});

it('a transfer that fails is told in a sentence, and a bug with its stack', async () => {
  const foreseen = await ended(['a', 'b'], failed);
  expect(foreseen.said).toEqual(['ends as leader: the leadership was not handed over: no other voter is connected']);
  expect(foreseen.fields).toEqual([{ code: 'TRANSFER_FAILED' }]);
  const bug = new TypeError('a bug');
  expect((await ended(['a', 'b'], bug)).fields).toEqual([{ error: bug }]);
});
