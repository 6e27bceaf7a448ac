import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { WholeCluster } from './cluster.ts';
import { check, simulate } from './simulate.ts';

const seeds = Number(process.env['SEEDS'] ?? 24);
const first = Number(process.env['FIRST_SEED'] ?? 1);
const digest = ({ alive, outcomes, world }: WholeCluster): string =>
  createHash('sha256')
    .update(JSON.stringify([alive.map(({ machine }) => machine.applied), outcomes, world.nowMs]))
    .digest('hex');

/** As test/simulation/known-seeds.ts has them of the cores alone. */
const knownSeeds = [
  { seed: 30_074, showed: 'a command of a session that was refused ran by a later copy' },
  { seed: 30_255, showed: 'a founder that lost the race refused the snapshot of the cluster for ever' },
];

const replayCommand = (seed: number): string =>
  `FIRST_SEED=${seed} SEEDS=1 scripts/with-node node_modules/vitest/vitest.mjs run test/simulation/whole/whole.test.ts`;

/** Of these something must have happened in a run, or it proves nothing. */
const counted = ['deaths', 'powerCuts', 'diskErrors', 'reads', 'installs', 'sessions', 'copies', 'expired'] as const;

describe('members as they are in production, on a simulated disk, network and clock', () => {
  it(`lose nothing they acknowledged, apply the same everywhere, and recover, for ${seeds} seeds`, async () => {
    const seen = {
      deaths: 0,
      powerCuts: 0,
      diskErrors: 0,
      reads: 0,
      installs: 0,
      ...{ sessions: 0, copies: 0, expired: 0 },
      acknowledged: 0,
      unknown: 0,
    };
    let segments = 0;
    let roomAgain = 0;
    for (let seed = first; seed < first + seeds; seed += 1) {
      try {
        const cluster = await simulate(seed);
        check(cluster);
        const { counts, outcomes } = cluster;
        for (const what of counted) seen[what] += counts[what];
        for (const { kind } of outcomes) if (kind !== 'refused') seen[kind] += 1;
        segments = Math.max(segments, counts.segments);
        roomAgain += counts.roomAgain;
      } catch (error) {
        throw new Error(`seed ${seed}: ${(error as Error).message}\nreplay: ${replayCommand(seed)}`, { cause: error });
      }
    }
    // A simulation in which nothing happens proves nothing.
    if (seeds >= 24) for (const [what, times] of Object.entries(seen)) expect(times, what).toBeGreaterThan(seeds / 2);
    // Most disks that are full have their power cut or their process killed before there is room again.
    if (seeds >= 24) expect(roomAgain).toBeGreaterThan(seeds / 8);
    if (seeds >= 24) expect(segments).toBeGreaterThan(3);
  }, 300_000);

  it.each(knownSeeds)('survives known seed $seed: $showed', async ({ seed }) => {
    check(await simulate(seed));
  });

  it('a seed is the same cluster each time, step for step', async () => {
    expect(digest(await simulate(first))).toBe(digest(await simulate(first)));
  });
});
