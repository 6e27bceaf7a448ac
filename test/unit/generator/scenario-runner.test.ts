import { expect, it } from 'vitest';
import { HttpClient } from '../../../node/src/generator/http/client.ts';
import type { Exchange, PreparedRequest } from '../../../node/src/generator/http/exchange.ts';
import { ResponseParser } from '../../../node/src/generator/http/parser.ts';
import { compileScenarios } from '../../../node/src/generator/scenario/compile.ts';
import { ScenarioRunner } from '../../../node/src/generator/scenario/runner.ts';
import { createMeasurements } from '../../../node/src/results/encoding.ts';
import { aPlan, aStep } from './fixtures.ts';

/** Sending takes a while of its own, as on a machine that is busy. */
const sendMs = 5;

class SlowClient extends HttpClient {
  nowMs = 0;
  readonly underWay: Exchange[] = [];

  override send(exchange: Exchange, _request: PreparedRequest, nowMs: number): void {
    exchange.sentAtMs = nowMs;
    this.underWay.push(exchange);
    this.nowMs += sendMs;
  }

  answerAll(atMs: number): void {
    this.nowMs = atMs;
    for (const exchange of this.underWay.splice(0)) {
      const answer = new ResponseParser();
      answer.begin({ isHead: false, keepBody: false, keepHeaders: false });
      const bytes = Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
      answer.push(bytes, 0, bytes.length);
      exchange.handler.answered(exchange, answer, atMs);
    }
  }
}

function aRunner() {
  const thinkTime = { minMs: 100, maxMs: 100 };
  const plan = aPlan({ scenarios: [{ name: 'a', weight: 1, steps: [aStep({ thinkTime }), aStep()] }] });
  const client: SlowClient = new SlowClient(plan, () => client.nowMs);
  const measurements = createMeasurements(plan);
  const scenarios = compileScenarios(plan, (url, dynamic) => client.origin(url, dynamic));
  const sources = { unixMs: () => 0, uuid: () => '' };
  const runner = new ScenarioRunner(
    { scenarios, client, random: () => 0, sources, nowMs: () => client.nowMs, measurements },
    { ended: () => undefined, wakeSooner: () => undefined },
  );
  return { client, measurements, runner };
}

it('after a pause wakes a bounded number at a time, so that the answers that came meanwhile are read in between', () => {
  const { client, runner } = aRunner();
  for (let user = 0; user < 1_200; user++) runner.start({ scenario: 0, plannedMs: 0, iteration: 0, user });
  client.answerAll(1000);
  const woken: number[] = [];
  for (let turn = 0; turn < 4; turn++) {
    runner.wake(3000);
    woken.push(client.underWay.length);
    // The engine comes back at once while this lies behind.
    expect(runner.nextWakeMs <= 3000).toBe(woken.at(-1)! < 1_200);
  }
  expect(woken).toEqual([500, 1_000, 1_200, 1_200]);
});

it('a request after a think time counts as sent when it is sent, not when the first of many was woken', () => {
  const { client, measurements, runner } = aRunner();
  for (let user = 0; user < 4; user++) runner.start({ scenario: 0, plannedMs: 0, iteration: 0, user });
  client.answerAll(1000);
  client.nowMs = 1100;
  runner.wake(1100);
  client.answerAll(1200);
  const [, after] = measurements.scenarios[0]!.steps;
  expect(after!.latenessUs).toMatchObject({ count: 4, min: 0, max: 3 * sendMs * 1000 });
  expect(after!.serviceUs).toMatchObject({ min: (100 - 3 * sendMs) * 1000, max: 100_000 });
  expect(after!.responseUs).toMatchObject({ min: 100_000, max: 100_000 });
});
