import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CutMerger } from '../../../node/src/agent/cut-merger.ts';
import { Outbox } from '../../../node/src/agent/outbox.ts';
import { StripeAccounts } from '../../../node/src/agent/stripe-accounts.ts';
import { decodeInterval, encodeInterval } from '../../../node/src/cluster/agent-messages.ts';
import { slotOf, type AgentRef, type Run } from '../../../node/src/cluster/state.ts';
import { reportInput } from '../../../node/src/cluster/views.ts';
import type { LeaderContext } from '../../../node/src/coordinator/context.ts';
import { IntervalCollector } from '../../../node/src/coordinator/interval-collector.ts';
import { IntervalController } from '../../../node/src/coordinator/intervals.ts';
import { Engine } from '../../../node/src/generator/engine/engine.ts';
import type { IterationStart, RunnerHost } from '../../../node/src/generator/engine/runner.ts';
import { HttpClient } from '../../../node/src/generator/http/client.ts';
import type { Exchange } from '../../../node/src/generator/http/exchange.ts';
import { ResponseParser } from '../../../node/src/generator/http/parser.ts';
import { compileScenarios } from '../../../node/src/generator/scenario/compile.ts';
import { ScenarioRunner, type ScenarioRunnerParts } from '../../../node/src/generator/scenario/runner.ts';
import { silentLog } from '../../../node/src/lib/log.ts';
import type { Plan } from '../../../node/src/plan/plan.ts';
import { buildReport } from '../../../node/src/results/build-report.ts';
import { encodeCut } from '../../../node/src/results/encoding.ts';
import { Histogram } from '../../../node/src/results/histogram.ts';
import type { Percentiles, RunReport } from '../../../node/src/results/report.ts';
import { VirtualClock } from '../generator/fixtures.ts';
import { durationMs, planOf, planText, ratePerSecond, Script } from './script.ts';

const startMs = 1_000;
const generatorsPerNode = 2;
/** What a bucket's middle may be off from a value in it (results/histogram.ts). */
const statedError = 1 / 512;

interface Samples {
  readonly responseUs: number[];
  readonly serviceUs: number[];
}

/** A target that takes as long as it is told; it notes what it made each request take, to the microsecond. */
class Target extends HttpClient {
  plannedMs = 0;
  readonly #clock: VirtualClock;
  readonly #takesMs: () => number;
  readonly #samples: Samples;

  constructor(plan: Plan, clock: VirtualClock, takesMs: () => number, samples: Samples) {
    super(plan, () => clock.nowMs());
    this.#clock = clock;
    this.#takesMs = takesMs;
    this.#samples = samples;
  }

  override send(exchange: Exchange): void {
    const { plannedMs } = this;
    const sentAtMs = this.#clock.nowMs();
    exchange.sentAtMs = sentAtMs;
    this.#clock.at(sentAtMs + this.#takesMs(), () => {
      const nowMs = this.#clock.nowMs();
      const answer = new ResponseParser();
      answer.begin({ isHead: false, keepBody: false, keepHeaders: false });
      const bytes = Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
      answer.push(bytes, 0, bytes.length);
      this.#samples.responseUs.push(Math.round((nowMs - plannedMs) * 1_000));
      this.#samples.serviceUs.push(Math.round((nowMs - sentAtMs) * 1_000));
      exchange.handler.answered(exchange, answer, nowMs);
    });
  }
}

/** Tells the target for when the request it is about to get was planned: a client need not know. */
class NotingRunner extends ScenarioRunner {
  readonly #target: Target;

  constructor(parts: ScenarioRunnerParts & { readonly client: Target }, host: RunnerHost) {
    super(parts, host);
    this.#target = parts.client;
  }

  override start(start: IterationStart): void {
    this.#target.plannedMs = start.plannedMs;
    super.start(start);
  }
}

/** The generators of one node up to the bytes that it sends to the leader. */
class Node {
  readonly agent: AgentRef;
  readonly outbox = new Outbox();
  readonly engines: readonly Engine[];

  constructor(agent: AgentRef, { plan, tables }: Run, clock: VirtualClock, takesMs: () => number, samples: Samples) {
    this.agent = agent;
    const slot = slotOf(agent);
    const accounts = new StripeAccounts({ plan, slot, generators: generatorsPerNode });
    const merger = new CutMerger(plan, accounts, generatorsPerNode);
    this.engines = Array.from({ length: generatorsPerNode }, (_, index) => {
      const client = new Target(plan, clock, takesMs, samples);
      const scenarios = compileScenarios(plan, (url, dynamic) => client.origin(url, dynamic));
      const parts = { scenarios, client, random: () => 0.5, sources: { unixMs: () => 0, uuid: () => '' } };
      return new Engine({
        clock,
        plan,
        seed: 1,
        share: { node: slot, index, of: generatorsPerNode },
        started: () => undefined,
        emit: (cut) => {
          for (const whole of merger.add(index, encodeCut(cut))) this.outbox.add(whole);
        },
        runnerFor: (host, measurements) =>
          new NotingRunner({ ...parts, nowMs: () => clock.nowMs(), measurements }, host),
      });
    });
    accounts.setTables(tables);
    accounts.drain(durationMs);
  }
}

