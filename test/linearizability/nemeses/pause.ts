import { namesOf, victimOf } from '../nemesis.ts';
import type { Battlefield, Fault, Nemesis } from '../nemesis.ts';

const minMs = 2_000;
const maxMs = 30_000;

/** SIGSTOP: nothing closes, nothing answers, and when it ends the node believes what was true long ago. */
export const pause: Nemesis = {
  kind: 'pause',
  async begin(field: Battlefield): Promise<Fault> {
    const { nodes, random } = field;
    const first = await victimOf(field);
    const others = nodes.filter((node) => node !== first);
    const victims = random.chance(0.3) ? [first, random.pick(others)] : [first];
    await Promise.all(victims.map((node) => node.pause()));
    return {
      what: `SIGSTOP of ${namesOf(victims)}`,
      // Mostly some seconds: what a long pause shows that a short one does not is rare, and costs the others their time.
      durationMs: minMs + (maxMs - minMs) * random.next() ** 3,
      heal: () => Promise.resolve(victims.forEach((node) => node.resume())),
    };
  },
};
