// Is examples/key-value linearizable, as real processes, whatever is done to them?
//   node test/linearizability/run.ts [--seconds 120] [--seed N] [--transport grpc|tcp] [--faults "kill,pause"]
//     [--keep DIRECTORY]
// It takes longer than that until each kind of fault, or each of those named, has had its turn. Hours are made of episodes of
// at most five minutes, each a cluster of its own with the next seed. Prints what it does, and at the end one line of JSON on
// standard output. Exit code 1: not linearizable, or something else is wrong; history, logs and pictures are kept, and the
// command to repeat it is printed. Exit code 2: this machine cannot do it, or wrong usage.
import { parseArgs } from 'node:util';
import { Unavailable } from '../support/unavailable.ts';
import { nemeses } from './nemeses/all.ts';
import { Runner } from './runner.ts';
import type { RunOptions } from './runner.ts';

const kinds = nemeses.map(({ kind }) => kind);
const usage =
  'node test/linearizability/run.ts [--seconds 120] [--seed N] [--transport grpc|tcp] [--faults "KIND,..."] ' +
  `[--keep DIRECTORY], where KIND is ${kinds.join(', ')}`;

function readOptions(): RunOptions {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    options: { seconds: text, seed: text, transport: text, faults: text, keep: text, broken: text },
  });
  const { transport = 'grpc', keep = null, broken = null } = values;
  const seconds = Number(values.seconds ?? 120);
  const seed = Number(values.seed ?? Date.now() % 1_000_000);
  if (!(seconds > 0) || !Number.isSafeInteger(seed)) throw new TypeError('--seconds and --seed are numbers');
  if (transport !== 'grpc' && transport !== 'tcp') throw new TypeError('--transport is grpc or tcp');
  // Only this store knows how to be broken; it is there to see the checker refuse it.
  if (broken !== null && broken !== 'stale-reads') throw new TypeError('--broken is stale-reads');
  const faults = values.faults?.split(',') ?? kinds;
  const strange = faults.find((kind) => !kinds.includes(kind));
  if (strange !== undefined) throw new TypeError(`--faults: there is no "${strange}"`);
  return { seconds, seed, transport, faults, keep, broken };
}

/** Says why this cannot be done; all other errors are this program's own. */
function refuse(error: unknown): never {
  if (error instanceof Unavailable) process.stderr.write(`${error.message}\n`);
  // As parseArgs throws it.
  else if (error instanceof TypeError) process.stderr.write(`${error.message}\nusage: ${usage}\n`);
  else throw error;
  process.exit(2);
}

const open = async (): Promise<Runner> => Runner.open(readOptions());
const runner = await open().catch(refuse);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => runner.interrupt());
const result = await runner.run();
if (result !== null) process.stdout.write(`${JSON.stringify(result)}\n`);
process.exitCode = result === null ? 130 : result.verdict === 'linearizable' ? 0 : 1;
