import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { FromGenerator, ToGenerator } from '../../../node/src/generator/protocol.ts';
import { monotonicMs } from '../../../node/src/lib/clock.ts';
import type { Plan } from '../../../node/src/plan/plan.ts';
import { addMeasurements, createMeasurements, decodeCut } from '../../../node/src/results/encoding.ts';
import type { Cut } from '../../../node/src/results/measurements.ts';
import { aPlan, aStep } from '../../unit/generator/fixtures.ts';

const closers: (() => unknown)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

const main = new URL('../../../node/src/generator/main.ts', import.meta.url);

/** A generator process and what it has said so far. */
class Driven {
  readonly child: ChildProcess;
  readonly said: FromGenerator[] = [];
  readonly #exit: Promise<unknown[]>;

  constructor() {
    this.child = fork(main, { serialization: 'advanced', stdio: ['ignore', 'ignore', 'pipe', 'ipc'], execArgv: [] });
    this.child.on('message', (message) => this.said.push(message as FromGenerator));
    this.#exit = once(this.child, 'exit');
    closers.push(() => this.child.kill('SIGKILL'));
  }

  send(message: ToGenerator): void {
    this.child.send(message);
  }

  /** Resolves with what it says of that kind first, said or to come. */
  async hears<Kind extends FromGenerator['kind']>(
    kind: Kind,
    matches: (message: Extract<FromGenerator, { kind: Kind }>) => boolean = () => true,
  ): Promise<Extract<FromGenerator, { kind: Kind }>> {
    for (let at = 0; ;) {
      for (; at < this.said.length; at++) {
        const message = this.said[at]!;
        if (message.kind === kind && matches(message as Extract<FromGenerator, { kind: Kind }>))
          return message as Extract<FromGenerator, { kind: Kind }>;
        if (message.kind === 'fault' || message.kind === 'prepareFailed') throw new Error(message.message);
      }
      await once(this.child, 'message');
    }
  }

  async prepare(plan: Plan): Promise<void> {
    this.send({ kind: 'prepare', plan, seed: 3, share: { node: 'a', index: 0, of: 1 } });
    await this.hears('prepared');
  }

  begin(horizonMs = 60_000): void {
    this.send({ kind: 'tables', tables: [{ fromMs: 0, slots: ['a'] }] });
    this.send({ kind: 'horizon', horizonMs });
    this.send({ kind: 'start', startMs: monotonicMs() + 50 });
  }

  async cuts(): Promise<readonly Cut[]> {
    await this.hears('cut', ({ cut }) => cut.final);
    return this.said.flatMap((message) => (message.kind === 'cut' ? [decodeCut(message.cut)] : []));
  }

  async exitCode(): Promise<unknown> {
    const [code, signal] = await this.#exit;
    return code ?? signal;
  }
}

