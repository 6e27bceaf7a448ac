import { describe, expect, it, vi } from 'vitest';
import type { LeaderContext } from '../../../node/src/coordinator/context.ts';
import { keepResults, type KeepResultsOptions } from '../../../node/src/node/keep-results.ts';
import type { RunReport } from '../../../node/src/results/report.ts';
import { Script } from '../cluster/script.ts';
import { ManualClock } from '../transport/manual-clock.ts';

const patient = { timeout: 10_000, interval: 5 };

/** A node that sees a replicated value, leads or not, and a bucket. */
class Keeper {
  readonly script = new Script();
  readonly clock = new ManualClock();
  readonly bucket = new Map<string, string>();
  readonly said: string[] = [];
  leads = true;
  /** How often it was asked to write. */
  attempts = 0;
  failsWith: string | null = null;
  readonly #events = new Set<() => void>();
  readonly end: () => void;

  constructor() {
    const say = (_fields: unknown, message: string): void => void this.said.push(message);
    const options: KeepResultsOptions = {
      consensus: {
        subscribe: (listener) => {
          const tell = (): void => listener({ kind: 'status' } as never);
          this.#events.add(tell);
          return () => void this.#events.delete(tell);
        },
      },
      runtime: { leading: () => (this.leads ? ({} as LeaderContext) : null) },
      state: () => this.script.state,
      write: (name, text) => {
        this.attempts += 1;
        if (this.failsWith !== null) return Promise.reject(new Error(this.failsWith));
        const isNew = !this.bucket.has(name);
        if (isNew) this.bucket.set(name, text);
        return Promise.resolve({ isNew, where: `gs://results/${name}` });
      },
      clock: this.clock,
      random: () => 0,
      log: { debug: say, info: say, warn: say, error: say },
    };
    this.end = keepResults(options);
  }

  changed(): void {
    for (const tell of this.#events) tell();
  }

  ended(runId: string): void {
    this.script.submit(`key of ${runId}`, runId);
    this.changed();
    this.script.do({ kind: 'abortRun', runId, reason: 'enough' });
    this.changed();
  }
}

const runsIn = ({ bucket }: Keeper): readonly string[] =>
  [...bucket.values()].map((text) => (JSON.parse(text) as RunReport).run.id);

describe('the result of a run', () => {
  it('is written once when the run is over, under a name of its own', async () => {
    const keeper = new Keeper();
    keeper.script.submit('key', 'run-1');
    keeper.changed();
    expect(keeper.attempts).toBe(0);
    keeper.script.do({ kind: 'abortRun', runId: 'run-1', reason: 'enough' });
    keeper.changed();
    keeper.changed();
    await vi.waitFor(() => expect(keeper.said).toEqual(['the result was written']), patient);
    keeper.ended('run-2');
    await vi.waitFor(() => expect(runsIn(keeper)).toEqual(['run-1', 'run-2']), patient);
    expect(keeper.attempts).toBe(2);
    for (const name of keeper.bucket.keys()) expect(name).toMatch(/^\d{4}-\d\d-\d\dT\d{6}Z-run-\d\.json$/);
  });

  it('is written by the leader alone; who leads next looks whether it is there', async () => {
    const keeper = new Keeper();
    keeper.leads = false;
    keeper.ended('run-1');
    expect(keeper.attempts).toBe(0);
    for (const times of [1, 2]) {
      keeper.leads = true;
      keeper.changed();
      await vi.waitFor(() => expect(keeper.attempts).toBe(times), patient);
      keeper.leads = false;
      keeper.changed();
    }
    expect(runsIn(keeper)).toEqual(['run-1']);
    await vi.waitFor(() => expect(keeper.said).toEqual(['the result was written', 'the result was there already']));
  });

  it('that cannot be written is tried again after a pause, and the reason is said once', async () => {
    const keeper = new Keeper();
    keeper.failsWith = 'forbidden';
    keeper.ended('run-1');
    const attempt = (count: number): Promise<void> =>
      vi.waitFor(() => {
        if (keeper.attempts < count) keeper.clock.advance(30_000);
        expect(keeper.attempts).toBe(count);
      }, patient);
    await attempt(3);
    keeper.failsWith = null;
    // Meanwhile another run is on, which changes nothing about the one that is to be written.
    keeper.script.submit('other', 'run-2');
    keeper.changed();
    await attempt(4);
    await vi.waitFor(() => expect(runsIn(keeper)).toEqual(['run-1']), patient);
    expect(keeper.said).toEqual(['the result could not be written yet: forbidden', 'the result was written']);
  });

  it('that was not written before the next one is said to be missing', async () => {
    const keeper = new Keeper();
    keeper.failsWith = 'forbidden';
    keeper.ended('run-1');
    await vi.waitFor(() => expect(keeper.said).toHaveLength(1), patient);
    keeper.failsWith = null;
    keeper.ended('run-2');
    await vi.waitFor(() => expect(runsIn(keeper)).toEqual(['run-2']), patient);
    expect(keeper.said).toContain('the result of a run was not written before the next one ended');
  });

  it('is tried no more once the node is closed', async () => {
    const keeper = new Keeper();
    keeper.failsWith = 'forbidden';
    keeper.ended('run-1');
    await vi.waitFor(() => expect(keeper.said).toHaveLength(1), patient);
    keeper.end();
    keeper.clock.advance(600_000);
    keeper.changed();
    expect(keeper.attempts).toBe(1);
  });
});
