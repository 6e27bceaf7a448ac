import { slotOf, type AgentRef, type Run } from '../cluster/state.ts';
import type { Controller, LeaderContext } from './context.ts';
import { deadBeforeStartMs, maxPrepareAttempts } from './timings.ts';

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
      const what = failed.map(({ agent, step, message }) => `node ${agent.node}, step '${step}': ${message}`);
      return this.#retryOrAbort(run, what.join('; '));
    }
    const attemptMs = configTimeoutMs / maxPrepareAttempts;
    if (waiting.length > 0 && clock.nowMs() - this.#sinceMs >= attemptMs) {
      const names = waiting.map((agent) => agent.node).join(', ');
      await this.#retryOrAbort(run, `node ${names}, step 'acknowledge': no answer within ${Math.round(attemptMs)} ms`);
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

  async #retryOrAbort(run: Run, what: string): Promise<void> {
    if (run.attempt >= maxPrepareAttempts) {
      await this.#abort(run, `not prepared after ${run.attempt} attempts: ${what}`);
      return;
    }
    this.#context.log.warn({ run: run.id, attempt: run.attempt, why: what }, 'prepares once more');
    const { expected } = run;
    await this.#context.propose({ kind: 'retryPrepare', runId: run.id, attempt: run.attempt + 1, expected });
  }

  async #abort(run: Run, reason: string): Promise<void> {
    this.#context.log.error({ run: run.id, reason }, 'aborts the run');
    await this.#context.propose({ kind: 'abortRun', runId: run.id, reason });
  }
}