/** A run of so many nodes: engines, cuts, merged, sent, collected, proposed, applied, reported. */
async function reportOf(nodeCount: number, takesMs: () => number, samples: Samples): Promise<RunReport> {
  const agents = Array.from({ length: nodeCount }, (_, index) => ({
    node: `n${index}`,
    session: 's1',
    region: index % 2 === 0 ? 'eu' : 'us',
  }));
  const script = new Script();
  const submission = {
    runId: 'run-1',
    submissionId: 'sub-1',
    source: null,
    planText,
    plan: planOf(planText),
    planHash: 'h',
    submittedAtUnixMs: 1,
  };
  script.do({ kind: 'submitRun', ...submission, expected: agents, missing: [] });
  for (const agent of agents) script.acknowledge(agent);
  script.schedule(agents.map(slotOf), durationMs);
  script.do({ kind: 'markRunning', runId: 'run-1' });
  script.drain();

  const clock = new VirtualClock();
  const nodes = agents.map((agent) => new Node(agent, script.run, clock, takesMs, samples));
  for (const engine of nodes.flatMap((node) => node.engines)) {
    engine.setTables(script.run.tables);
    engine.extendHorizon(durationMs);
    engine.start(startMs);
    engine.drain(durationMs, durationMs + 30_000);
  }
  clock.advanceTo(startMs + durationMs + 30_000);

  const collector = new IntervalCollector();
  let nowMs = 0;
  const context: Partial<LeaderContext> = {
    propose: (body) => Promise.resolve(script.do(body)),
    clock: { nowMs: () => (nowMs += 1_000), at: () => () => undefined },
    log: silentLog,
  };
  const controller = new IntervalController(context as LeaderContext, collector);
  while (nodes.some((node) => node.outbox.size > 0)) {
    for (const { agent, outbox } of nodes) {
      const head = { runId: 'run-1', agent, start: null, generators: generatorsPerNode, isEnding: false };
      collector.take(decodeInterval(encodeInterval(head, outbox.head()?.texts ?? [])), nowMs);
    }
    await controller.reconcile(script.run);
    for (const { agent, outbox } of nodes) {
      outbox.counted(script.run.agents.find((each) => slotOf(each.agent) === slotOf(agent))!.lastInterval);
    }
  }
  script.finish();
  return buildReport(reportInput(script.run));
}

const named = { p50: 0.5, p90: 0.9, p95: 0.95, p99: 0.99, p999: 0.999 } as const;

function check(reported: Percentiles, samplesUs: readonly number[]): void {
  const sorted = samplesUs.toSorted((x, y) => x - y);
  const pooled = new Histogram();
  for (const us of sorted) pooled.record(us);
  expect(reported).toMatchObject({ count: sorted.length, min: sorted[0]! / 1_000, max: sorted.at(-1)! / 1_000 });
  expect(reported.mean * 1_000).toBeCloseTo(sorted.reduce((sum, us) => sum + us, 0) / sorted.length, 3);
  for (const [name, q] of Object.entries(named) as [keyof typeof named, number][]) {
    const exactUs = sorted[Math.ceil(q * sorted.length) - 1]!;
    expect(reported[name], `${name} of one histogram of all`).toBe(pooled.quantile(q) / 1_000);
    const offUs = Math.abs(reported[name] * 1_000 - exactUs);
    expect(offUs, `${name}: ${reported[name]} ms beside ${exactUs} us`).toBeLessThanOrEqual(
      exactUs * statedError + 1e-9,
    );
  }
}

describe('the percentiles of a report, from the samples to the page', () => {
  it.each([1, 2, 5])(
    'of %d nodes are those of all samples pooled, and the exact ranks within the stated error',
    async (nodeCount) => {
      await fc.assert(
        fc.asyncProperty(
          fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true })),
          fc.integer({ min: 1, max: 15 }),
          async (random, octaves) => {
            const samples: Samples = { responseUs: [], serviceUs: [] };
            // From a tenth of a millisecond on, evenly over so many powers of two: a tail as targets have it, 3 s at most.
            const takesMs = (): number => 0.1 * 2 ** ((random.next().value as number) * octaves);
            const report = await reportOf(nodeCount, takesMs, samples);
            const planned = (ratePerSecond * durationMs) / 1_000;
            expect(report.books).toMatchObject({ planned, answered: planned, unanswered: 0, balanced: true });
            expect(report.nodes.map((node) => node.state)).toEqual(Array.from({ length: nodeCount }, () => 'finished'));
            check(report.totals.response, samples.responseUs);
            check(report.totals.service, samples.serviceUs);
          },
        ),
        { numRuns: 15 },
      );
    },
  );
});
