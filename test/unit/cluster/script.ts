import type { Command, CommandBody, CommandResult, CountedInterval } from '../../../node/src/cluster/commands.ts';
import { apply, decodeCommand, encodeCommand, initialState } from '../../../node/src/cluster/reducer.ts';
import type { AgentRef, ClusterState, Run } from '../../../node/src/cluster/state.ts';
import { parsePlan } from '../../../node/src/plan/parse.ts';
import type { Plan } from '../../../node/src/plan/plan.ts';
import { createMeasurements, encodeMeasurements } from '../../../node/src/results/encoding.ts';
import { emptyBooks, type Books, type EncodedMeasurements } from '../../../node/src/results/measurements.ts';

export const ratePerSecond = 50;
export const durationMs = 6_000;

export const planText = `version: "1.0"
config:
  baseUrl: http://127.0.0.1:8080
  duration: ${durationMs / 1_000}s
load:
  model: rps
  target: ${ratePerSecond}
scenarios:
  - name: browse
    steps:
      - name: list
        request: { method: GET, path: /items }
`;

export const closedPlanText = planText.replace(/load:\n.*\n.*\n/, 'load:\n  model: concurrent\n');

export function planOf(text: string): Plan {
  const parsed = parsePlan(text);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return parsed.plan;
}

export const agents: readonly AgentRef[] = ['a', 'b', 'c'].map((node) => ({
  node,
  session: 's1',
  region: node === 'c' ? 'us' : 'eu',
}));
export const [a, b, c] = agents as [AgentRef, AgentRef, AgentRef];

/** A log with one state behind it. Every command goes through its bytes, as it would on a wire. */
export class Script {
  state: ClusterState = initialState;
  readonly log: { readonly data: Uint8Array; readonly term: number }[] = [];
  term = 1;

  /** Proposed and committed in the same term. */
  do(body: CommandBody): CommandResult {
    return this.commit({ ...body, term: this.term }, this.term);
  }

  commit(command: Command, entryTerm: number): CommandResult {
    const data = encodeCommand(command);
    this.log.push({ data, term: entryTerm });
    const index = this.log.length;
    const applied = apply(this.state, decodeCommand(data, index), { index, term: entryTerm });
    this.state = applied.state;
    return applied.result;
  }

  get run(): Run {
    return this.state.run!;
  }

  submit(submissionId = 'sub-1', runId = 'run-1', text = planText, source: string | null = null): CommandResult {
    const expected = agents;
    return this.do({
      kind: 'submitRun',
      runId,
      submissionId,
      source,
      planText: text,
      plan: planOf(text),
      planHash: `hash of ${text}`,
      expected,
      missing: [],
      submittedAtUnixMs: 1,
    });
  }

  acknowledge(agent: AgentRef, ok = true, attempt = 1): CommandResult {
    const outcome = ok ? ({ ok, generators: 1 } as const) : ({ ok, step: 'generators', message: 'no memory' } as const);
    return this.do({ kind: 'acknowledge', runId: 'run-1', acknowledgement: { agent, attempt, outcome } });
  }

  schedule(slots: readonly string[] = ['a/s1', 'b/s1', 'c/s1'], horizonMs = 1_500): CommandResult {
    const start = { leader: 'a', term: this.term, leaderMs: 12_345.5 };
    return this.do({ kind: 'scheduleStart', runId: 'run-1', start, startedAtUnixMs: 2, slots, horizonMs });
  }

  extend(horizonMs: number, runMs = Math.max(0, horizonMs - 1_500)): CommandResult {
    return this.do({ kind: 'extendHorizon', runId: 'run-1', horizonMs, runMs });
  }

  count(...intervals: readonly CountedInterval[]): CommandResult {
    const regions = [...new Set(intervals.map(({ agent }) => agent.region))].map((region) => ({
      region,
      measurements: measuredBy(intervals.filter(({ agent }) => agent.region === region)),
    }));
    return this.do({ kind: 'countIntervals', runId: 'run-1', intervals, regions });
  }

  drain(reason: 'completed' | 'stopped' = 'completed', atMs = durationMs): CommandResult {
    return this.do({ kind: 'beginDraining', runId: 'run-1', stop: { reason, atMs, deadlineMs: atMs + 5_000 } });
  }

  finish(): CommandResult {
    return this.do({ kind: 'finishRun', runId: 'run-1' });
  }

  abort(reason = 'nobody has the time'): CommandResult {
    return this.do({ kind: 'abortRun', runId: 'run-1', reason });
  }

  /** Submitted, prepared, scheduled and running, with the horizon at 1500 ms. */
  static running(text = planText): Script {
    const script = new Script();
    script.submit('sub-1', 'run-1', text);
    for (const agent of agents) script.acknowledge(agent);
    script.schedule();
    script.do({ kind: 'markRunning', runId: 'run-1' });
    return script;
  }
}

export function interval(
  agent: AgentRef,
  number: number,
  books: Partial<Books> = {},
  final = false,
  inFlight = 0,
): CountedInterval {
  return { agent, number, final, books: { ...emptyBooks(), ...books }, inFlight, start: null };
}

/** One request of 1000 us + number for each fired iteration: the result shows exactly what was merged into it. */
export function measuredBy(intervals: readonly CountedInterval[]): EncodedMeasurements {
  const all = createMeasurements({ scenarios: [{ steps: [1] }] });
  const step = all.scenarios[0]!.steps[0]!;
  for (const { number, books } of intervals) {
    step.requests += books.fired;
    if (books.fired > 0) step.responseUs.record(1_000 + number, books.fired);
  }
  return encodeMeasurements(all);
}

export function refusalOf(result: CommandResult): string {
  return result.ok ? 'accepted' : result.code;
}
