// One episode, within the namespaces that run.ts has made: five nodes, the clients, the faults. Leaves history.jsonl and
// summary.json in the directory it is given; whether the history is linearizable is judged outside.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Episode } from './episode.ts';

const text = { type: 'string' } as const;
const { values } = parseArgs({
  options: { seconds: text, seed: text, directory: text, transport: text, faults: text, broken: text },
  strict: true,
});
const { directory = '', transport = 'grpc', faults = '', broken = null } = values;

// The one outside holds the other end: when it ends, however it does, this ends, and with this first process of its
// namespace all the others.
process.stdin.on('close', () => process.exit(1)).resume();

const episode = new Episode({
  ...{ directory, transport, broken },
  seconds: Number(values.seconds),
  seed: Number(values.seed),
  faults: faults.split(','),
});
const summary = await episode.run();
const lines = episode.operations.map((operation) => `${JSON.stringify(operation)}\n`);
writeFileSync(join(directory, 'history.jsonl'), lines.join(''));
writeFileSync(join(directory, 'summary.json'), JSON.stringify(summary));
process.exit(0);
