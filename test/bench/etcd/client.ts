// Our client for test/bench/etcd.ts, outside the cluster: client.ts TRANSPORT PORT IN_FLIGHT SECONDS WARM_UP_SECONDS MODE. MODE is
// `together` (all proposals of a moment in one message) or `single` (one proposal a message). Prints one line of JSON.
import { decodeIds, encodeProposals } from './frames.ts';
import type { Proposal } from './frames.ts';
import { dial } from './lane.ts';

const valueBytes = 256;
const keysPerWorker = 100;
const [transport, port, inFlightText, secondsText, warmUpText, mode] = process.argv.slice(2);
const inFlight = Number(inFlightText);
const seconds = Number(secondsText);
const value = Buffer.alloc(valueBytes);

const fromMs = performance.now() + Number(warmUpText) * 1_000;
const untilMs = fromMs + seconds * 1_000;
const latenciesMs: number[] = [];
/** By worker, which is also the id of its only proposal under way. */
const sentMs = new Float64Array(inFlight);
const counts = new Uint32Array(inFlight);
let waiting: Proposal[] = [];

const lane = dial(transport!, Number(port), onAnswers, (error) => {
  console.error(error.message);
  process.exit(1);
});

function propose(worker: number): void {
  const key = `k${worker}-${counts[worker]!++ % keysPerWorker}\0`;
  sentMs[worker] = performance.now();
  const proposal = { id: worker, command: Buffer.concat([Buffer.from(key, 'latin1'), value]) };
  if (mode === 'single') lane.send(encodeProposals([proposal]));
  else waiting.push(proposal);
}

function flush(): void {
  if (waiting.length > 0) lane.send(encodeProposals(waiting));
  waiting = [];
}

function onAnswers(message: Buffer): void {
  const nowMs = performance.now();
  if (nowMs > untilMs) end();
  for (const worker of decodeIds(message)) {
    if (nowMs > fromMs) latenciesMs.push(nowMs - sentMs[worker]!);
    propose(worker);
  }
  flush();
}

function end(): never {
  latenciesMs.sort((one, other) => one - other);
  const quantile = (q: number): number => latenciesMs[Math.floor(q * (latenciesMs.length - 1))]!;
  const figures = { perSecond: latenciesMs.length / seconds, p50Ms: quantile(0.5), p99Ms: quantile(0.99) };
  process.stdout.write(`${JSON.stringify(figures)}\n`);
  process.exit(0);
}

for (let worker = 0; worker < inFlight; worker++) propose(worker);
flush();
