// Runs in namespaces of its own: says for each state of a network of three which links carry datagrams, one JSON line a state.
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { waitFor } from '../../../scripts/lib/wait-for.ts';
import { Network } from '../../linearizability/network.ts';
import type { Link } from '../../linearizability/network.ts';

const names = ['a', 'b', 'c'];
const rounds = 2;
const patienceMs = 20_000;
const links = names.flatMap((from) => names.filter((to) => to !== from).map((to) => ({ from, to })));
const nameOf = ({ from, to }: Link): string => `${from}>${to}`;

const network = await Network.open(names);
const arrived = new Set<string>();
const senders = new Map<string, ChildProcess>(names.map((name) => [name, open(name)]));
await waitFor('all to listen', patienceMs, () => Promise.resolve(arrived.size === names.length));

const cutTwice: Link[] = [
  ...['a', 'b'].map((from) => ({ from, to: 'c' })),
  ...['a', 'b'].map((to) => ({ from: 'c', to })),
];
await report('whole', []);
await network.cut([{ from: 'a', to: 'b' }]);
await report('one way', [{ from: 'a', to: 'b' }]);
await network.heal([{ from: 'a', to: 'b' }]);
await network.cut(cutTwice);
await network.cut(cutTwice.slice(0, 1));
await report('cut off', cutTwice);
await network.heal(cutTwice);
await report('healed', []);
process.exit(0);

function open(name: string): ChildProcess {
  const [file, ...args] = [...network.on(name), process.execPath, join(import.meta.dirname, 'datagrams.ts')];
  const child = spawn(file, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  createInterface({ input: child.stdout }).on('line', (line) => arrived.add(line === 'ready' ? name : line));
  return child;
}

/** Sends over all links again and again; what was sent over a cut one had every chance to come when the others have all come. */
async function report(state: string, cut: readonly Link[]): Promise<void> {
  const isCut = (link: Link): boolean => cut.some((other) => nameOf(other) === nameOf(link));
  for (let round = 0; round < rounds; round++) {
    const textOf = (link: Link): string => `${state.replace(' ', '-')}/${round}/${nameOf(link)}`;
    await waitFor(`round ${round} of "${state}"`, patienceMs, () => {
      for (const link of links) {
        senders.get(link.from)!.stdin!.write(`${network.address(link.to)} ${textOf(link)}\n`);
      }
      return Promise.resolve(links.filter((link) => !isCut(link)).every((link) => arrived.has(textOf(link))));
    });
  }
  const carrying = links.filter((link) =>
    [...arrived].some((text) => text.startsWith(state.replace(' ', '-')) && text.endsWith(nameOf(link))),
  );
  process.stdout.write(`${JSON.stringify({ state, carrying: carrying.map(nameOf) })}\n`);
}
