import { namesOf, victimOf } from '../nemesis.ts';
import type { Battlefield, Fault, Nemesis } from '../nemesis.ts';

/** How many are killed at once: one, as most often, a minority, a majority, all of them as in a power cut. */
const shares = [1, 1, 1, 2, 3, 5];

/** SIGKILL, and a start from what is on the disk. */
export const kill: Nemesis = {
  kind: 'kill',
  async begin(field: Battlefield): Promise<Fault> {
    const { nodes, random } = field;
    const first = await victimOf(field);
    const others = random.shuffled(nodes.filter((node) => node !== first));
    const victims = [first, ...others.slice(0, random.pick(shares) - 1)];
    await Promise.all(victims.map((node) => node.kill()));
    return {
      what: `SIGKILL of ${namesOf(victims)}`,
      durationMs: random.between(100, 4_000),
      heal: async () => {
        await Promise.all(victims.map((node) => node.start()));
      },
    };
  },
};
