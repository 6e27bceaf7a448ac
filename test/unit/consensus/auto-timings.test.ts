import { expect, it } from 'vitest';
import { AutoTimings, unmeasuredTimings } from '../../../node/src/consensus/auto-timings.ts';
import { timingsForRung } from '../../../node/src/raft/timings.ts';
import { timingProfiles } from '../../../node/src/raft/types.ts';
import type { Timings } from '../../../node/src/raft/types.ts';
import { MemoryCluster } from './memory-cluster.ts';
import { ManualTime, peer } from './twins.ts';

/** Looks at two peers whose round trips a test sets; null: not connected. */
function watch(roundTrips: Record<string, number | null>): { changes: Timings[]; look: (times?: number) => void } {
  const time = new ManualTime();
  const changes: Timings[] = [];
  const auto = new AutoTimings({
    transport: {
      peers: () =>
        Object.keys(roundTrips).map((id) => ({
          ...{ address: id, expectedId: id, identity: peer(id), state: 'connected', problem: null, lastHeardMs: 0 },
        })),
      clockOffset: (id) => {
        const roundTripMs = roundTrips[id] ?? null;
        return roundTripMs === null ? null : { offsetMs: 0, errorMs: 0, roundTripMs };
      },
    },
    clock: time.clock,
    onChange: (timings) => changes.push(timings),
  });
  auto.start();
  const look = (times = 1): void => {
    for (let at = 0; at < times; at += 1) time.advance(1_000);
  };
  return { changes, look };
}

it('takes the first measurement at once, a longer round trip too, and a shorter one step by step once it has lasted', () => {
  const roundTrips: Record<string, number | null> = { b: null, c: null };
  const { changes, look } = watch(roundTrips);
  look(20);
  expect(changes).toEqual([]);
  roundTrips['b'] = 0.3;
  look();
  expect(changes).toEqual([timingProfiles.lan]);
  roundTrips['c'] = 70;
  look();
  expect(changes.slice(1)).toEqual([timingsForRung(80)]);
  roundTrips['c'] = 1;
  look(9);
  expect(changes).toHaveLength(2);
  look();
  expect(changes.slice(2)).toEqual([timingsForRung(40)]);
  look(100);
  expect(changes.at(-1)).toEqual(timingProfiles.lan);
  expect(changes).toHaveLength(6);
});

it('counts a peer that is gone with what was measured last', () => {
  const roundTrips: Record<string, number | null> = { b: 0.3, c: 70 };
  const { changes, look } = watch(roundTrips);
  expect(unmeasuredTimings).toEqual(timingsForRung(80));
  roundTrips['c'] = null;
  look(100);
  expect(changes).toEqual([]);
});

it('a cluster with auto comes to the timings of its network, and goes on', async () => {
  const cluster = await MemoryCluster.openWith({ timings: 'auto' }, 'a', 'b', 'c');
  const leader = await cluster.leader();
  for (const { consensus, events } of cluster.members.values()) {
    await cluster.time.until('the timings', () => consensus.status().timings.electionTimeoutMaxMs === 300);
    expect(events).toContainEqual(expect.objectContaining({ kind: 'timingsChanged', timings: timingProfiles.lan }));
  }
  await cluster.propose(leader, 'x');
  await cluster.allApplied(['x']);
});
