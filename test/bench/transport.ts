// Round trip and throughput of the peer streams between two processes on loopback:
//   node test/bench/transport.ts
// One round trip is request out, response back: two frames on two streams. Prints one line of JSON.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { PeerFrame } from '../../node/src/transport/transport.ts';
import { LoopbackCluster } from '../integration/transport/loopback.ts';
import { Recorder } from '../integration/transport/recorder.ts';

const ROUND_TRIPS = 5_000;
const WARM_UP = 1_000;
const FRAMES = 50_000;
const WINDOW = 64;

const cluster = new LoopbackCluster(['a', 'b']);
const transport = cluster.make(0, 'a');
const seen = new Recorder();
await transport.start(seen);
const script = fileURLToPath(new URL('../integration/transport/echo-process.ts', import.meta.url));
const ports = [cluster.listed[1]!.port, cluster.listed[0]!.port].map(String);
const child = spawn(process.execPath, [script, ...ports], { stdio: ['pipe', 'ignore', 'inherit'] });
await seen.until(() => seen.up.length === 1);

const request: PeerFrame = { kind: 'request', requestId: 1, method: 'echo', body: new Uint8Array(256) };
let onAnswer: () => void = () => undefined;
seen.onFrame = () => onAnswer();

function inFlight(window: number, frames: number): Promise<number[]> {
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
    onAnswer = () => {
      tookUs.push((performance.now() - starts[tookUs.length]!) * 1_000);
      if (tookUs.length === frames) resolve(tookUs);
      else send();
    };
    for (let index = 0; index < window; index += 1) send();
  });
}

const roundTripsUs = (await inFlight(1, WARM_UP + ROUND_TRIPS)).slice(WARM_UP).sort((x, y) => x - y);
const startedMs = performance.now();
await inFlight(WINDOW, FRAMES);
const seconds = (performance.now() - startedMs) / 1_000;
const percentile = (share: number): number => Math.round(roundTripsUs[Math.floor(roundTripsUs.length * share)]!);
console.log(
  JSON.stringify({
    bodyBytes: 256,
    roundTripUsP50: percentile(0.5),
    roundTripUsP99: percentile(0.99),
    window: WINDOW,
    roundTripsPerSecond: Math.round(FRAMES / seconds),
    clock: transport.clockOffset('b'),
  }),
);
child.kill('SIGKILL');
await cluster.close();
