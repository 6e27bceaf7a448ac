import { namesOf, victimOf } from '../nemesis.ts';
import type { Battlefield, Fault, Nemesis } from '../nemesis.ts';
import type { Link } from '../network.ts';
import type { NodeProcess } from '../node-process.ts';

interface Cut {
  readonly what: string;
  readonly links: readonly Link[];
}
type Nodes = readonly NodeProcess[];

const between = (from: Nodes, to: Nodes): Link[] =>
  from.flatMap((a) => to.filter((b) => b !== a).map((b) => ({ from: a.id, to: b.id })));
const bothWays = (one: Nodes, other: Nodes): Link[] => [...between(one, other), ...between(other, one)];
const without = (nodes: Nodes, ...some: NodeProcess[]): Nodes => nodes.filter((node) => !some.includes(node));

/** Links that carry nothing in either direction. */
export const cutBothWays: Nemesis = {
  kind: 'cut both ways',
  async begin(field: Battlefield): Promise<Fault> {
    const { nodes, random } = field;
    const victim = await victimOf(field);
    const others = random.shuffled(without(nodes, victim));
    const minority = [victim, others[0]!];
    const [a, b] = others as [NodeProcess, NodeProcess];
    const cuts: Cut[] = [
      { what: `${victim.id} is cut off`, links: bothWays([victim], others) },
      { what: `${namesOf(minority)} are cut off`, links: bothWays(minority, without(nodes, ...minority)) },
      // Two halves that do not reach each other, and one node that both reach: no leader that all can see but that one.
      { what: `only ${victim.id} reaches all`, links: bothWays([a, b], without(others, a, b)) },
      { what: `${victim.id} and ${a.id} do not reach each other`, links: bothWays([victim], [a]) },
    ];
    return begun(field, random.pick(cuts));
  },
};

/** Links that carry one direction only: acknowledgements that never come, leaders that cannot hear they are none. */
export const cutOneWay: Nemesis = {
  kind: 'cut one way',
  async begin(field: Battlefield): Promise<Fault> {
    const { nodes, random } = field;
    const victim = await victimOf(field);
    const others = without(nodes, victim);
    const all = between(nodes, nodes);
    const cuts: Cut[] = [
      { what: `${victim.id} is not heard`, links: between([victim], others) },
      { what: `${victim.id} hears nobody`, links: between(others, [victim]) },
      {
        what: `${victim.id} is heard by one node only`,
        links: between([victim], random.shuffled(others).slice(1)),
      },
      { what: 'some links carry one direction only', links: oneWayOf(random.shuffled(all)).slice(0, 4) },
    ];
    return begun(field, random.pick(cuts));
  },
};

/** Of each pair only the first. */
function oneWayOf(links: readonly Link[]): Link[] {
  return links.filter(({ from, to }, at) => !links.slice(0, at).some((link) => link.from === to && link.to === from));
}

async function begun({ network, random }: Battlefield, { what, links }: Cut): Promise<Fault> {
  await network.cut(links);
  return { what, durationMs: random.between(1_000, 8_000), heal: () => network.heal(links) };
}
