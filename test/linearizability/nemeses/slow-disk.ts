import { namesOf, victimOf } from '../nemesis.ts';
import type { Battlefield, Fault, Nemesis } from '../nemesis.ts';

/** From a busy disk, over one as slow as an election timeout is long, to one that hangs. Milliseconds, for each sync. */
const delaysMs: readonly (readonly [min: number, max: number])[] = [
  [5, 50],
  [50, 400],
  [1_000, 5_000],
];

/** Syncs that take long. What was not synced may not be acknowledged, however long that takes. */
export const slowDisk: Nemesis = {
  kind: 'slow disk',
  async begin(field: Battlefield): Promise<Fault> {
    const { nodes, random } = field;
    const first = await victimOf(field);
    const others = random.shuffled(nodes.filter((node) => node !== first));
    const victims = [first, ...others.slice(0, random.pick([0, 0, 1, 4]))];
    const [minMs, maxMs] = random.pick(delaysMs);
    await Promise.all(victims.map((node) => node.delaySyncs(minMs, maxMs)));
    return {
      what: `syncs of ${namesOf(victims)} take ${minMs} to ${maxMs} ms longer`,
      durationMs: random.between(2_000, 8_000),
      heal: async () => {
        await Promise.all(victims.map((node) => node.delaySyncs(0, 0)));
      },
    };
  },
};