async function target(handler: RequestListener): Promise<string> {
  const server = createServer(handler).listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function totals(plan: Plan, cuts: readonly Cut[]) {
  const measured = createMeasurements(plan);
  const books = { fired: 0, dropped: 0, notFired: 0, answered: 0, failed: 0 };
  for (const cut of cuts) {
    addMeasurements(measured, cut.measurements);
    for (const line of Object.keys(books) as (keyof typeof books)[]) books[line] += cut.books[line];
  }
  return { measured, books };
}

describe('generator process', () => {
  it('runs a plan from prepare to the final cut: every arrival once at the target, login token carried on', async () => {
    const seen: string[] = [];
    const baseUrl = await target((request, response) => {
      if (request.url === '/login') return void response.end('{"user":{"token":"t 1"}}');
      seen.push(`${request.url} ${request.headers.authorization}`);
      response.end('{"items":[1,2]}');
    });
    const plan = aPlan({
      baseUrl,
      durationMs: 1200,
      load: { model: 'rps', ratePerSecond: 100 },
      scenarios: [
        {
          name: 'buy',
          weight: 1,
          steps: [
            aStep({
              method: 'POST',
              path: '/login',
              body: '{"name":"${user}"}',
              extract: [{ type: 'jsonPath', name: 'token', jsonPath: '$.user.token' }],
              thinkTime: { minMs: 5, maxMs: 10 },
            }),
            aStep({
              path: '/items/${iteration}',
              headers: [{ name: 'Authorization', value: 'Bearer ${token}' }],
              assertions: [{ type: 'jsonPath', path: '$.items[1]', expected: '2' }],
            }),
          ],
        },
      ],
    });
    const generator = new Driven();
    await generator.prepare(plan);
    generator.begin();
    generator.send({ kind: 'drain', atMs: 1200, deadlineMs: 10_000 });
    const cuts = await generator.cuts();
    expect(generator.said.map(({ kind }) => kind).slice(0, 3)).toEqual(['prepared', 'started', 'cut']);
    const { lateMs } = await generator.hears('started');
    // Measured, so hardly ever exactly 0; a second late would be a broken machine or a wrong clock.
    expect(lateMs).toBeGreaterThan(0);
    expect(lateMs).toBeLessThan(1000);
    const { measured, books } = totals(plan, cuts);
    expect(books).toEqual({ fired: 120, dropped: 0, notFired: 0, answered: 120, failed: 0 });
    expect(cuts[0]!.books.fired).toBe(100);
    expect(seen.sort()).toEqual(Array.from({ length: 120 }, (_, i) => `/items/${i} Bearer t 1`).sort());
    const [login, items] = measured.scenarios[0]!.steps;
    expect([login!.requests, items!.requests, items!.assertionsPassed]).toEqual([120, 120, 120]);
    expect(items!.responseUs.count).toBe(120);
    expect(measured.scenarios[0]!.durationUs.min).toBeGreaterThanOrEqual(5000);
    generator.child.disconnect();
    expect(await generator.exitCode()).toBe(0);
  });

  it('exits at once when the channel closes, in the middle of the load', async () => {
    const generator = new Driven();
    await generator.prepare(aPlan({ baseUrl: await target(() => undefined), durationMs: 60_000 }));
    generator.begin();
    await generator.hears('cut');
    const before = monotonicMs();
    generator.child.disconnect();
    expect(await generator.exitCode()).toBe(0);
    expect(monotonicMs() - before).toBeLessThan(2000);
  });

  it('a target that refuses connections is counted, and the run goes on', async () => {
    const plan = aPlan({ durationMs: 1000, load: { model: 'rps', ratePerSecond: 50 } });
    const generator = new Driven();
    await generator.prepare(plan);
    generator.begin();
    generator.send({ kind: 'drain', atMs: 1000, deadlineMs: 5000 });
    const { measured, books } = totals(plan, await generator.cuts());
    expect(books).toMatchObject({ fired: 50, failed: 50, answered: 0 });
    const [step] = measured.scenarios[0]!.steps;
    expect([...step!.errors]).toEqual([['connect_error', 50]]);
    // No answer, no response time; whether the generator kept the schedule shows all the same.
    expect([step!.responseUs.count, step!.serviceUs.count, step!.latenessUs.count]).toEqual([0, 0, 50]);
  });

  it('what the target never answers is unanswered at the deadline, and response time counts from the plan', async () => {
    let requests = 0;
    const baseUrl = await target((_, response) =>
      ++requests % 2 === 0 ? setTimeout(() => response.end(), 100) : undefined,
    );
    const plan = aPlan({ baseUrl, durationMs: 500, timeoutMs: 60_000, load: { model: 'rps', ratePerSecond: 20 } });
    const generator = new Driven();
    await generator.prepare(plan);
    generator.begin();
    generator.send({ kind: 'drain', atMs: 500, deadlineMs: 1500 });
    const cuts = await generator.cuts();
    expect(cuts.at(-1)).toMatchObject({ number: 1, inFlight: 5 });
    const [step] = totals(plan, cuts).measured.scenarios[0]!.steps;
    expect(step!.responseUs.min).toBeGreaterThanOrEqual(99_000);
    expect(step!.responseUs.sum).toBeGreaterThanOrEqual(step!.serviceUs.sum);
  });

  it('beyond the horizon nothing reaches the target, however long the agent is silent', async () => {
    let requests = 0;
    const baseUrl = await target((_, response) => (requests++, response.end()));
    const plan = aPlan({ baseUrl, durationMs: 60_000, load: { model: 'rps', ratePerSecond: 100 } });
    const generator = new Driven();
    await generator.prepare(plan);
    generator.begin(300);
    generator.send({ kind: 'drain', atMs: 1000, deadlineMs: 1500 });
    const { books } = totals(plan, await generator.cuts());
    expect([requests, books]).toEqual([30, { fired: 30, dropped: 0, notFired: 70, answered: 30, failed: 0 }]);
  });

  it('says which step of preparing failed', async () => {
    const generator = new Driven();
    const plan = aPlan({ baseUrl: 'http://does-not-exist.invalid' });
    generator.send({ kind: 'prepare', plan, seed: 1, share: { node: 'a', index: 0, of: 1 } });
    await once(generator.child, 'message');
    expect(generator.said[0]).toMatchObject({ kind: 'prepareFailed', step: 'resolve host names' });
  });

  it('an internal error is a fault and exit code 1', async () => {
    const generator = new Driven();
    generator.send({ kind: 'start', startMs: 0 });
    await once(generator.child, 'message');
    expect(generator.said[0]).toMatchObject({ kind: 'fault' });
    expect(await generator.exitCode()).toBe(1);
  });
});
