// Round trip and throughput of the peer streams between two processes on loopback, gRPC and TCP in one run:
//   node test/bench/transport.ts
// One round trip is request out, response back: two frames on two streams. Medians of interleaved rounds, one line of JSON.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { PeerFrame, Transport } from '../../node/src/transport/transport.ts';
import { LoopbackCluster, networkTransports } from '../integration/transport/loopback.ts';
import { Recorder } from '../integration/transport/recorder.ts';

const ROUNDS = 5;
const ROUND_TRIPS = 3_000;
const WARM_UP = 1_000;
const FRAMES = 30_000;
const WINDOW = 64;

const request: PeerFrame = { kind: 'request', requestId: 1, method: 'echo', body: new Uint8Array(256) };
const script = fileURLToPath(new URL('../integration/transport/echo-process.ts', import.meta.url));

interface Figures {
  readonly roundTripUsP50: number;
  readonly roundTripUsP99: number;
  readonly framesPerSecond: number;
  readonly clockErrorUs: number;
}

/** Two fresh processes' worth of connections: this one and an echo. */
async function measure(name: string, create: (typeof networkTransports)[number][1]): Promise<Figures> {
  const cluster = new LoopbackCluster(create, ['a', 'b']);
  const transport = cluster.make(0, 'a');
  const seen = new Recorder();
  await transport.start(seen);
  const words = [cluster.listed[1]!.port, cluster.listed[0]!.port, name].map(String);
  const child = spawn(process.execPath, [script, ...words], { stdio: ['pipe', 'ignore', 'inherit'] });
  try {
    await seen.until(() => seen.up.length === 1);
    const roundTripsUs = (await inFlight(transport, seen, 1, WARM_UP + ROUND_TRIPS)).slice(WARM_UP);
    const startedMs = performance.now();
    await inFlight(transport, seen, WINDOW, FRAMES);
    const seconds = (performance.now() - startedMs) / 1_000;
    return {
      roundTripUsP50: percentile(roundTripsUs, 0.5),
      roundTripUsP99: percentile(roundTripsUs, 0.99),
      framesPerSecond: (2 * FRAMES) / seconds,
      clockErrorUs: (transport.clockOffset('b')?.errorMs ?? Number.NaN) * 1_000,
    };
  } finally {
    child.kill('SIGKILL');
    await cluster.close();
  }
}

/** Microseconds of each of `frames` round trips, `window` of them under way at a time. */
function inFlight(transport: Transport, seen: Recorder, window: number, frames: number): Promise<number[]> {
  return new Promise((resolve) => {
    const starts: number[] = [];
    const tookUs: number[] = [];
    let sent = 0;
    const send = (): void => {
      if (sent === frames) return;
      sent += 1;
      starts.push(performance.now());
      transport.send('b', request);
    };
    seen.onFrame = () => {
      tookUs.push((performance.now() - starts[tookUs.length]!) * 1_000);
      if (tookUs.length === frames) resolve(tookUs);
      else send();
    };
    for (let index = 0; index < window; index += 1) send();
  });
}

function percentile(values: readonly number[], share: number): number {
  return values.toSorted((x, y) => x - y)[Math.floor(values.length * share)]!;
}

const rounds = new Map<string, Figures[]>(networkTransports.map(([name]) => [name, []]));
for (let round = 0; round < ROUNDS; round += 1) {
  for (const [name, create] of networkTransports) rounds.get(name)?.push(await measure(name, create));
}
const medianOf = (figures: readonly Figures[], key: keyof Figures): number =>
  Math.round(
    percentile(
      figures.map((each) => each[key]),
      0.5,
    ),
  );
const transports = [...rounds].map(([name, figures]) => [
  name,
  {
    roundTripUsP50: medianOf(figures, 'roundTripUsP50'),
    roundTripUsP99: medianOf(figures, 'roundTripUsP99'),
    framesPerSecond: medianOf(figures, 'framesPerSecond'),
    clockErrorUs: medianOf(figures, 'clockErrorUs'),
  },
]);
const run = { bodyBytes: 256, window: WINDOW, rounds: ROUNDS, roundTrips: ROUND_TRIPS, frames: 2 * FRAMES };
console.log(JSON.stringify({ ...run, transports: Object.fromEntries(transports) as unknown }));
