import { invariant } from '../../lib/invariant.ts';
import type { ErrorCategory, ScenarioMeasurements, StepMeasurements } from '../../results/measurements.ts';
import type { HttpClient } from '../http/client.ts';
import { Exchange, type ExchangeHandler } from '../http/exchange.ts';
import type { ResponseParser } from '../http/parser.ts';
import type { CompiledScenario, CompiledStep } from './compile.ts';
import { notOne, textOf } from './json-path.ts';
import { AnswerView } from './judge.ts';
import type { Random } from './random.ts';
import { Variables, type VariableSources } from './variables.ts';

/** What an iteration needs from the runner that owns it. */
export interface IterationOwner {
  readonly client: HttpClient;
  readonly random: Random;
  readonly sources: VariableSources;
  /** Calls `awake` at that instant. */
  sleep(iteration: Iteration, untilMs: number): void;
  finished(iteration: Iteration, succeeded: boolean, nowMs: number): void;
}

/**
 * One run through a scenario's steps, driven by what happens: no promise, no closure, and reused for the next iteration. The
 * first step is planned for the arrival, a later one for the end of the step before plus its think time; response time counts
 * from the plan, service time from the send.
 */
export class Iteration implements ExchangeHandler {
  user = 0;
  readonly #owner: IterationOwner;
  readonly #exchange: Exchange = new Exchange(this);
  readonly #variables: Variables;
  #steps: CompiledScenario = [];
  #measured: ScenarioMeasurements | null = null;
  #step = 0;
  #startedMs = 0;
  #plannedMs = 0;

  constructor(owner: IterationOwner) {
    this.#owner = owner;
    this.#variables = new Variables(owner.sources);
  }

  begin(
    of: {
      readonly steps: CompiledScenario;
      readonly measured: ScenarioMeasurements;
      readonly plannedMs: number;
      readonly iteration: number;
      readonly user: number;
    },
    nowMs: number,
  ): void {
    this.user = of.user;
    this.#steps = of.steps;
    this.#measured = of.measured;
    this.#step = 0;
    this.#startedMs = of.plannedMs;
    this.#plannedMs = of.plannedMs;
    this.#variables.begin(of.iteration, of.user);
    this.#send(nowMs);
  }

  /** The think time is over. */
  awake(nowMs: number): void {
    if (this.#step === this.#steps.length) this.#end(true, nowMs);
    else this.#send(nowMs);
  }

  answered(exchange: Exchange, answer: ResponseParser, nowMs: number): void {
    const step = this.#steps[this.#step]!;
    const measured = this.#stepMeasured;
    const responseMs = nowMs - this.#plannedMs;
    measured.responseUs.record(responseMs * 1000);
    measured.serviceUs.record((nowMs - exchange.sentAtMs) * 1000);
    this.#recordLateness(exchange);
    measured.statuses.set(answer.status, (measured.statuses.get(answer.status) ?? 0) + 1);
    this.#count(exchange, this.#judge(step, answer, responseMs), nowMs);
  }

  failed(exchange: Exchange, category: ErrorCategory, nowMs: number): void {
    this.#recordLateness(exchange);
    this.#count(exchange, category, nowMs);
  }

  /** Of every request sent, whatever became of it: a target that fails must not hide a generator that is late. */
  #recordLateness(exchange: Exchange): void {
    this.#stepMeasured.latenessUs.record((exchange.sentAtMs - this.#plannedMs) * 1000);
  }

  #send(nowMs: number): void {
    const request = this.#steps[this.#step]!.request.render(this.#variables, this.#owner.random);
    if (request !== null) return this.#owner.client.send(this.#exchange, request, nowMs);
    this.#exchange.bytesSent = 0;
    this.#exchange.bytesReceived = 0;
    this.#exchange.resent = 0;
    this.#count(this.#exchange, 'template_error', nowMs);
  }

  /** Extracts when the step has succeeded; otherwise the iteration ends and nobody would read the variables. */
  #judge(step: CompiledStep, answer: ResponseParser, responseMs: number): ErrorCategory | null {
    const { judge, extractions } = step;
    if (judge.assertions === 0 && extractions.length === 0) return judge.verdict(answer.status, 0);
    const view = new AnswerView(answer, responseMs, this.#variables);
    const failures = judge.failures(view);
    this.#stepMeasured.assertionsFailed += failures;
    this.#stepMeasured.assertionsPassed += judge.assertions - failures;
    const verdict = judge.verdict(answer.status, failures);
    if (verdict !== null) return verdict;
    for (const { name, find } of extractions) {
      const found = view.json === undefined ? notOne : find(view.json);
      if (found === notOne) this.#stepMeasured.extractionsFailed++;
      else this.#variables.set(name, textOf(found));
    }
    return null;
  }

  #count(exchange: Exchange, failure: ErrorCategory | null, nowMs: number): void {
    const measured = this.#stepMeasured;
    measured.requests++;
    measured.resent += exchange.resent;
    measured.bytesSent += exchange.bytesSent;
    measured.bytesReceived += exchange.bytesReceived;
    if (failure === null) return this.#proceed(nowMs);
    measured.failed++;
    measured.errors.set(failure, (measured.errors.get(failure) ?? 0) + 1);
    this.#end(false, nowMs);
  }

  #proceed(nowMs: number): void {
    const { thinkTime } = this.#steps[this.#step]!;
    this.#step++;
    this.#plannedMs = nowMs;
    if (thinkTime !== null) {
      const { minMs, maxMs } = thinkTime;
      this.#plannedMs = nowMs + minMs + this.#owner.random() * Math.max(0, maxMs - minMs);
      this.#owner.sleep(this, this.#plannedMs);
    } else if (this.#step === this.#steps.length) this.#end(true, nowMs);
    else this.#send(nowMs);
  }

  #end(succeeded: boolean, nowMs: number): void {
    const measured = this.#measured!;
    if (succeeded) measured.succeeded++;
    else measured.failed++;
    measured.durationUs.record((nowMs - this.#startedMs) * 1000);
    this.#owner.finished(this, succeeded, nowMs);
  }

  get #stepMeasured(): StepMeasurements {
    const measured = this.#measured?.steps[this.#step];
    invariant(measured !== undefined, `there is no step ${this.#step} to measure`);
    return measured;
  }
}
