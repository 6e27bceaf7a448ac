// One client of the engine benchmark, alone in its process: `http-engine-client.ts <tutti|undici|autocannon> <url> <connections>
// <seconds>`. Prints {requests, seconds, cpuUs}, counted after one second of warming up (start of Node and compiling left out).
import type { EventEmitter } from 'node:events';
import { createRequire } from 'node:module';
import { Client } from 'undici';
import { GeneratorProcess } from '../../node/src/generator/process.ts';
import { monotonicMs } from '../../node/src/lib/clock.ts';
import type { Plan } from '../../node/src/plan/plan.ts';

const [kind = '', url = '', connectionsText = '', secondsText = ''] = process.argv.slice(2);
const connections = Number(connectionsText);
const seconds = Number(secondsText);
const warmUpMs = 1000;

function report(requests: number, since: { readonly cpu: NodeJS.CpuUsage; readonly atMs: number }): void {
  const { user, system } = process.cpuUsage(since.cpu);
  console.log(JSON.stringify({ requests, seconds: (monotonicMs() - since.atMs) / 1000, cpuUs: user + system }));
  process.exit(0);
}

const mark = () => ({ cpu: process.cpuUsage(), atMs: monotonicMs() });

/** Counts between the end of the warming up and the end of the time. */
function timed(count: () => number): void {
  setTimeout(() => {
    const [since, before] = [mark(), count()];
    setTimeout(() => report(count() - before, since), seconds * 1000);
  }, warmUpMs);
}

/** The generator as an agent drives it, virtual users, histograms and encoded cuts included; only the pipe is missing. */
function tutti(): void {
  const { origin, pathname } = new URL(url);
  const step = {
    ...{ name: 'get', method: 'GET' as const, path: pathname, queryParams: [], headers: [], body: null },
    ...{ bodyBytes: null, extract: [], assertions: [], thinkTime: null },
  };
  const plan: Plan = {
    version: '1.0',
    metadata: { name: null, description: null, author: null, tags: [], tenant: null, runId: null },
    ...{ baseUrl: origin, timeoutMs: 5000, durationMs: 3_600_000, workers: connections, skipTlsVerify: false },
    ...{ headers: [], resolve: null, pool: { maxIdlePerHost: connections, idleTimeoutMs: 30_000 } },
    load: { model: 'concurrent' },
    scenarios: [{ name: 'get', weight: 1, steps: [step] }],
  };
  let requests = 0;
  let since: ReturnType<typeof mark> | null = null;
  const generator = new GeneratorProcess((message) => {
    if (message.kind === 'prepareFailed' || message.kind === 'fault') throw new Error(message.message);
    if (message.kind === 'prepared') {
      generator.receive({ kind: 'tables', tables: [{ fromMs: 0, slots: ['bench'] }] });
      generator.receive({ kind: 'horizon', horizonMs: plan.durationMs });
      generator.receive({ kind: 'start', startMs: monotonicMs() });
      return;
    }
    if (message.kind === 'started') return;
    const [encoded] = message.cut.measurements[0]!.steps;
    if (encoded!.failed > 0) throw new Error(`${encoded!.failed} requests failed`);
    if (since === null) since = mark();
    else requests += encoded!.n;
    if (message.cut.number === seconds) report(requests, since);
  });
  generator.receive({ kind: 'prepare', plan, seed: 1, share: { node: 'bench', index: 0, of: 1 } });
}

function undici(): void {
  const { origin, pathname } = new URL(url);
  let answered = 0;
  for (let index = 0; index < connections; index++) {
    const client = new Client(origin);
    const again = (): void => {
      client.dispatch(
        { method: 'GET', path: pathname },
        {
          onRequestStart: () => undefined,
          onResponseStart: () => undefined,
          onResponseData: () => undefined,
          onResponseEnd: () => {
            answered++;
            again();
          },
          onResponseError: (_, error) => {
            throw error;
          },
        },
      );
    };
    again();
  }
  timed(() => answered);
}

function autocannon(): void {
  const start = createRequire(import.meta.url)('autocannon') as (options: object, done: () => void) => EventEmitter;
  let answered = 0;
  const duration = seconds + warmUpMs / 1000 + 5;
  start({ url, connections, duration }, () => undefined).on('response', () => answered++);
  timed(() => answered);
}

const clients: Readonly<Record<string, () => void>> = { tutti, undici, autocannon };
const client = clients[kind];
if (client === undefined) throw new Error(`no client "${kind}"`);
client();
