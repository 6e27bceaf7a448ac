import { slotOf, type AgentRef, type Run } from '../cluster/state.ts';
import type { Controller, LeaderContext } from './context.ts';
import { deadBeforeStartMs, maxPrepareAttempts } from './timings.ts';

/** An agent that did not prepare, and how far it came. */
interface Late {
  readonly agent: AgentRef;
  readonly what: string;
}

/**
 * Sees every expected agent through its preparation: tries again when one fails or stays silent, goes on without one that
 * died before the start, and aborts with the node and the step when nothing helps. The reducer notices the last
 * acknowledgement by itself.
 */
export class PrepareController implements Controller {
  readonly #context: LeaderContext;
  #attempt = '';
  #sinceMs = 0;

  constructor(context: LeaderContext) {
    this.#context = context;
  }

  async reconcile(run: Run): Promise<void> {
    if (run.phase.name !== 'preparing') return;
    const { clock, configTimeoutMs } = this.#context;
    const attempt = `${run.id} ${run.attempt}`;
    if (attempt !== this.#attempt) {
      this.#attempt = attempt;
      this.#sinceMs = clock.nowMs();
    }
    const waiting = run.expected.filter((agent) => this.#ackOf(run, agent) === undefined);
    const dead = waiting.filter((agent) => this.#isDead(agent));
    if (dead.length > 0) return this.#goOnWithout(run, dead);
    const failed = run.acknowledgements.flatMap(({ agent, outcome }) => (outcome.ok ? [] : [{ agent, ...outcome }]));
    if (failed.length > 0) {
      const late = failed.map(({ agent, step, message }) => ({ agent, what: `step '${step}': ${message}` }));
      return this.#retryOrAbort(run, late, 'mend what the step needs there');
    }
    const attemptMs = configTimeoutMs / maxPrepareAttempts;
    if (waiting.length > 0 && clock.nowMs() - this.#sinceMs >= attemptMs) {
      const what = `step 'acknowledge': no answer within ${Math.round(attemptMs)} ms`;
      const late = waiting.map((agent) => ({ agent, what }));
      await this.#retryOrAbort(
        run,
        late,
        'look into its log and end it if it hangs, or raise CLUSTER_CONFIG_TIMEOUT_SECS',
      );
    }
  }

  #ackOf(run: Run, agent: AgentRef): Run['acknowledgements'][number] | undefined {
    return run.acknowledgements.find((each) => slotOf(each.agent) === slotOf(agent));
  }

  #isDead(agent: AgentRef): boolean {
    // Never met by this leader may only mean: not yet. It gets the same time as one that was lost.
    const downMs = Math.min(
      this.#context.presence.downForMs(slotOf(agent)),
      this.#context.clock.nowMs() - this.#sinceMs,
    );
    return downMs > deadBeforeStartMs;
  }

  async #goOnWithout(run: Run, dead: readonly AgentRef[]): Promise<void> {
    const gone = new Set(dead.map(slotOf));
    const expected = run.expected.filter((agent) => !gone.has(slotOf(agent)));
    const nodes = dead.map((agent) => agent.node);
    // That this proposal commits at all shows that a quorum is left.
    if (expected.length === 0) {
      await this.#abort(run, `no expected node is left (${nodes.join(', ')} died before the start)`);
      return;
    }
    this.#context.log.warn({ run: run.id, nodes }, 'goes on without nodes that died before the start');
    await this.#context.propose({ kind: 'retryPrepare', runId: run.id, attempt: run.attempt + 1, expected });
  }

  async #retryOrAbort(run: Run, late: readonly Late[], remedy: string): Promise<void> {
    if (run.attempt >= maxPrepareAttempts) {
      const who = late.map(({ agent, what }) => `node ${agent.node}, ${what}`).join('; ');
      await this.#abort(
        run,
        `not prepared after ${run.attempt} attempts: ${who}; ${remedy}, then submit the plan again`,
      );
      return;
    }
    for (const { agent, what } of late) {
      const { attempt } = run;
      this.#context.log.warn(
        { run: run.id, peer: agent.node, attempt, of: maxPrepareAttempts },
        `node ${agent.node} is not prepared, ${what}; the plan is delivered again`,
      );
    }
    const { expected } = run;
    await this.#context.propose({ kind: 'retryPrepare', runId: run.id, attempt: run.attempt + 1, expected });
  }

  async #abort(run: Run, reason: string): Promise<void> {
    this.#context.log.error({ run: run.id, reason }, 'aborts the run');
    await this.#context.propose({ kind: 'abortRun', runId: run.id, reason });
  }
}
